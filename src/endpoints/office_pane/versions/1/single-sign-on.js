// Single sign-on for the panes of an Office add-in behind bot-sso. Has no dependencies. docs/office-add-ins.md of bot-sso
// explains how an add-in uses it.

/**
 * The codes of Office's token call. `fallback`: Office cannot give a token, so the sign-in dialog is tried. `ask_user`: only
 * the user can change it. `retry_later`: the same call works in a moment. `developer`: the add-in is set up wrongly.
 */
export const CLIENT_CODES = Object.freeze({
  13000: code('fallback', 'unsupported', 'This version of Office has no single sign-on, or the manifest has no WebApplicationInfo.'),
  13001: code('ask_user', 'not_signed_in', 'The user is not signed in to Office.'),
  13002: code('ask_user', 'cancelled', 'The user cancelled the sign-in or the consent.'),
  13003: code('fallback', 'unsupported', "Office has no single sign-on for this kind of account, such as one of the company's own domain."),
  13004: code('developer', 'developer', "The host name in the manifest's Resource is not the add-in's."),
  13005: code('fallback', 'unsupported', 'Office is not an authorised client of the app, or the user has not consented to the profile.'),
  13006: code('ask_user', 'user_action', 'Office on the web is in a state that only a new sign-in ends: sign out of Office, close the browser and begin again.'),
  13007: code('fallback', 'unsupported', 'Office got no token from Entra: a scope is missing, the account is another one, or the app is disabled.'),
  13008: code('retry_later', 'retry_later', 'Office still works on an earlier call.'),
  13009: code('fallback', 'unsupported', 'An add-in of this catalogue cannot ask for consent.'),
  13010: code('ask_user', 'user_action', "The add-in and Office are in different zones of the browser's settings."),
  13011: code('fallback', 'unsupported', 'Office does not allow this add-in a token for its Resource.'),
  13012: code('fallback', 'unsupported', 'This platform has no single sign-on, or forMSGraphAccess is set and an administrator has not consented.'),
  13013: code('retry_later', 'retry_later', 'The add-in has asked Office too often in a short time.'),
  50001: code('fallback', 'unsupported', 'Office, or the copy of office.js, is too old.'),
});

/** What failed, where Office names a code that is not in the list. */
const UNKNOWN_CODE = code('fallback', 'unsupported', 'Office gave no token.');

/** The codes with which a dialog does not open, or ends. */
const DIALOG_CODES = {
  12002: ['developer', 'The page at dialogUrl, or one after it, cannot be loaded.'],
  12003: ['developer', 'A page of the dialog has an address with plain http.'],
  12004: ['developer', "dialogUrl is not an address of the add-in's own domain."],
  12005: ['developer', 'dialogUrl does not begin with https.'],
  12006: ['cancelled', 'The user closed the sign-in dialog.'],
  12007: ['retry_later', 'Another dialog of this pane is open.'],
  12009: ['cancelled', 'The user did not let the dialog open.'],
  12011: ['user_action', "The browser's settings keep the dialog from opening."],
};

/** The refusals that a sign-in in the dialog may end. */
const NEEDS_BROWSER = ['consent', 'interaction', 'expired'];

/** The type of the messages of the last page of bot-sso's sign-in. */
const DIALOG_MESSAGE = 'bot-sso';

/** A failure that the page can act on. */
export class SingleSignOnError extends Error {
  constructor(kind, code, message, { retryAfter, claims } = {}) {
    super(message);
    this.name = 'SingleSignOnError';
    Object.assign(this, { kind, code }, retryAfter !== undefined && { retryAfter }, claims !== undefined && { claims });
  }
}

/**
 * Gets tokens of the user from Office, and calls the add-in's paths with them. Each remedy for a refusal is tried once in a call.
 *
 * @param {import('./single-sign-on').SingleSignOnOptions} options
 * @returns {import('./single-sign-on').SingleSignOn}
 */
