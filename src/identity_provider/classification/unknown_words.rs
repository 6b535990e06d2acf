//! What an `error` word means that no table knows. Providers make up words beside those of RFC 6749 §5.2, whose parts name
//! the cause.

use super::ExplainedMeaning;
use super::RefusalMeaning::{self, Misconfigured, Refused, ServerFault, Throttled, Unknown};
use super::words::to_standard_form;
use crate::identity_provider::token_endpoint::EndpointRefusal;

/// No provider's word is longer, in bytes.
const MAX_WORD_BYTES: usize = 64;
/// Words of which a proxy or a web server makes its own error pages. They do not say that the provider has refused.
const OF_PROXIES: [&str; 17] = [
    "error",
    "fail",
    "failed",
    "failure",
    "unknown",
    "blocked",
    "forbidden",
    "forbidden_error",
    "unauthorized",
    "unauthorized_error",
    "not_authorized",
    "not_found",
    "bad_request",
    "method_not_allowed",
    "not_acceptable",
    "conflict",
    "gone",
];

/// Parts of a word that name what the client proves itself with.
const OF_CREDENTIALS: [&str; 5] = ["secret", "credential", "credentials", "certificate", "assertion"];
/// Parts of a word that name a limit of the provider.
const OF_LIMITS: [&str; 8] =
    ["rate", "ratelimit", "ratelimited", "throttle", "throttled", "throttling", "quota", "slow"];
/// Parts of a word that name the user, or what the user has begun and what has ended.
const OF_USERS: [&str; 10] =
    ["session", "sessions", "user", "login", "account", "owner", "expired", "revoked", "locked", "reauthentication"];
/// Parts of a word that name a fault of the provider.
const OF_FAULTS: [&str; 12] = [
    "server",
    "internal",
    "unavailable",
    "temporarily",
    "temporary",
    "timeout",
    "gateway",
    "backend",
    "maintenance",
    "busy",
    "overloaded",
    "retry",
];
/// Parts of a word that name what the operator has configured, here or at the provider.
const OF_SETTINGS: [&str; 11] = [
    "client",
    "application",
    "app",
    "scope",
    "scopes",
    "unsupported",
    "redirect",
    "audience",
    "resource",
    "configuration",
    "registration",
];

const LIMIT_IN_OTHER_WORDS: &str = "the provider names a limit of its own in a word that is not registered: wait, and look for a client that sends \
    requests in a loop";
const FAULT_IN_OTHER_WORDS: &str = "the provider names a fault of its own in a word that is not registered; there is nothing to change in this configuration";
const SETTING_IN_OTHER_WORDS: &str = "the provider names the client, a scope or another setting in a word that is not registered: look the word up in the \
    provider's documentation, and compare the client's registration";
const USER_IN_OTHER_WORDS: &str = "the provider refused the grant with a word that is not registered: the user must sign in again; if that does not help, look \
    the word up in the provider's documentation";
const NO_OAUTH_REFUSAL: &str =
    "the response is unknown: check the token endpoint's address, and whether a proxy responds in its place";
const UNKNOWN_WITH_WAIT: &str = "the response is unknown and asks to wait (Retry-After), so no request is sent for that time, a minute at most: check \
    whether a proxy responds in the token endpoint's place";
/// The end of the names of exceptions, of which web frameworks make error words.
const EXCEPTION: &str = "_exception";

/// Explains a refusal of a token endpoint whose words no table knows.
pub(super) fn explain_unknown(refusal: &EndpointRefusal) -> ExplainedMeaning {
    match refusal.own_error().map_or(Unknown, find_meaning) {
        // The wait is not the provider's word about its client (RFC 9110 §10.2.3).
        Unknown if refusal.retry_after.is_some() => ExplainedMeaning { meaning: ServerFault, hint: UNKNOWN_WITH_WAIT },
        meaning => ExplainedMeaning { meaning, hint: find_hint(meaning) },
    }
}

