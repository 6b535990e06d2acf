use crate::inbound::{Answer, Description};
use crate::protocol::ErrorResponse;

/// The cookie's name where the pages are served with TLS.
const COOKIE: &str = "__Host-bot-sso-browser";

/// The answer that sends a browser to the identity provider.
pub(super) fn sent_to_provider() -> Answer {
    let sent_on =
        Answer::empty("Redirects to the identity provider.").header("Location", "The identity provider's page.");
    sent_on.header("Set-Cookie", "Identifies the browser, which must send it on its return.")
}

/// Adds the parameters of a browser's return.
pub(super) fn with_return(description: Description) -> Description {
    let description = description
        .query("state", "The value that was sent to the identity provider.")
        .optional_query("code", "The authorization code.")
        .optional_query("error", "The error code, where there is no authorization code.")
        .optional_query("error_description", "The error as a text for people.")
        .optional_query("iss", "The issuer that answers (RFC 9207).");
    with_cookie(description)
}

/// Adds the cookie.
pub(super) fn with_cookie(description: Description) -> Description {
    description.cookie(COOKIE, "Identifies the browser that began the sign-in.")
}

/// Adds the pages of failures. `refused` says what is 400.
pub(super) fn with_errors(description: Description, refused: &str) -> Description {
    let later = |text| Answer::html(text).header("Retry-After", "Seconds.");
    description
        .answer(400, Answer::html(refused))
        .answer(
            403,
            Answer::html(
                "Another browser; or the user may not sign in, has not consented, or needs a further sign-in step.",
            ),
        )
        .answer(404, Answer::html("The configuration has no such name."))
        .answer(410, Answer::html("The sign-in has expired, is unknown, or the user has signed out since."))
        .answer(429, later("Too many attempts."))
        .answer(503, later("An outage, or a connection that is not set up correctly.").or_json::<ErrorResponse<'_>>())
}
