//! The table of failures.

use super::row::{Challenge, FailureRow, Inline};

const STOP: &str = "shows the message; a developer has to act";
const RETRY_TOKEN: &str = "once: asks Office for a new token and repeats the request; then the fallback dialog";
const FALLBACK: &str = "opens the fallback dialog";
const LATER: &str = "repeats the request after `Retry-After`; no prompt";
const SHOW: &str = "shows the message";

/// A failure that is told by its status in both conventions, and that no challenge explains.
const PLAIN: FailureRow = FailureRow {
    happened: "",
    status: 500,
    kind: "",
    error: "",
    suberror: None,
    message: "",
    inline: Inline::ByStatus,
    challenge: Challenge::None,
    pane: STOP,
};

pub(in crate::endpoints::add_in) static TOKEN_MISSING: FailureRow = FailureRow {
    happened: "the request has no bearer",
    status: 401,
    kind: "TokenMissing",
    error: "invalid_request",
    message: "An Authorization header with the token that Office gives the add-in is required.",
    challenge: Challenge::Bearer,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static TOKEN_INVALID: FailureRow = FailureRow {
    happened: "the token is not valid here: its signature, issuer, tenant, audience or client",
    status: 401,
    kind: "TokenInvalid",
    error: "invalid_token",
    message: "The token is not valid for this add-in.",
    challenge: Challenge::InvalidToken,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static TOKEN_EXPIRED: FailureRow = FailureRow {
    happened: "the token has expired",
    status: 401,
    kind: "TokenExpiredError",
    error: "invalid_token",
    message: "The token has expired. Ask Office for a new one and repeat the request.",
    challenge: Challenge::InvalidToken,
    pane: RETRY_TOKEN,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static WRONG_AUDIENCE_GRAPH: FailureRow = FailureRow {
    happened: "the token is for Microsoft Graph; `scope` names the one to ask for",
    status: 401,
    kind: "WrongAudienceGraph",
    error: "invalid_token",
    message: "The token is for Microsoft Graph. Ask for a token with the scope that this answer names.",
    challenge: Challenge::InvalidToken,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static APP_ONLY_TOKEN: FailureRow = FailureRow {
    happened: "the token is an application's own",
    status: 403,
    kind: "AppOnlyToken",
    error: "access_denied",
    message: "The token has no user. Nothing can be done on behalf of an application.",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static MISSING_SCOPE: FailureRow = FailureRow {
    happened: "the token lacks the add-in's scope, which `scope` names",
    status: 403,
    kind: "MissingScope",
    error: "insufficient_scope",
    message: "The token lacks a scope that the add-in requires. Ask for a token with the scope that this answer names.",
    challenge: Challenge::InsufficientScope,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static CLAIMS_CHALLENGE: FailureRow = FailureRow {
    happened: "the user has to satisfy a policy, such as a second factor; `claims` says which",
    status: 401,
    kind: "ClaimsChallenge",
    error: "interaction_required",
    message: "The user has to satisfy a policy. Ask Office for a token with these claims as authChallenge.",
    inline: Inline::Number(50_076),
    challenge: Challenge::InsufficientClaims,
    pane: "once: `getAccessToken({ authChallenge: claims })`, then repeats the request",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static INTERACTION_REQUIRED: FailureRow = FailureRow {
    happened: "the user has to act in a browser, and there is no challenge for Office",
    status: 403,
    kind: "InteractionRequired",
    error: "interaction_required",
    message: "The user has to sign in in a browser.",
    inline: Inline::Number(50_058),
    pane: FALLBACK,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static CONSENT_REQUIRED: FailureRow = FailureRow {
    happened: "the user or an administrator has not consented to the add-in's scopes; `adminConsentRequired` says whose \
               consent is missing",
    status: 403,
    kind: "ConsentRequired",
    error: "invalid_grant",
    suberror: Some("consent_required"),
    message: "The consent to the permissions of the add-in is missing.",
    inline: Inline::Number(65_001),
    challenge: Challenge::Consent,
    pane: "opens the fallback dialog; tells that an administrator is needed if `adminConsentRequired`",
};

pub(in crate::endpoints::add_in) static ASSERTION_EXPIRED: FailureRow = FailureRow {
    happened: "the token expired on its way to the identity provider",
    status: 401,
    kind: "TokenExpiredError",
    error: "invalid_grant",
    message: "The token has expired. Ask Office for a new one and repeat the request.",
    inline: Inline::Number(500_133),
    challenge: Challenge::InvalidToken,
    pane: RETRY_TOKEN,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static ASSERTION_REJECTED: FailureRow = FailureRow {
    happened: "the identity provider refuses the token",
    status: 401,
    kind: "TokenInvalid",
    error: "invalid_grant",
    message: "The identity provider refuses the token.",
    inline: Inline::Number(50_013),
    challenge: Challenge::InvalidToken,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static ACCESS_DENIED: FailureRow = FailureRow {
    happened: "the identity provider refuses the user",
    status: 403,
    kind: "AccessDenied",
    error: "access_denied",
    message: "The user may not use the add-in.",
    inline: Inline::Number(50_105),
    pane: SHOW,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static SIGN_IN_REQUIRED: FailureRow = FailureRow {
    happened: "the user was signed out while the request was under way",
    status: 401,
    kind: "SignInRequired",
    error: "login_required",
    message: "The user was signed out while the request was under way.",
    challenge: Challenge::InvalidToken,
    pane: "repeats the request when the user asks again",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static DOWNSTREAM_REFUSED: FailureRow = FailureRow {
    happened: "the API refuses the user's token, and then a new one",
    status: 403,
    kind: "Microsoft Graph",
    error: "access_denied",
    message: "The API refuses the user's token.",
    pane: SHOW,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static REPEAT_REQUEST: FailureRow = FailureRow {
    happened: "the API refused a kept token, and the request's body is too long to be sent again from here",
    status: 503,
    kind: "RepeatRequest",
    error: "temporarily_unavailable",
    message: "The API refused a token that was kept, and the next request gets a new one. Repeat the request.",
    pane: LATER,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static TEMPORARILY_UNAVAILABLE: FailureRow = FailureRow {
    happened: "the identity provider throttles, or is not available",
    status: 503,
    kind: "TemporarilyUnavailable",
    error: "temporarily_unavailable",
    message: "The service is temporarily unavailable.",
    pane: LATER,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static TOO_MANY_REQUESTS: FailureRow = FailureRow {
    happened: "the user, or the client's network, asks too often",
    status: 429,
    kind: "TooManyRequests",
    error: "temporarily_unavailable",
    message: "Too many requests; try again later.",
    pane: LATER,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static SERVER_ERROR: FailureRow = FailureRow {
    happened: "bot-sso or the app registration is not set up correctly",
    status: 500,
    kind: "ServerError",
    error: "server_error",
    message: "The service is not set up correctly. Its log says why.",
    pane: "shows the message; the operator finds the reason in the log",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static PATH_REFUSED: FailureRow = FailureRow {
    happened: "the path of the API may lead elsewhere, or cannot be read",
    status: 400,
    kind: "PathRefused",
    error: "invalid_request",
    message: "The path below /downstream is not acceptable.",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static PATH_NOT_LISTED: FailureRow = FailureRow {
    happened: "the path of the API is not on the add-in's list",
    status: 404,
    kind: "PathNotListed",
    error: "invalid_request",
    message: "The path below /downstream is not one that the add-in may call.",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static METHOD_NOT_LISTED: FailureRow = FailureRow {
    happened: "the method is not on the add-in's list",
    status: 405,
    kind: "MethodNotListed",
    error: "invalid_request",
    message: "The add-in may not use this method.",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static BODY_TOO_LARGE: FailureRow = FailureRow {
    happened: "the request's body is larger than `server.body_limit_bytes`",
    status: 413,
    kind: "BodyTooLarge",
    error: "invalid_request",
    message: "The request body is too large.",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static BODY_TOO_SLOW: FailureRow = FailureRow {
    happened: "the request's body does not arrive in time, or breaks off",
    status: 408,
    kind: "BodyTooSlow",
    error: "invalid_request",
    message: "The request body did not arrive in time.",
    pane: "repeats the request when the user asks again",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static DOWNSTREAM_UNAVAILABLE: FailureRow = FailureRow {
    happened: "the API cannot be reached",
    status: 502,
    kind: "DownstreamUnavailable",
    error: "temporarily_unavailable",
    message: "The API cannot be reached.",
    pane: SHOW,
    ..PLAIN
};

pub(in crate::endpoints::add_in) static DOWNSTREAM_REDIRECT: FailureRow = FailureRow {
    happened: "the API redirects to an address that is not below its base, as Microsoft Graph does for the content of a file",
    status: 502,
    kind: "DownstreamRedirect",
    error: "invalid_request",
    message: "The API redirects to another address, which is not passed on.",
    ..PLAIN
};

pub(in crate::endpoints::add_in) static DOWNSTREAM_TIMEOUT: FailureRow = FailureRow {
    happened: "the API does not answer in time",
    status: 504,
    kind: "DownstreamTimeout",
    error: "temporarily_unavailable",
    message: "The API did not answer in time.",
    pane: SHOW,
    ..PLAIN
};

/// All failures, in the order of the document.
pub static FAILURES: [&FailureRow; 26] = [
    &TOKEN_MISSING,
    &TOKEN_INVALID,
    &TOKEN_EXPIRED,
    &WRONG_AUDIENCE_GRAPH,
    &APP_ONLY_TOKEN,
    &MISSING_SCOPE,
    &CLAIMS_CHALLENGE,
    &CONSENT_REQUIRED,
    &ASSERTION_EXPIRED,
    &INTERACTION_REQUIRED,
    &ASSERTION_REJECTED,
    &ACCESS_DENIED,
    &SIGN_IN_REQUIRED,
    &DOWNSTREAM_REFUSED,
    &REPEAT_REQUEST,
    &TEMPORARILY_UNAVAILABLE,
    &TOO_MANY_REQUESTS,
    &SERVER_ERROR,
    &PATH_REFUSED,
    &PATH_NOT_LISTED,
    &METHOD_NOT_LISTED,
    &BODY_TOO_LARGE,
    &BODY_TOO_SLOW,
    &DOWNSTREAM_UNAVAILABLE,
    &DOWNSTREAM_REDIRECT,
    &DOWNSTREAM_TIMEOUT,
];