/// The meaning of a word that no table knows, in any spelling. [`Unknown`] if it has not the form of an OAuth error.
pub(super) fn find_meaning(word: &str) -> RefusalMeaning {
    if word.len() > MAX_WORD_BYTES {
        return Unknown;
    }
    let word = to_standard_form(word);
    let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let without_exception = word.strip_suffix(EXCEPTION).unwrap_or(&word);
    let is_of_proxy = OF_PROXIES.contains(&without_exception);
    if !is_word || !word.starts_with(|first: char| first.is_ascii_lowercase()) || is_of_proxy {
        return Unknown;
    }
    let names = |parts: &[&str]| word.split('_').any(|part| parts.contains(&part));
    if names(&OF_CREDENTIALS) {
        Misconfigured
    } else if names(&OF_LIMITS) {
        Throttled
    } else if names(&OF_USERS) {
        Refused
    } else if names(&["many"]) {
        Throttled
    } else if names(&OF_FAULTS) {
        ServerFault
    } else if names(&OF_SETTINGS) || word.contains("grant_type") {
        Misconfigured
    } else {
        Refused
    }
}

pub(super) const fn find_hint(meaning: RefusalMeaning) -> &'static str {
    match meaning {
        Throttled => LIMIT_IN_OTHER_WORDS,
        ServerFault => FAULT_IN_OTHER_WORDS,
        Misconfigured => SETTING_IN_OTHER_WORDS,
        Refused => USER_IN_OTHER_WORDS,
        _ => NO_OAUTH_REFUSAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_no_table_knows_is_read_by_its_parts() {
        for (word, meaning) in [
            ("token_expired", Refused),
            ("bad_refresh_token", Refused),
            ("inactive_user", Refused),
            ("invalid_rapt", Refused),
            ("revoked", Refused),
            ("reauthentication_required", Refused),
            ("session_timeout", Refused),
            ("client_session_expired", Refused),
            ("resource_owner_not_found", Refused),
            ("user_not_assigned_to_application", Refused),
            ("user_temporarily_locked", Refused),
            ("too_many_sessions", Refused),
            ("expired_client_secret", Misconfigured),
            ("user_rate_limit_exceeded", Throttled),
            ("slow_down", Throttled),
            ("rate_limit_exceeded", Throttled),
            ("too_many_requests", Throttled),
            ("internal_error", ServerFault),
            ("service_unavailable", ServerFault),
            ("incorrect_client_credentials", Misconfigured),
            ("unsupported_token_type", Misconfigured),
            ("invalid_scopes", Misconfigured),
            ("redirect_uri_mismatch", Misconfigured),
            ("bad_grant_type", Misconfigured),
            ("Forbidden", Unknown),
            ("unauthorized", Unknown),
            ("bad_request", Unknown),
            ("NotAuthorizedException", Unknown),
            ("1020", Unknown),
            ("token.expired", Unknown),
        ] {
            assert_eq!(find_meaning(word), meaning, "{word}");
        }
    }

    #[test]
    fn the_spelling_of_an_unknown_word_does_not_change_its_meaning() {
        for (words, meaning) in [
            (["expired-token", "ExpiredToken", "TOKEN_EXPIRED", "Expired Token"], Refused),
            (["bad-refresh-token", "BadRefreshToken", "BAD_REFRESH_TOKEN", "Bad Refresh Token"], Refused),
            (["slow-down", "SlowDown", "SLOW_DOWN", "Slow Down"], Throttled),
            (["internal-error", "InternalError", "INTERNAL_ERROR", "Internal Error"], ServerFault),
            (["client-disabled", "ClientDisabled", "CLIENT_DISABLED", "Client Disabled"], Misconfigured),
            (["not-found", "NotFound", "NOT_FOUND", "Not Found"], Unknown),
        ] {
            for word in words {
                assert_eq!(find_meaning(word), meaning, "{word}");
            }
        }
    }

    #[test]
    fn only_a_refusal_in_the_form_of_oauth_is_the_providers_word() {
        let refusal = |status, error: Option<&str>| EndpointRefusal {
            status,
            error: error.map(str::to_owned),
            ..EndpointRefusal::default()
        };
        for status in [200, 202, 400, 401, 403] {
            assert_eq!(explain_unknown(&refusal(status, Some("token_expired"))).meaning, Refused, "{status}");
            assert_eq!(explain_unknown(&refusal(status, None)).meaning, Unknown, "{status}");
        }
        for status in [302, 404, 407, 418, 500, 503] {
            assert_eq!(explain_unknown(&refusal(status, Some("token_expired"))).meaning, Unknown, "{status}");
        }
    }
}
