// The types of single-sign-on.js of bot-sso.

/** The member `tokenExchangeResource` of an OAuth card. */
export interface TokenExchangeResource {
  /** Identifies the card's offer. */
  id?: string;
  /** The API for which the bot wants a token: the App ID URI of the bot's app. */
  uri: string;
  providerId?: string;
}

export interface TokenRequest {
  /** The name of the bot's OAuth connection. */
  connectionName: string;
  /** Aborted when the time is up. */
  signal: AbortSignal;
}

/**
 * Gets a token of the site's user for a bot, without showing anything. Returns nothing if the site's user is not signed in:
 * the user then sees the card. If it throws, the bot is told as well that this page cannot sign the user in silently.
 */
export type GetToken = (
  resource: TokenExchangeResource,
  request: TokenRequest
) => Promise<string | null | undefined> | string | null | undefined;

/** Why a card was shown. */
export type CardReason =
  /** `getToken` returned nothing. */
  | 'no_token'
  /** `getToken` failed. */
  | 'token_failed'
  /** The bot refused the token, or Direct Line did not deliver it. */
  | 'refused'
  /** The time was up. */
  | 'timeout'
  /** The card was sent before the page was loaded. */
  | 'old_card';

export interface Outcome {
  connectionName: string;
  /** Whether the bot has accepted the token. The card then stays hidden. */
  signedIn: boolean;
  reason?: CardReason;
}

export interface SingleSignOnOptions {
  getToken: GetToken;
  /** The time for the token and for the bot's answer together, in milliseconds; 20 000 if absent. */
  timeoutMs?: number;
  /** Called after each card. */
  onOutcome?: (outcome: Outcome) => void;
  /** Where the page remembers which cards it has answered; `sessionStorage` if absent. Holds ids of activities only. */
  storage?: Pick<Storage, 'getItem' | 'setItem'>;
}

/** A middleware of the kind that `createStore(initialState, ...middlewares)` of Web Chat takes. */
export type StoreMiddleware = (store: {
  dispatch: (action: any) => any;
  getState?: () => any;
}) => (next: (action: any) => any) => (action: any) => any;

export function createSingleSignOn(options: SingleSignOnOptions): StoreMiddleware;

/** The part of `PublicClientApplication` of `@azure/msal-browser` that is used. Call its `initialize` before. */
export interface MsalClient {
  getActiveAccount(): any | null;
  getAllAccounts(): any[];
  acquireTokenSilent(request: { scopes: string[]; account: any }): Promise<{ accessToken: string }>;
  ssoSilent(request: { scopes: string[]; loginHint?: string }): Promise<{ accessToken: string }>;
}

export interface MsalTokenOptions {
  /**
   * The scopes by exchange URI. Only these URIs get a token. If absent, an App ID URI (`api://…`) gets `<URI>/.default`, a
   * URI with a permission gets this permission, and every other URI is refused.
   */
  scopes?: Record<string, string[]>;
  /** The user, where MSAL has no account yet. */
  loginHint?: string;
}

export function tokensFromMsal(client: MsalClient, options?: MsalTokenOptions): GetToken;
