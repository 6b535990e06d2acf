use crate::endpoints::page_sign_in::description::{sent_to_provider, with_errors, with_return};
use crate::inbound::{Answer, Description};

/// The parameter in the path.
const APP: &str = "The app's id in the configuration.";
const FROM_URL: &str = "The front end's page: an absolute address whose origin is one of `login_origins`.";
const BAD_ADDRESS: &str = "An address or an origin that is none of the app's, or another app's id.";

pub(super) fn begin() -> Description {
    let popup = "The origin of the page that has opened a window for the sign-in and waits for its message, one of \
                 `login_origins`.";
    let description = Description::new("BeginAppSignIn", "Sends a browser to sign in to an app.")
        .path_parameter("app", APP)
        .optional_query("app_id", "The same id as in the path.")
        .query("from_url", FROM_URL)
        .optional_query("popup_origin", popup)
        .answer(302, sent_to_provider());
    with_errors(description, BAD_ADDRESS)
}

pub(super) fn callback() -> Description {
    let shown = "Tells the page that has opened the window `{type, access_token, is_new_user}` and closes it; or the user has \
                 cancelled.";
    let sent_on = Answer::empty("Redirects to the front end's page, or to the identity provider once more.").header(
        "Location",
        "`from_url` with `is_new_user`, and with a one-time `code` or, by the setting `redirect_token`, our `access_token`.",
    );
    let summary = "The address to which the identity provider sends the browser of an app's user back.";
    let description = Description::new("CompleteAppSignIn", summary)
        .path_parameter("app", APP)
        .answer(200, Answer::html(shown))
        .answer(302, sent_on);
    with_errors(with_return(description), "The answer is not from the expected identity provider.")
}

pub(super) fn leave() -> Description {
    let sent_on = Answer::empty("Redirects to the front end's page.")
        .header("Location", "`from_url`.")
        .header("Set-Cookie", "Takes the browser's cookie away.");
    Description::new("LeaveApp", "Sends a browser back to an app that it signs out of.")
        .note("No token ends here: the front end forgets its own. The browser's cookie is taken away.")
        .query("from_url", FROM_URL)
        .answer(302, sent_on)
        .answer(400, Answer::html(BAD_ADDRESS))
}