export function createSingleSignOn(options) {
  const { baseUrl, addIn, office, officeRuntime, dialogUrl, errors = 'status', tokenOptions } = options;
  const base = withoutSlash(new URL(baseUrl));
  const root = `${base.origin}${base.pathname}api/add-ins/${encodeURIComponent(required(addIn, 'addIn'))}`;
  const host = () => ({ office: office ?? globalThis.Office, runtime: officeRuntime ?? globalThis.OfficeRuntime });
  const tokens = new Tokens(chooseSource(options, host));
  const dialog = dialogUrl && new SignInDialog(new URL(dialogUrl, pageAddress()).href, base.origin, host);
  const wantedBy = (own) => ({ ...DEFAULT_TOKEN_OPTIONS, ...renamed(tokenOptions), ...renamed(own) });

  async function askFor(wanted) {
    try {
      return await tokens.get(wanted);
    } catch (error) {
      throw failureOfClient(error);
    }
  }

  /** A token, if need be after the sign-in dialog. */
  async function getTokenWith(remedies, wanted) {
    try {
      return await askFor(wanted);
    } catch (failure) {
      if (failure.kind !== 'unsupported' || !dialog || !remedies.take('dialog')) {
        throw failure;
      }
      await dialog.signIn();
      // The dialog has asked for the further factors as well.
      return askFor({ ...wanted, authChallenge: undefined });
    }
  }

  /** What to ask for after a refusal. Throws the refusal if nothing is left to try. */
  async function remedy(refusal, remedies, wanted) {
    if (refusal.kind === 'challenge' && remedies.take('challenge')) {
      return { ...wanted, authChallenge: refusal.claims };
    }
    if (refusal.kind === 'expired' && remedies.take('renewal')) {
      return { ...wanted, renew: true };
    }
    if (NEEDS_BROWSER.includes(refusal.kind) && dialog && remedies.take('dialog')) {
      await dialog.signIn();
      return wanted;
    }
    throw refusal;
  }

  async function call(address, init = {}, own = {}) {
    const url = trustedUrl(address, base.href);
    const [remedies, first] = [new Remedies(), wantedBy(own)];
    for (let wanted = first; ; ) {
      const response = await send(url, init, await getTokenWith(remedies, wanted));
      const refusal = await readRefusal(response, errors);
      if (!refusal) {
        return response;
      }
      wanted = await remedy(refusal, remedies, first);
    }
  }

  return {
    getToken: (own) => getTokenWith(new Remedies(), wantedBy(own)),
    call,
    async fetchIdentity(own) {
      const response = await call(`${root}/identity`, {}, own);
      if (!response.ok) {
        throw new SingleSignOnError('developer', response.status, `The answer is ${response.status}.`);
      }
      return response.json();
    },
    async fetchDownstream(path, init, own) {
      const url = new URL(`${root}/downstream${path}`);
      if (!path.startsWith('/') || !url.href.startsWith(`${root}/downstream/`)) {
        throw new TypeError('fetchDownstream: the path has to begin with a slash, and to stay below it');
      }
      return call(url.href, init, own);
    },
  };
}

/**
 * The first page of the sign-in dialog calls this; Office wants that page in the add-in's own domain. It goes on to bot-sso.
 *
 * @param {{ baseUrl: string, addIn: string }} options
 */
export function continueToSignIn({ baseUrl, addIn }) {
  const base = withoutSlash(new URL(baseUrl));
  const origin = encodeURIComponent(globalThis.location.origin);
  globalThis.location.replace(`${base.origin}${base.pathname}api/add-ins/${encodeURIComponent(addIn)}/sign-in?origin=${origin}`);
}

/**
 * Makes an `acquireToken` from a client of MSAL, such as `createNestablePublicClientApplication` makes it.
 *
 * @param {import('./single-sign-on').MsalClient} client
 * @param {{ scopes: string[] }} options the scope of the add-in's own API, such as `api://…/access_as_user`
 * @returns {import('./single-sign-on').AcquireToken}
 */
