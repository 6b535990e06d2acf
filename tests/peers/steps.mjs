// The calls that every Token Service client on Node makes. Prints one JSON object a line with the result of each call. README.md lists the
// environment. Prints whether there is a token or a sign-in link, never the value.

export const MAX_MESSAGE_CHARACTERS = 400;
const TOKEN_SHAPE = /eyJ[\w-]+(\.[\w-]*)*/g;

export function print(line) {
  process.stdout.write(`${JSON.stringify(line).replace(TOKEN_SHAPE, '[token]')}\n`);
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

/** The settings of the calls. */
export function settings() {
  return {
    url: required('TOKEN_SERVICE'),
    appId: required('BOT_APP_ID'),
    connection: required('CONNECTION_NAME'),
    resource: required('RESOURCE_URL'),
    /** A message of the user who signs in, and a token of that user for the exchange. */
    activity: JSON.parse(required('ACTIVITY')),
    token: required('EXCHANGEABLE_TOKEN'),
    /** A message and a token of a user who has not consented. */
    refusedActivity: JSON.parse(required('REFUSED_ACTIVITY')),
    refusedToken: required('REFUSED_TOKEN'),
  };
}

/** An SDK's answer to a request for a token. */
function tokenAnswer(answer) {
  return {
    answered: answer === undefined || answer === null ? 'nothing' : Object.keys(answer).sort().join(),
    hasToken: typeof answer?.token === 'string' && answer.token.length > 0,
    connection: answer?.connectionName,
    expires: typeof answer?.expiration === 'string' && !Number.isNaN(Date.parse(answer.expiration)),
  };
}

function statusAnswer(list) {
  return { connections: Object.fromEntries(list.map((entry) => [entry.connectionName, entry.hasToken])) };
}

function resourceAnswer(resource) {
  const { origin, pathname } = new URL(resource.signInLink);
  const exchange = resource.tokenExchangeResource;
  return { link: `${origin}${pathname}`, exchangeId: exchange?.id?.length ?? 0, exchangeUri: exchange?.uri };
}

/** Whether the answer is a bare link, without quotes, to the sign-in page of this service. */
function linkAnswer(service, link) {
  const begin = `${service}/api/oauth/signin?signin=`;
  return { isSignInLink: typeof link === 'string' && link.startsWith(begin) && /^[0-9a-f]{32}$/.test(link.slice(begin.length)) };
}

function aadAnswer(tokens) {
  return { tokens: Object.fromEntries(Object.entries(tokens).map(([url, answer]) => [url, tokenAnswer(answer).hasToken])) };
}

/** Describes what a bot author sees of a refusal: an exception, or an answer without a token. */
function problem(error) {
  return {
    raised: error?.constructor?.name ?? typeof error,
    status: error?.statusCode ?? error?.status ?? error?.response?.status,
    message: String(error?.message ?? error).slice(0, MAX_MESSAGE_CHARACTERS),
  };
}

async function step(name, call, describe) {
  try {
    print({ step: name, ...describe(await call()) });
  } catch (error) {
    print({ step: name, ...problem(error) });
  }
}

/** The SDK's answer to a refused exchange. */
function refusalAnswer(answer) {
  return { ...tokenAnswer(answer), code: answer?.error?.code };
}

/** Makes the calls with an SDK's client: an object with `status`, `token`, `resource`, `link` (if the SDK has it), `exchange`, `aadTokens` and `signOut`. */
export async function runSteps(client, { url, activity, token, refusedActivity, refusedToken }) {
  const [user, refusedUser] = [activity.from.id, refusedActivity.from.id];
  await step('status', () => client.status(user), statusAnswer);
  await step('token', () => client.token(user), tokenAnswer);
  await step('resource', () => client.resource(activity), resourceAnswer);
  if (client.link) {
    await step('sign_in_url', () => client.link(activity), (link) => linkAnswer(url, link));
  }
  await step('exchange', () => client.exchange(user, token), tokenAnswer);
  await step('token_there', () => client.token(user), tokenAnswer);
  await step('status_there', () => client.status(user), statusAnswer);
  await step('aad_tokens', () => client.aadTokens(user), aadAnswer);
  await step('sign_out', () => client.signOut(user), () => ({ done: true }));
  await step('token_gone', () => client.token(user), tokenAnswer);
  await step('refused_resource', () => client.resource(refusedActivity), resourceAnswer);
  await step('refused', () => client.exchange(refusedUser, refusedToken), refusalAnswer);
}
