// Silent sign-in for a page with Web Chat in front of a bot behind bot-sso. Has no dependencies. docs/web-chat.md of
// bot-sso explains how a site uses it.

const OAUTH_CARD = 'application/vnd.microsoft.card.oauth';
/** The time for the token and for the bot's answer together. The channel itself gives up after 15 seconds. */
const DEFAULT_TIMEOUT_MS = 20_000;
/** The value that the client library of Direct Line returns in place of an id after a failure. It tries nothing again. */
const FAILED_POST = 'retry';
const STORAGE_KEY = 'bot-sso.answered-cards';
/** The number of cards that are remembered across a reload. */
const MAX_ANSWERED_CARDS = 200;

/** Why a card is shown; `code` is what the bot is told about it, if anything. */
class CardNeeded extends Error {
  constructor(reason, code) {
    super(reason);
    this.reason = reason;
    this.code = code;
  }
}

/**
 * Makes a middleware for `createStore` of Web Chat. It holds an OAuth card back, answers it with a token of the site's
 * user, and shows the card only if that fails.
 *
 * @param {import('./single-sign-on').SingleSignOnOptions} options
 * @returns {import('./single-sign-on').StoreMiddleware}
 */
export function createSingleSignOn({ getToken, timeoutMs = DEFAULT_TIMEOUT_MS, onOutcome = () => {}, storage }) {
  if (typeof getToken !== 'function') {
    throw new TypeError('createSingleSignOn: getToken is not a function');
  }
  return () => {
    const answered = new AnsweredCards(storage ?? findSessionStorage());
    const connection = new Connection();
    const arrivals = new Arrivals();

    /** Answers one card. Returns the outcome: the card is not needed, or why it is. */
    async function answerCard({ tokenExchangeResource, connectionName }, signal) {
      const token = await getTokenOrNeedCard(getToken, tokenExchangeResource, connectionName, signal);
      await connection.post('signin/tokenExchange', { id: tokenExchangeResource.id, connectionName, token }, signal);
    }

    /** Answers all cards of an activity. Passes on what is left of the activity. */
    async function answerActivity(activity, cards, pass) {
      const results = await Promise.all(cards.map((card) => outcomeWithin(timeoutMs, (signal) => answerCard(card, signal))));
      const problem = results.find((result) => result instanceof CardNeeded);
      answered.add(activity.id, !problem);
      if (problem?.code) {
        connection.report(problem);
      }
      const rest = problem ? activity : withoutCards(activity, cards);
      if (rest) {
        pass(rest);
      }
      for (const [number, card] of cards.entries()) {
        const { reason } = results[number] ?? {};
        tell(onOutcome, { connectionName: card.connectionName, signedIn: !reason, ...(reason && { reason }) });
      }
    }

    /** Decides on an activity that has cards. Every activity with the same id gets the same decision. */
    function receive(activity, cards, pass) {
      const earlier = answered.find(activity.id);
      if (earlier === 'open') {
        return;
      }
      if (earlier === undefined && connection.mayReplay) {
        pass(activity);
        cards.forEach(({ connectionName }) => tell(onOutcome, { connectionName, signedIn: false, reason: 'old_card' }));
        return;
      }
      if (earlier !== undefined) {
        const rest = earlier ? withoutCards(activity, cards) : activity;
        if (rest) {
          pass(rest);
        }
        return;
      }
      answered.open(activity.id);
      answerActivity(activity, cards, pass);
    }

    return (next) => (action) => {
      connection.observe(action);
      arrivals.observe(action);
      if (action.type === 'DIRECT_LINE/QUEUE_INCOMING_ACTIVITY') {
        return next({ ...action, payload: { ...action.payload, activity: arrivals.withoutVainReference(action.payload.activity) } });
      }
      if (action.type !== 'DIRECT_LINE/INCOMING_ACTIVITY') {
        return next(action);
      }
      const { activity } = action.payload;
      if (isOwnInvoke(activity)) {
        // The channel returns what was posted, without the token. Web Chat has nothing to show for it.
        return undefined;
      }
      const cards = findCards(activity);
      if (cards.length === 0) {
        return next(action);
      }
      receive(activity, cards, (rest) => next({ ...action, payload: { ...action.payload, activity: rest } }));
      return undefined;
    };
  };
}

