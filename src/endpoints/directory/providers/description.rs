use utoipa::ToSchema;

use crate::inbound::{Answer, Description};

/// The forms on the pages about links.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct LinkPageForm {
    /// The hidden field of the page.
    form_token: String,
}

/// The form that makes a link.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct ConfirmLinkForm {
    /// The hidden field of the page.
    form_token: String,
    /// The hidden field that names the sign-in at the provider.
    handle: String,
}

pub(super) fn begin() -> Description {
    of_provider(Description::new(
        "BeginSignInAtProvider",
        "Sends the browser to another identity provider of the directory.",
    ))
    .note("The query is that of the authorization request, and is checked again.")
    .query("client_id", "The application, and all other parameters of its authorization request.")
    .answer(
        303,
        Answer::empty("Redirects to the provider.")
            .header("Location", "The provider's page.")
            .header("Set-Cookie", "Tells the browser from others."),
    )
    .answer(
        302,
        Answer::empty("Redirects to the sign-in page, or to the application with an error.")
            .header("Location", "The address."),
    )
    .answer(400, Answer::html("`client_id` or `redirect_uri` is not registered, or the request cannot be read."))
    .answer(404, Answer::html("There is no such directory."))
    .answer(429, waiting("The sign-in page: too many sign-ins were begun at this address."))
    .answer(503, waiting("The sign-in page: the provider does not answer."))
}

pub(super) fn callback() -> Description {
    of_provider(Description::new("ReturnFromProvider", "Takes the browser back from the provider."))
        .note("Only the browser that began the sign-in can return, within 15 minutes.")
        .optional_query("code", "The provider's authorization code.")
        .optional_query("state", "Names the sign-in.")
        .optional_query("error", "Why the provider signs nobody in.")
        .optional_query("iss", "The provider's issuer.")
        .answer(
            200,
            Answer::html(
                "The page that asks before accounts are linked, or the page that tells the application's window.",
            ),
        )
        .answer(
            302,
            Answer::empty("Redirects to the application.")
                .header("Location", "`redirect_uri` with `code`, `state` and `iss`.")
                .header("Set-Cookie", "The session's cookie."),
        )
        .answer(
            303,
            Answer::empty("The accounts are linked already: redirects to the user's page.")
                .header("Location", "The page."),
        )
        .answer(400, Answer::html("The sign-in is unknown, over, or another browser's."))
        .answer(
            401,
            Answer::html(
                "The sign-in page: the user has cancelled, or the provider or the check of its answer has refused.",
            ),
        )
        .answer(
            403,
            Answer::html(
                "The sign-in page: the user may not sign in. Or nothing was linked, since the session is another one.",
            ),
        )
        .answer(404, Answer::html("There is no such directory or provider."))
        .answer(409, Answer::html("The account at the provider is linked to another user."))
        .answer(429, waiting("The sign-in page: the user signs in too often."))
        .answer(503, waiting("The sign-in page: the provider does not answer."))
}

pub(super) fn show_link() -> Description {
    with_answers(Description::new(
        "ShowProviderLink",
        "The page on which a user links the account at a provider, or removes that link.",
    ))
    .answer(200, Answer::html("The page."))
}

pub(super) fn begin_link() -> Description {
    with_form_errors(with_answers(Description::new(
        "BeginProviderLink",
        "Sends the browser to the provider, for a link.",
    )))
    .form_body::<LinkPageForm>("The form of the page.")
    .answer(200, Answer::html("The page again: the form is not of this browser."))
    .answer(429, waiting("Too many sign-ins were begun at this address."))
}

pub(super) fn confirm_link() -> Description {
    with_form_errors(with_answers(Description::new(
        "ConfirmProviderLink",
        "Links the account at the provider to the user.",
    )))
    .form_body::<ConfirmLinkForm>("The form of the page.")
    .answer(403, Answer::html("The form is not of this browser or session. Nothing was linked."))
    .answer(409, Answer::html("The account at the provider is linked to another user."))
}

pub(super) fn unlink() -> Description {
    with_form_errors(with_answers(Description::new(
        "RemoveProviderLink",
        "Removes the links to a provider from the user.",
    )))
    .form_body::<LinkPageForm>("The form of the page.")
    .answer(403, Answer::html("The form is not of this browser or session. Nothing was removed."))
    .answer(409, Answer::html("The user could not sign in any more. Nothing was removed."))
}

fn of_provider(description: Description) -> Description {
    description
        .path_parameter("tenant", "The directory's tenant id.")
        .path_parameter("provider", "The provider's name in the directory's configuration.")
}

fn with_answers(description: Description) -> Description {
    let sent_on = Answer::empty("Redirects to the provider, or to the user's page.").header("Location", "The page.");
    of_provider(description)
        .cookie("__Host-bot-sso-form", "Identifies the browser that got the page.")
        .answer(303, sent_on)
        .answer(400, Answer::html("There is no such directory or provider, or the sign-in at it is over."))
        .answer(503, waiting("The service cannot do its work now."))
}

fn with_form_errors(description: Description) -> Description {
    description.error(408, "The body did not arrive in time.").error(413, "The body is too large.")
}

fn waiting(text: &'static str) -> Answer {
    Answer::html(text).header("Retry-After", "Seconds.")
}