export function tokensFromMsal(client, { scopes }) {
  return async ({ claims, forceRefresh, allowSignInPrompt }) => {
    const account = client.getActiveAccount() ?? client.getAllAccounts()[0];
    const request = { scopes, ...(claims && { claims }), ...(account && { account }) };
    try {
      const silent = forceRefresh ? { ...request, forceRefresh } : request;
      return (await (account ? client.acquireTokenSilent(silent) : client.ssoSilent(request))).accessToken;
    } catch (error) {
      if (!allowSignInPrompt) {
        throw error;
      }
      return (await client.acquireTokenPopup(request)).accessToken;
    }
  };
}

/** Office asks the user where it has to, once the silent way has failed. */
const DEFAULT_TOKEN_OPTIONS = { allowSignInPrompt: true, allowConsentPrompt: true };

/** The options by their present names. The older names force what the present ones permit. */
function renamed({ forceAddAccount, forceConsent, ...options } = {}) {
  return {
    ...options,
    ...(forceAddAccount !== undefined && { allowSignInPrompt: forceAddAccount, forceAddAccount }),
    ...(forceConsent !== undefined && { allowConsentPrompt: forceConsent, forceConsent }),
  };
}

/** The remedies that a call has used. */
class Remedies {
  #used = new Set();

  /** Whether the remedy was not used yet; it then is. */
  take(remedy) {
    const isNew = !this.#used.has(remedy);
    this.#used.add(remedy);
    return isNew;
  }
}

/** One question to Office at a time, since Office refuses a second one (13008). Equal questions share the answer. Office keeps the tokens. */
class Tokens {
  #ask;
  #open;

  constructor(ask) {
    this.#ask = ask;
  }

  get({ authChallenge, renew, ...options }) {
    const wanted = { ...options, ...(authChallenge && { authChallenge, claims: authChallenge }), ...(renew && { forceRefresh: true }) };
    const key = JSON.stringify(wanted);
    if (this.#open?.key !== key) {
      const earlier = this.#open?.answer.catch(() => {}) ?? Promise.resolve();
      const open = { key, answer: earlier.then(() => this.#ask(wanted)).then(requireToken) };
      const close = () => {
        this.#open = this.#open === open ? undefined : this.#open;
      };
      open.answer.then(close, close);
      this.#open = open;
    }
    return this.#open.answer;
  }
}

function requireToken(token) {
  if (typeof token !== 'string' || token === '') {
    throw Object.assign(new Error('There is no token.'), { code: undefined });
  }
  return token;
}

/** Where tokens come from: Office, unless the page has a function of its own for all tokens, or for those that Office cannot give. */
function chooseSource({ acquireToken, fallbackToken }, host) {
  if (acquireToken) {
    return pagesOwn(acquireToken);
  }
  const ask = (wanted) => askHost(host(), wanted);
  if (!fallbackToken) {
    return ask;
  }
  const fallBack = pagesOwn(fallbackToken);
  return async (wanted) => {
    try {
      return requireToken(await ask(wanted));
    } catch (error) {
      if (entryOf(error).action !== 'fallback') {
        throw error;
      }
      return fallBack(wanted);
    }
  };
}

/** A function of the page, whose failures are not those of Office. */
function pagesOwn(getToken) {
  return async (wanted) => {
    try {
      return requireToken(await getToken(wanted));
    } catch (error) {
      const failure = new SingleSignOnError('token_failed', error?.errorCode ?? error?.code, "The page's own function gave no token.");
      throw Object.assign(failure, { cause: error });
    }
  };
}

/** Asks Office in the newest form that it has. */
async function askHost({ office, runtime }, wanted) {
  await office?.onReady?.();
  const { allowSignInPrompt, allowConsentPrompt, forMSGraphAccess, authChallenge } = wanted;
  const options = defined({ allowSignInPrompt, allowConsentPrompt, forMSGraphAccess, authChallenge });
  const auth = [runtime?.auth, office?.auth].find((candidate) => typeof candidate?.getAccessToken === 'function');
  if (auth) {
    return auth.getAccessToken(options);
  }
  if (typeof office?.context?.auth?.getAccessTokenAsync === 'function') {
    return askHostByCallback(office, wanted);
  }
  throw Object.assign(new Error(CLIENT_CODES[13000].cause), { code: 13000 });
}

/**
 * The callback form of older versions. Its options force a prompt instead of permitting one, so the first call has none of
 * them, unless the page itself names them.
 */
async function askHostByCallback(office, { forceAddAccount, forceConsent, authChallenge, ...wanted }) {
  const ask = (options) =>
    new Promise((resolve, reject) => {
      office.context.auth.getAccessTokenAsync(defined(options), ({ status, value, error }) =>
        status === 'succeeded' ? resolve(value) : reject(error ?? {})
      );
    });
  const first = { forceAddAccount, forceConsent, authChallenge };
  try {
    return await ask(first);
  } catch (error) {
    if (error.code === 13001 && wanted.allowSignInPrompt && !forceAddAccount) {
      return ask({ ...first, forceAddAccount: true });
    }
    if (error.code === 13005 && wanted.allowConsentPrompt && !forceConsent) {
      return ask({ ...first, forceConsent: true });
    }
    throw error;
  }
}

/** The sign-in dialog. Calls that need it at the same time share one, since a pane can have only one open. */
class SignInDialog {
  #url;
  #origin;
  #host;
  #open;

  constructor(url, origin, host) {
    this.#url = url;
    this.#origin = origin;
    this.#host = host;
  }

  /** Resolves when bot-sso says that the user has signed in. */
  signIn() {
    this.#open ??= this.#show().finally(() => {
      this.#open = undefined;
    });
    return this.#open;
  }

