// The types of single-sign-on.js of bot-sso, for panes of Office add-ins.

/** What Office may do to get a token. Absent: Office may ask for the sign-in and for the consent, once the silent way has failed. */
export interface TokenOptions {
  /** Whether Office may show its sign-in. */
  allowSignInPrompt?: boolean;
  /** Whether Office may ask for the consent to the user's profile. */
  allowConsentPrompt?: boolean;
  /** Asks Office to fail (13012) while an administrator has not consented to Microsoft Graph. Always fails in a sideloaded Outlook add-in. */
  forMSGraphAccess?: boolean;
  /** A claims challenge. `call` passes those of bot-sso by itself. */
  authChallenge?: string;
  /** The older name of `allowSignInPrompt`. It forces the prompt where Office has only `getAccessTokenAsync`. */
  forceAddAccount?: boolean;
  /** The older name of `allowConsentPrompt`. It forces the prompt where Office has only `getAccessTokenAsync`. */
  forceConsent?: boolean;
}

/** What a page's own source of tokens is asked for. */
export interface WantedToken extends TokenOptions {
  /** The claims that the token has to fulfil. */
  claims?: string;
  /** Whether a token of the cache is of no use, because bot-sso has refused it as expired. */
  forceRefresh?: boolean;
}

/** Gets a token for the add-in's own API. It may show something to the user. */
export type AcquireToken = (wanted: WantedToken) => Promise<string>;

export interface SingleSignOnOptions {
  /** The address of bot-sso: `server.public_url`. */
  baseUrl: string;
  /** The add-in's name in bot-sso's configuration. */
  addIn: string;
  /** The add-in's own first page of the sign-in dialog. Without it, no dialog opens. */
  dialogUrl?: string;
  /** How bot-sso tells refusals: the key `errors` of the add-in, or of its `user_data`; `status` if absent. */
  errors?: 'status' | 'inline';
  /** Gets the tokens in place of Office: for nested app authentication. */
  acquireToken?: AcquireToken;
  /** Gets the tokens that Office cannot give (the codes with the action `fallback`), in place of the dialog. */
  fallbackToken?: AcquireToken;
  /** The options of all calls that have none of their own. */
  tokenOptions?: TokenOptions;
  /** The object `Office`; the global one if absent. */
  office?: any;
  /** The object `OfficeRuntime`; the global one if absent. */
  officeRuntime?: any;
}

/** What the page can do about a failure. */
export type FailureKind =
  /** Nobody is signed in to Office, or nobody wanted to sign in. */
  | 'not_signed_in'
  /** The user cancelled. Offer a button that begins again. */
  | 'cancelled'
  /** Show `message`: the user has to do something outside of the add-in. */
  | 'user_action'
  /** Repeat the call later, after `retryAfter` seconds if that is known. Never ask the user to sign in. */
  | 'retry_later'
  /** Office gives no token here, and the sign-in dialog has not changed that. */
  | 'unsupported'
  /** The user has not consented, also after the dialog, or no `dialogUrl` is set. */
  | 'consent'
  /** The user has to sign in in a browser, and the dialog did not change that, or no `dialogUrl` is set. */
  | 'interaction'
  /** An administrator has to consent. Asking the user again is of no use. */
  | 'admin_consent'
  /** The identity provider wants `claims` that Office's token did not have after Office was asked for them. */
  | 'challenge'
  /** The token had expired, and so had the next one and the one after the dialog. */
  | 'expired'
  /** The identity provider refuses this user, for example by a policy. */
  | 'denied'
  /** The sign-in in the dialog failed. */
  | 'sign_in_failed'
  /** `acquireToken` or `fallbackToken` failed; `code` is its error code, and `cause` its error. */
  | 'token_failed'
  /** The add-in, its registration or the configuration is wrong. bot-sso's log says what. */
  | 'developer';

export class SingleSignOnError extends Error {
  readonly kind: FailureKind;
  /** The number of Office, or the word of bot-sso, the identity provider or MSAL. */
  readonly code: number | string | undefined;
  /** Seconds until a repetition makes sense. */
  readonly retryAfter?: number;
  /** The claims challenge, unchanged. */
  readonly claims?: string;
}

/** All functions fail with a `SingleSignOnError`, but for mistakes in the arguments (`TypeError`) and for a request that the page aborts. */
export interface SingleSignOn {
  /** A token of the user for the add-in's own API. Office keeps tokens, so ask whenever you need one. */
  getToken(options?: TokenOptions): Promise<string>;
  /** Who the user is. */
  fetchIdentity(options?: TokenOptions): Promise<Identity>;
  /** Calls the add-in's downstream API through bot-sso. `path` is below `downstream.url`, as `/me`. */
  fetchDownstream(path: string, init?: RequestInit, options?: TokenOptions): Promise<Response>;
  /**
   * Calls an address of bot-sso, or of the add-in's own origin, with a token. A relative address is one of bot-sso. Answers other
   * than refusals are returned as they are, whatever their status; but 429, 502, 503 and 504 always fail with `retry_later`.
   */
  call(url: string, init?: RequestInit, options?: TokenOptions): Promise<Response>;
}

export interface Identity {
  /** `oid@tid`: the key of the user. */
  id: string;
  oid: string;
  tid: string;
  name?: string;
  preferred_username?: string;
}

export interface ClientCode {
  readonly action: 'fallback' | 'ask_user' | 'retry_later' | 'developer';
  readonly kind: FailureKind;
  readonly cause: string;
}

/** What is done for each code of Office's token call. */
export const CLIENT_CODES: Readonly<Record<number, ClientCode>>;

export function createSingleSignOn(options: SingleSignOnOptions): SingleSignOn;

/** Goes on to bot-sso's sign-in. The script of the page at `dialogUrl`. */
export function continueToSignIn(options: Pick<SingleSignOnOptions, 'baseUrl' | 'addIn'>): void;

/** The part of a client of `@azure/msal-browser` that is used. */
export interface MsalClient {
  getActiveAccount(): any | null;
  getAllAccounts(): any[];
  acquireTokenSilent(request: { scopes: string[]; account: any; claims?: string; forceRefresh?: boolean }): Promise<{ accessToken: string }>;
  ssoSilent(request: { scopes: string[]; claims?: string }): Promise<{ accessToken: string }>;
  acquireTokenPopup(request: { scopes: string[]; account?: any; claims?: string }): Promise<{ accessToken: string }>;
}

export function tokensFromMsal(client: MsalClient, options: { scopes: string[] }): AcquireToken;