/**
 * Makes a `getToken` from a client of `@azure/msal-browser`. It never opens a window.
 *
 * @param {import('./single-sign-on').MsalClient} client
 * @param {import('./single-sign-on').MsalTokenOptions} [options]
 * @returns {import('./single-sign-on').GetToken}
 */
export function tokensFromMsal(client, { scopes, loginHint } = {}) {
  return async ({ uri }) => {
    const listed = scopes && Object.hasOwn(scopes, uri) ? scopes[uri] : undefined;
    const wanted = scopes ? listed : defaultScopes(uri);
    if (!wanted) {
      // A bot must not get a token for an API that the site has not named.
      throw Object.assign(new Error(`no scope is listed for ${uri}`), { errorCode: 'resource_not_listed' });
    }
    const account = client.getActiveAccount() ?? client.getAllAccounts()[0];
    try {
      const result = account
        ? await client.acquireTokenSilent({ scopes: wanted, account })
        : await client.ssoSilent({ scopes: wanted, loginHint });
      return result.accessToken;
    } catch (error) {
      if (error.errorCode === 'login_required' || error.errorCode === 'no_account_error') {
        return undefined;
      }
      throw error;
    }
  };
}

/** The scopes for an exchange URI that is an App ID URI, or one permission below an App ID URI. */
function defaultScopes(uri) {
  if (!uri.startsWith('api://')) {
    return undefined;
  }
  return [uri.slice('api://'.length).includes('/') ? uri : `${uri}/.default`];
}

/** The connection of Web Chat to Direct Line, as seen in the actions that pass. */
class Connection {
  #directLine;
  #userId;
  #mayReplay = false;

  observe({ type, payload }) {
    if (type === 'DIRECT_LINE/CONNECT') {
      this.#directLine = payload.directLine;
      this.#userId = payload.userID;
      // A connection that begins with the id of a conversation goes on with it: its first activities are old ones.
      this.#mayReplay = Boolean(payload.directLine.conversationId);
    } else if (type === 'DIRECT_LINE/POST_ACTIVITY') {
      this.#mayReplay = false;
    }
  }

  /** Whether the next activities may be those of an earlier visit. It ends with the user's first activity. */
  get mayReplay() {
    return this.#mayReplay;
  }

  /** Posts an invoke. Fails with `CardNeeded` unless the bot accepts it. */
  post(name, value, signal) {
    const from = { id: this.#userId ?? '', role: 'user' };
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new CardNeeded('refused'));
      if (!this.#directLine) {
        refuse();
        return;
      }
      const subscription = this.#directLine.postActivity({ type: 'invoke', name, value, from }).subscribe({
        next: (id) => (id && id !== FAILED_POST ? resolve(id) : refuse()),
        error: refuse,
        complete: refuse,
      });
      signal?.addEventListener('abort', () => subscription?.unsubscribe(), { once: true });
    });
  }

  /** Tells the bot that this client could not get a token, so that the next card is one to show. */
  report({ code }) {
    const value = { code, message: 'The page could not get a token of the user.' };
    // The report is no more than a hint, so its failure changes nothing.
    this.post('signin/failure', value).catch(() => {});
  }
}

/**
 * The activities that Web Chat gets. It holds an answer of the bot back for up to five seconds until the activity that it
 * answers (`replyToId`) has arrived. After a silent sign-in this one never arrives: it is the posted token, or an event that
 * the bot alone has seen.
 */
class Arrivals {
  #ids = new Set();
  /** The posts of the user that have not come back yet, by the ids that Web Chat gives them. */
  #posts = new Set();

  observe({ type, payload }) {
    const activity = payload?.activity;
    const post = activity?.channelData?.clientActivityID;
    if (type === 'DIRECT_LINE/POST_ACTIVITY_PENDING') {
      this.#posts.add(post);
    } else if (type === 'DIRECT_LINE/CONNECT' || type === 'DIRECT_LINE/POST_ACTIVITY_REJECTED') {
      // What was refused does not come back. A refusal does not say of which post it is.
      this.#posts.clear();
    } else if (type === 'DIRECT_LINE/QUEUE_INCOMING_ACTIVITY') {
      this.#posts.delete(post);
      if (activity.id && !isOwnInvoke(activity)) {
        this.#ids.add(activity.id);
      }
    }
  }

