use utoipa::ToSchema;

use crate::inbound::{Answer, Description};
use crate::protocol::ErrorResponse;

/// The cookie's name where there is TLS.
const COOKIE: &str = "__Host-bot-sso-browser";

/// What the form of the page sends that asks the user.
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

pub(super) fn begin() -> Description {
    let sent_on = Answer::empty("To the identity provider.").header("Location", "Its page.");
    let sent_on = sent_on.header("Set-Cookie", "By which the browser is recognised; it must bring it back.");
    let description = Description::new("BeginSignIn", "The link behind a card's button: sends the browser to sign in.")
        .query("signin", "From the link.")
        .answer(302, sent_on);
    errors(description)
}

pub(super) fn callback() -> Description {
    let sent_on = Answer::empty("On to the last page.").header("Location", "That page.");
    let description =
        Description::new("CompleteAuthorization", "Where the identity provider sends the browser back to.")
            .query("state", "As it was sent there.")
            .optional_query("code", "The authorization code.")
            .optional_query("error", "Instead of a code: why there is none.")
            .optional_query("error_description", "The same, for people.")
            .optional_query("iss", "Who answers (RFC 9207).")
            .answer(200, Answer::html("The user has cancelled."))
            .answer(302, sent_on);
    errors(of_this_browser(description))
}

pub(super) fn review() -> Description {
    let shown = "Asks the user whether to go on; or, where the channel has said who they are, shows the magic code.";
    let sent_on =
        Answer::empty("Where the bot wants, if nothing has to be typed in.").header("Location", "`finalRedirect`.");
    let description = Description::new("ReviewSignIn", "The last page of a sign-in.")
        .query("signin", "From the address that the browser was sent to.")
        .answer(200, Answer::html(shown))
        .answer(302, sent_on);
    errors(of_this_browser(description))
}

pub(super) fn decide() -> Description {
    let sent_on =
        Answer::empty("Where the bot wants, if nothing has to be typed in.").header("Location", "`finalRedirect`.");
    let description = Description::new("DecideSignIn", "What the user says on the last page.")
        .query("signin", "As before.")
        .form_body::<DecisionForm>("The form of that page.")
        .answer(200, Answer::html("Shows the magic code, or that the user has cancelled."))
        .answer(302, sent_on);
    errors(of_this_browser(description))
}

fn of_this_browser(description: Description) -> Description {
    description.cookie(COOKIE, "As the first page has set it; without TLS, in development, it is `bot-sso-browser`.")
}

/// Every failure is a page that says what happened and what to do.
fn errors(description: Description) -> Description {
    let later = |text| Answer::html(text).header("Retry-After", "Seconds; not where waiting does not help.");
    description
        .answer(400, Answer::html("Not the answer of the identity provider that was asked, or no form of ours."))
        .answer(
            403,
            Answer::html("Another browser, or the user may not sign in, has not consented, or more is wanted of them."),
        )
        .answer(410, Answer::html("The link or the step is over, or was never there."))
        .answer(429, later("Too many attempts."))
        .answer(503, later("An outage, or a connection that is not set up correctly.").or_json::<ErrorResponse<'_>>())
}
