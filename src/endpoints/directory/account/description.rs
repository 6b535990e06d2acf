use utoipa::ToSchema;

use super::{ACCOUNT_PATH, SIGN_OUT_PATH, SIGNED_OUT_PATH, acts, everywhere, show};
use crate::inbound::{Answer, Description, Method, Operation};
use crate::protocol::ErrorResponse;

/// This door's operations.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: ACCOUNT_PATH,
        route: |route| route.to(show::show),
        description: describe_page,
    },
    Operation {
        method: Method::Post,
        path: ACCOUNT_PATH,
        route: |route| route.to(acts::act),
        description: describe_act,
    },
    Operation {
        method: Method::Get,
        path: SIGN_OUT_PATH,
        route: |route| route.to(everywhere::ask),
        description: describe_question,
    },
    Operation {
        method: Method::Post,
        path: SIGN_OUT_PATH,
        route: |route| route.to(everywhere::end),
        description: describe_end,
    },
    Operation {
        method: Method::Get,
        path: SIGNED_OUT_PATH,
        route: |route| route.to(show::show_signed_out),
        description: describe_signed_out,
    },
];

/// The form of the page. One of the three is named.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct AccountForm {
    /// The id of the session to end.
    session: Option<String>,
    /// The client id of the application whose grants are to end.
    application: Option<String>,
    /// The bot, add-in, back end or app whose tokens are to end.
    holder: Option<String>,
    /// The hidden field of the page.
    form_token: String,
}

/// The form of the page that asks whether everything is to end.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct SignOutForm {
    /// The hidden field of the page.
    form_token: String,
}

fn describe_page() -> Description {
    let sent_on = Answer::empty("There is no session: redirects to the directory's own sign-in, which leads back.")
        .header("Location", "The authorization endpoint.");
    described("ShowAccount", "Where a user of a directory is signed in: browsers, applications, bots and back ends.")
        .optional_query("code", "Of the directory's own sign-in. It is used up, and the browser is sent on without it.")
        .optional_query("error", "Of the directory's own sign-in.")
        .answer(200, Answer::html("The page; or the directory has no single sign-on, and a page says so."))
        .answer(302, sent_on)
        .answer(303, Answer::empty("Redirects to the page without the code.").header("Location", "The page."))
        .answer(400, Answer::html("The browser came back from the sign-in without a session."))
}

fn describe_act() -> Description {
    let done = Answer::empty("It has ended, or had before: redirects to the page. Or redirects to the sign-in.")
        .header("Location", "The page.")
        .header("Set-Cookie", "Takes the session's cookie away, if that session has ended.");
    posted("ActOnAccount", "Ends a session, the grants of an application, or the tokens of a bot or back end.")
        .form_body::<AccountForm>("What is to end.")
        .answer(200, Answer::html("The directory has no single sign-on."))
        .answer(303, done)
        .answer(403, Answer::html("The page again: the form is not of this browser, or names not one thing."))
}

fn describe_question() -> Description {
    described("AskSignOutEverywhere", "Asks whether a user of a directory is to be signed out everywhere.")
        .answer(200, Answer::html("The page; or the directory has no single sign-on, and a page says so."))
        .answer(303, Answer::empty("There is no session: redirects to the sign-in.").header("Location", "The sign-in."))
}

fn describe_end() -> Description {
    let done = Answer::empty("Redirects to the page that says so, or to the sign-in.")
        .header("Location", "The page.")
        .header("Set-Cookie", "Takes the session's cookie away.");
    posted(
        "SignOutOfAccount",
        "Ends all sessions, grants and tokens of a user of a directory, and of linked identities.",
    )
    .form_body::<SignOutForm>("The form of the page that asks.")
    .answer(200, Answer::html("The directory has no single sign-on."))
    .answer(303, done)
    .answer(403, Answer::html("The page again: the form is not of this browser."))
}

fn describe_signed_out() -> Description {
    described("ShowSignedOut", "Says that a user of a directory is signed out.")
        .optional_query("everywhere", "Whether that is so everywhere.")
        .answer(200, Answer::html("The page."))
        .answer(
            303,
            Answer::empty("The browser is signed in: redirects to the account.").header("Location", "The page."),
        )
}

fn posted(id: &str, summary: &str) -> Description {
    described(id, summary)
        .cookie("__Host-bot-sso-form", "Identifies the browser that got the page.")
        .error(408, "The body did not arrive in time.")
        .error(413, "The body is too large.")
}

fn described(id: &str, summary: &str) -> Description {
    Description::new(id, summary)
        .path_parameter("tenant", "The directory's tenant id.")
        .optional_query("ui_locales", "The languages of the page, the wanted one first: `en`, `ja`, `de`.")
        .optional_query("language", "The same, as App ID's SDK sends it.")
        .answer(404, Answer::html("There is no such directory."))
        .answer(
            503,
            Answer::html("The service cannot do its work now.")
                .header("Retry-After", "Seconds.")
                .or_json::<ErrorResponse<'_>>(),
        )
}
