use utoipa::ToSchema;

use crate::inbound::{Answer, Description};
use crate::protocol::ErrorResponse;

const TENANT: &str = "The directory's tenant id.";

/// The form of the sign-in page.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct LoginForm {
    /// What the user signs in by: an e-mail address or a user name.
    username: String,
    /// The password.
    password: String,
    /// The hidden field of the page.
    form_token: String,
}

pub(super) fn authorize() -> Description {
    let description = Description::new("Authorize", "Signs a user in to an application of a directory.")
        .note(
            "A browser with a session is sent back with a code at once. Others get the sign-in page. Errors go to \
             `redirect_uri` as `error`, once application and address are known to be genuine.",
        )
        .path_parameter("tenant", TENANT);
    with_answers(with_request(description), 302)
        .answer(429, Answer::html("The user is signed in silently too often.").header("Retry-After", "Seconds."))
}

pub(super) fn authorize_by_form() -> Description {
    Description::new("AuthorizeByForm", "The same, with the parameters as a form.")
        .path_parameter("tenant", TENANT)
        .answer(303, Answer::empty("Redirects to the same request with a query.").header("Location", "The request."))
        .answer(400, Answer::html("The form cannot be read, or states a parameter twice."))
        .answer(404, Answer::html("There is no such directory."))
        .error(408, "The body did not arrive in time.")
        .error(413, "The body is too large.")
}

pub(super) fn begin_again() -> Description {
    let sent_on = Answer::empty("Redirects to the authorization endpoint.").header("Location", "The same request.");
    Description::new("BeginSignInAgain", "The address of the sign-in page's form, when it is loaded anew.")
        .path_parameter("tenant", TENANT)
        .answer(302, sent_on)
        .answer(404, Answer::html("There is no such directory."))
}

pub(super) fn sign_in() -> Description {
    let later = |text| Answer::html(text).header("Retry-After", "Seconds.");
    let description = Description::new("SignInToDirectory", "Takes the form of the sign-in page.")
        .note("The query is that of the authorization request, and is checked again.")
        .path_parameter("tenant", TENANT)
        .cookie("__Host-bot-sso-form", "Identifies the browser that got the page.")
        .form_body::<LoginForm>("What the user has typed.");
    with_answers(with_request(description), 303)
        .answer(401, Answer::html("The page again: there is no such user, or the password is wrong or has expired."))
        .answer(403, Answer::html("The page again: the form is not of this browser."))
        .error(408, "The body did not arrive in time.")
        .error(413, "The body is too large.")
        .answer(429, later("The page again: too many tries, or too many passwords are being checked."))
}

fn with_request(description: Description) -> Description {
    description
        .query("client_id", "The application.")
        .query("response_type", "`code`, or `sign_up` for the page on which strangers become users.")
        .query("redirect_uri", "One of the application's or the directory's redirect URIs, exactly.")
        .optional_query("scope", "Words with spaces between them. Unknown ones are passed over.")
        .optional_query("state", "Comes back unchanged.")
        .optional_query("nonce", "A claim of the ID token; at most 512 bytes.")
        .optional_query("code_challenge", "The challenge of PKCE. Public applications must send one.")
        .optional_query("code_challenge_method", "`S256`.")
        .optional_query("response_mode", "`query`, or `web_message` for a page that tells its opener or parent.")
        .optional_query("prompt", "`none` for no page, `login` for the page in any case.")
        .optional_query("max_age", "The longest time since the user entered the password, in seconds.")
        .optional_query("login_hint", "The name in the field of the page.")
        .optional_query("ui_locales", "The languages of the page, the wanted one first: `en`, `ja`, `de`.")
        .optional_query("language", "The same, as App ID's SDK sends it.")
        .optional_query("id_token_hint", "An ID token of the user who is expected.")
        .optional_query("idp", "`cloud_directory`, or the other identity provider at which the sign-in begins at once.")
}

fn with_answers(description: Description, redirect: u16) -> Description {
    let sent_on = Answer::empty("Redirects to the application.")
        .header("Location", "`redirect_uri` with `code` or `error`, `state` and `iss`.")
        .header("Set-Cookie", "The session's cookie, after a sign-in.");
    let shown = Answer::html("The sign-in page, or with `web_message` the page that tells the application's window.");
    description
        .answer(200, shown)
        .answer(redirect, sent_on)
        .answer(400, Answer::html("`client_id` or `redirect_uri` is not registered, or the request cannot be read."))
        .answer(404, Answer::html("There is no such directory."))
        .answer(
            503,
            Answer::html("The service cannot do its work now.")
                .header("Retry-After", "Seconds.")
                .or_json::<ErrorResponse<'_>>(),
        )
}