  /** The activity without its `replyToId`, if that names an activity that does not arrive. */
  withoutVainReference(activity) {
    const { replyToId, ...rest } = activity;
    const mayArrive = this.#ids.has(replyToId) || this.#posts.size > 0;
    return replyToId === undefined || mayArrive ? activity : rest;
  }
}

/** The decisions on cards by the id of their activity: `open`, true (answered) or false (shown). */
class AnsweredCards {
  #storage;
  #decisions;

  constructor(storage) {
    this.#storage = storage;
    this.#decisions = new Map(readDecisions(storage));
  }

  find(id) {
    return id === undefined ? undefined : this.#decisions.get(id);
  }

  open(id) {
    if (id !== undefined) {
      this.#decisions.set(id, 'open');
    }
  }

  add(id, isAnswered) {
    if (id === undefined) {
      return;
    }
    this.#decisions.set(id, isAnswered);
    const kept = [...this.#decisions].filter(([, decision]) => decision !== 'open').slice(-MAX_ANSWERED_CARDS);
    try {
      this.#storage?.setItem(STORAGE_KEY, JSON.stringify(kept));
    } catch {
      // Without storage, a reload shows the cards that were answered before it.
    }
  }
}

function readDecisions(storage) {
  try {
    const kept = JSON.parse(storage?.getItem(STORAGE_KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter((entry) => Array.isArray(entry) && typeof entry[1] === 'boolean') : [];
  } catch {
    return [];
  }
}

/** The storage of this tab, which survives a reload. A browser may forbid it. */
function findSessionStorage() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** The contents of the OAuth cards of a bot that offer an exchange. */
function findCards({ type, from, attachments }) {
  if (type !== 'message' || from?.role === 'user' || !Array.isArray(attachments)) {
    return [];
  }
  return attachments.filter(isExchangeable).map(({ content }) => content);
}

function isExchangeable(attachment) {
  const content = attachment?.contentType === OAUTH_CARD ? attachment.content : undefined;
  return typeof content?.connectionName === 'string' && typeof content.tokenExchangeResource?.uri === 'string';
}

/** The activity without its cards; undefined if nothing of it is left to show. */
function withoutCards(activity, cards) {
  const attachments = activity.attachments.filter(({ content }) => !cards.includes(content));
  return attachments.length > 0 ? { ...activity, attachments } : undefined;
}

function isOwnInvoke({ type, name }) {
  return type === 'invoke' && (name === 'signin/tokenExchange' || name === 'signin/failure');
}

/** Runs `work`. Returns undefined, or the reason why the card is needed: also that the time is up. */
async function outcomeWithin(timeoutMs, work) {
  const controller = new AbortController();
  let timer;
  const timeUp = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new CardNeeded('timeout')), timeoutMs);
  });
  try {
    await Promise.race([work(controller.signal), timeUp]);
    return undefined;
  } catch (error) {
    return error instanceof CardNeeded ? error : new CardNeeded('refused');
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** The token for a resource. Without one the card is needed, and after a failure the bot is told so. */
async function getTokenOrNeedCard(getToken, resource, connectionName, signal) {
  let token;
  try {
    token = await getToken(resource, { connectionName, signal });
  } catch (error) {
    throw new CardNeeded('token_failed', failureCode(error));
  }
  if (signal.aborted) {
    throw new CardNeeded('timeout');
  }
  if (typeof token !== 'string' || token === '') {
    throw new CardNeeded('no_token');
  }
  return token;
}

/** The code of `signin/failure` for an error of the site's sign-in. An error's own text stays in the page. */
function failureCode(error) {
  switch (error?.errorCode) {
    case 'consent_required':
      return 'userconsentrequired';
    case 'interaction_required':
      return 'interactionrequired';
    case 'resource_not_listed':
      return 'resourcematchfailed';
    default:
      return 'tokenmissing';
  }
}

function tell(onOutcome, outcome) {
  try {
    onOutcome(outcome);
  } catch (error) {
    // A mistake in the site's own function must not keep a card from the user.
    console.error(error);
  }
}