  #show() {
    const { office } = this.#host();
    const { DialogMessageReceived: onMessage = 'dialogMessageReceived', DialogEventReceived: onEvent = 'dialogEventReceived' } =
      office?.EventType ?? {};
    return new Promise((resolve, reject) => {
      if (typeof office?.context?.ui?.displayDialogAsync !== 'function') {
        throw new SingleSignOnError('unsupported', undefined, 'This version of Office opens no dialogs.');
      }
      office.context.ui.displayDialogAsync(this.#url, { height: 60, width: 40 }, ({ status, value: dialog, error }) => {
        if (status === 'failed' || !dialog) {
          reject(failureOfDialog(error?.code));
          return;
        }
        // A failed sign-in stays open: its page says why, and lets the user begin again.
        let failed;
        dialog.addEventHandler(onMessage, (event) => {
          const message = this.#read(event);
          failed = message?.status === 'failed' ? failureOfSignIn(message) : undefined;
          if (message && !failed) {
            dialog.close();
            (message.status === 'signed_in' ? resolve : reject)(failureOfSignIn(message));
          }
        });
        dialog.addEventHandler(onEvent, (event) => reject(failed ?? failureOfDialog(event?.error)));
      });
    });
  }

  /** The message of bot-sso's last page. Older versions of Office do not say from which origin a message comes. */
  #read({ message, origin }) {
    if (origin !== undefined && origin !== this.#origin) {
      return undefined;
    }
    const content = parse(message);
    return content?.type === DIALOG_MESSAGE ? content : undefined;
  }
}

function failureOfDialog(number) {
  const [kind, text] = DIALOG_CODES[number] ?? ['unsupported', 'The sign-in dialog failed.'];
  return new SingleSignOnError(kind, number, text);
}

function failureOfSignIn({ status, reason, reference }) {
  const isCancelled = status === 'cancelled';
  const text = isCancelled ? 'The user cancelled the sign-in.' : `The sign-in failed${reference ? ` (reference ${reference})` : ''}.`;
  return new SingleSignOnError(isCancelled ? 'cancelled' : 'sign_in_failed', reason ?? status, text);
}

/** The failure of a token call. */
function failureOfClient(error) {
  if (error instanceof SingleSignOnError) {
    return error;
  }
  const { kind, cause } = entryOf(error);
  return Object.assign(new SingleSignOnError(kind, error?.code, cause), { cause: error });
}

/** The entry of the table for an error of Office. */
function entryOf(error) {
  return CLIENT_CODES[Number(error?.code)] ?? UNKNOWN_CODE;
}

