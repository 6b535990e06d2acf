// The story that the Token Service clients of the SDKs for Node tell, one JSON object a line on standard output: what each call
// came to. README.md lists the environment. Never a token and never a sign-in link: only whether there is one.

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

/** What the story is about. */
export function settings() {
  return {
    url: required('TOKEN_SERVICE'),
    appId: required('BOT_APP_ID'),
    connection: required('CONNECTION_NAME'),
    resource: required('RESOURCE_URL'),
    /** A message of the user who signs in, and a token of theirs for the exchange. */
    activity: JSON.parse(required('ACTIVITY')),
    token: required('EXCHANGEABLE_TOKEN'),
    /** The same of a user who has not consented. */
    refusedActivity: JSON.parse(required('REFUSED_ACTIVITY')),
    refusedToken: required('REFUSED_TOKEN'),
  };
}

/** What an SDK answers for "is there a token". */
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

/** A bare link, not a quoted one: whether the whole of it is what the pages of this service begin with. */
function linkAnswer(service, link) {
  const begin = `${service}/api/oauth/signin?signin=`;
  return { isSignInLink: typeof link === 'string' && link.startsWith(begin) && /^[0-9a-f]{32}$/.test(link.slice(begin.length)) };
}

function aadAnswer(tokens) {
  return { tokens: Object.fromEntries(Object.entries(tokens).map(([url, answer]) => [url, tokenAnswer(answer).hasToken])) };
}

/** What a bot author gets to see of a refusal: an exception, or an answer without a token. */
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

/** What the SDK made of a refused exchange. */
function refusalAnswer(answer) {
  return { ...tokenAnswer(answer), code: answer?.error?.code };
}

/** Tells the story with an SDK's client: an object of `status`, `token`, `resource`, `link` (if it has one), `exchange`, `aadTokens` and `signOut`. */
export async function tell(client, { url, activity, token, refusedActivity, refusedToken }) {
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
