use utoipa::ToSchema;

use crate::inbound::{Answer, Description};
use crate::protocol::ErrorResponse;

/// The cookie's name where the pages are served with TLS.
const COOKIE: &str = "__Host-bot-sso-browser";

/// The form of the page that asks the user to confirm.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the form is read member by member")]
struct DecisionForm {
    /// `continue` or `cancel`.
    decision: Decision,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "the form is read member by member")]
enum Decision {
    Continue,
    Cancel,
}

/// Says of a `HEAD` operation what it leaves out.
const HEAD_NOTE: &str = "The head of GET's answer (RFC 9110, section 9.3.2). Nothing is kept, used up or counted.";

pub(super) fn begin() -> Description {
    let sent_on =
        Answer::empty("Redirects to the identity provider.").header("Location", "The identity provider's page.");
    let sent_on = sent_on.header("Set-Cookie", "Identifies the browser, which must send it on its return.");
    let description = Description::new("BeginSignIn", "The link behind a card's button: sends the browser to sign in.")
        .optional_query("signin", "The value in the link.")
        .optional_query("again", "In place of `signin`: the last page's `signin`, to choose another account.")
        .answer(302, sent_on);
    with_errors(description)
}

pub(super) fn callback() -> Description {
    let sent_on = Answer::empty("Redirects to the last page.").header("Location", "The last page.");
    let description =
        Description::new("CompleteAuthorization", "The address to which the identity provider sends the browser back.")
            .query("state", "The value that was sent to the identity provider.")
            .optional_query("code", "The authorization code.")
            .optional_query("error", "The error code, where there is no authorization code.")
            .optional_query("error_description", "The error as a text for people.")
            .optional_query("iss", "The issuer that answers (RFC 9207).")
            .answer(200, Answer::html("The user has cancelled."))
            .answer(302, sent_on);
    with_errors(with_browser_cookie(description))
}

pub(super) fn review() -> Description {
    let shown = "Asks the user to confirm; or shows the result: the magic code until it is used, that the user is signed in, or that \
                 the user has cancelled.";
    let sent_on = Answer::empty("Redirects to the bot's `finalRedirect`, if the user has no code to type.")
        .header("Location", "`finalRedirect`.");
    let description = Description::new("ReviewSignIn", "The last page of a sign-in.")
        .query("signin", "The value in the address to which the browser was sent.")
        .answer(200, Answer::html(shown))
        .answer(302, sent_on);
    with_errors(with_browser_cookie(description))
}

pub(super) fn decide() -> Description {
    let sent_on = Answer::empty("The decision was taken: redirects to ReviewSignIn, which shows the result.")
        .header("Location", "The address of ReviewSignIn.");
    let description = Description::new("DecideSignIn", "The user's decision on the last page. It may be repeated.")
        .query("signin", "As in ReviewSignIn.")
        .form_body::<DecisionForm>("The form of the last page.")
        .answer(303, sent_on);
    with_errors(with_browser_cookie(description))
}

pub(super) fn begin_head() -> Description {
    let sent_on = Answer::empty("As BeginSignIn, with a `state` that is not kept.")
        .header("Location", "The identity provider's page.");
    let description =
        Description::new("BeginSignInHead", "Whether the link behind a card's button leads to a sign-in.")
            .note(HEAD_NOTE)
            .optional_query("signin", "The value in the link.")
            .optional_query("again", "As for BeginSignIn.")
            .answer(302, sent_on);
    with_head_errors(description)
}

pub(super) fn callback_head() -> Description {
    let sent_on = Answer::empty("As CompleteAuthorization.").header("Location", "The last page.");
    let description = Description::new("CompleteAuthorizationHead", "Whether the browser's return is expected.")
        .note(HEAD_NOTE)
        .query("state", "The value that was sent to the identity provider.")
        .optional_query("code", "The authorization code, which stays unused.")
        .optional_query("error", "The error code, where there is no authorization code.")
        .optional_query("error_description", "The error as a text for people.")
        .optional_query("iss", "The issuer that answers (RFC 9207).")
        .answer(200, Answer::empty("The user has cancelled."))
        .answer(302, sent_on);
    with_head_errors(with_browser_cookie(description))
}

pub(super) fn review_head() -> Description {
    let sent_on = Answer::empty("As ReviewSignIn.").header("Location", "`finalRedirect`.");
    let description = Description::new("ReviewSignInHead", "Whether there is a last page of this sign-in.")
        .note(HEAD_NOTE)
        .query("signin", "The value in the address to which the browser was sent.")
        .answer(200, Answer::empty("As ReviewSignIn."))
        .answer(302, sent_on);
    with_head_errors(with_browser_cookie(description))
}

fn with_browser_cookie(description: Description) -> Description {
    description
        .cookie(COOKIE, "Set by BeginSignIn; its name is `bot-sso-browser` where development mode serves without TLS.")
}

/// Adds the failures; each is a page that explains the failure and what to do.
fn with_errors(description: Description) -> Description {
    let later = |text| Answer::html(text).header("Retry-After", "Seconds.");
    description
        .answer(
            400,
            Answer::html("The answer is not from the expected identity provider, or the form is not from this site."),
        )
        .answer(
            403,
            Answer::html(
                "Another browser; or the user may not sign in, has not consented, or needs a further sign-in step.",
            ),
        )
        .answer(410, Answer::html("The link or the step has expired, was used already, or is unknown."))
        .answer(429, later("Too many attempts."))
        .answer(503, later("An outage, or a connection that is not set up correctly.").or_json::<ErrorResponse<'_>>())
}

/// As [`with_errors`], without bodies.
fn with_head_errors(description: Description) -> Description {
    let later = |text| Answer::empty(text).header("Retry-After", "Seconds.");
    description
        .answer(400, Answer::empty("As for GET."))
        .answer(403, Answer::empty("As for GET."))
        .answer(410, Answer::empty("As for GET."))
        .answer(503, later("As for GET."))
}