/** Sends a request with the token. The page's own settings come second, but for the token. */
async function send(url, init, token) {
  if (typeof ReadableStream === 'function' && init.body instanceof ReadableStream) {
    throw new TypeError('a body that can be read only once cannot be sent again after a refusal');
  }
  const headers = new Headers(init.headers);
  headers.set('Authorization', `Bearer ${token}`);
  try {
    return await fetch(url, { cache: 'no-store', credentials: 'omit', ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) {
      throw error;
    }
    throw Object.assign(new SingleSignOnError('retry_later', 'network', 'There was no answer.'), { cause: error });
  }
}

/** The address to call. A token goes to bot-sso and to the add-in's own origin only. */
function trustedUrl(address, base) {
  const url = new URL(address, base);
  if (![new URL(base).origin, globalThis.location?.origin].includes(url.origin)) {
    throw new TypeError(`a token is not for ${url.origin}`);
  }
  return url.href;
}

/** The refusal in an answer, if it is one. Reads a successful answer only where refusals may be in it. */
async function readRefusal(response, errors) {
  if (response.ok && errors !== 'inline') {
    return undefined;
  }
  const isJson = /\bjson\b/i.test(response.headers.get('content-type') ?? '');
  const body = isJson ? parse(await response.clone().text()) : undefined;
  const claims = text(body?.claims) ?? claimsOfChallenge(response.headers.get('www-authenticate'));
  if (response.ok && !claims && !text(body?.error)) {
    return undefined;
  }
  const kind = claims ? 'challenge' : kindOfRefusal(response.status, body, response.ok);
  if (!kind) {
    return undefined;
  }
  const name = text(body?.type) ?? text(body?.error) ?? response.status;
  const told = text(body?.message) ?? text(body?.error_description) ?? `The answer is ${response.status}.`;
  const message = text(body?.scope) ? `${told} (${body.scope})` : told;
  return new SingleSignOnError(kind, name, message, { claims, retryAfter: kind === 'retry_later' ? waitOf(response, body) : undefined });
}

/** The kind of a refusal; undefined for an answer of the API that is called, which the page reads itself. */
function kindOfRefusal(status, body, isInline) {
  const numbers = [body?.error_codes, text(body?.error_description)?.match(/AADSTS(\d+)/)?.[1]].flat().map(Number);
  const says = (...words) => [body?.type, body?.error, body?.suberror].some((word) => words.includes(word));
  if ([429, 502, 503, 504].includes(status) || says('SignInRequired', 'BodyTooSlow') || (isInline && says('temporarily_unavailable'))) {
    return 'retry_later';
  }
  if (!isInline && !says('TokenExpiredError') && !(text(body?.type) && text(body?.error))) {
    return undefined;
  }
  if (says('TokenExpiredError') || numbers.includes(500133)) {
    return 'expired';
  }
  if (body.adminConsentRequired === true || numbers.includes(90094) || numbers.includes(90095)) {
    return 'admin_consent';
  }
  if (says('ConsentRequired', 'consent_required') || numbers.includes(65001)) {
    return 'consent';
  }
  if (says('InteractionRequired', 'interaction_required')) {
    return 'interaction';
  }
  return says('access_denied') && !says('AppOnlyToken') ? 'denied' : 'developer';
}

/** The claims in `WWW-Authenticate: Bearer …, claims="<base64>"`, as a downstream API challenges. */
function claimsOfChallenge(header) {
  const encoded = header?.match(/\bclaims="([^"]+)"/)?.[1];
  try {
    const bytes = encoded && atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    return bytes && new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

/** The seconds until a repetition makes sense, if the answer says it. */
function waitOf(response, body) {
  const stated = response.headers.get('retry-after') ?? body?.retry_after;
  const seconds = Number(stated);
  const until = Number.isNaN(seconds) ? (Date.parse(stated) - Date.now()) / 1000 : seconds;
  return stated != null && until >= 0 ? Math.ceil(until) : undefined;
}

function code(action, kind, cause) {
  return Object.freeze({ action, kind, cause });
}

function required(value, name) {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`createSingleSignOn: ${name} is missing`);
  }
  return value;
}

/** The address with exactly one slash at the end of its path. */
function withoutSlash(url) {
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`;
  return url;
}

function pageAddress() {
  return globalThis.location?.href;
}

function defined(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function text(value) {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
