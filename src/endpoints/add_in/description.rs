use super::identity::AddInUser;
use super::replies::{AddInFailure, ProviderFailure};
use super::token::{AddInToken, AddInTokenRequest};
use crate::inbound::{Answer, Description};

const RETRY_AFTER: (&str, &str) = ("Retry-After", "Seconds.");
const CHALLENGE: (&str, &str) = ("WWW-Authenticate", "What the caller lacks.");

pub(super) fn get_identity() -> Description {
    let described = Description::new("GetAddInIdentity", "Says who the user of the token is.")
        .note("The answer is made from the validated token. Nothing is exchanged for it.")
        .answer(200, Answer::json::<AddInUser<'_>>("The user."));
    failing(of_add_in(described))
}

pub(super) fn call_downstream(id: &str) -> Description {
    let note = "The API's status, body and harmless headers are passed on; `Location` if it is below the API's base. Links in the \
                body are the API's own: the client translates them. The query is passed on as it is. The token of the API never \
                comes here. Which paths and methods may be called is set by the operator.";
    let described = Description::new(id, "Calls the add-in's API on behalf of the user.")
        .note(note)
        .answer(200, Answer::empty("The API's answer.").or_any_json())
        .answer(400, failure("The path may lead elsewhere, or cannot be read."))
        .answer(404, failure("The path is not on the add-in's list, or there is no such add-in."))
        .answer(405, failure("The method is not on the add-in's list."))
        .answer(408, failure("The body did not arrive in time."))
        .answer(413, failure("The body is larger than `server.body_limit_bytes`."))
        .answer(502, failure("The API cannot be reached, or redirects to another address."))
        .answer(504, failure("The API does not answer in time."))
        .other_answer("The API's answer.");
    of_path(failing(of_add_in(described)))
}

pub(super) fn get_user_data() -> Description {
    let described = Description::new("GetUserData", "One resource of the add-in's API.")
        .note("The query is not passed on. `user_data.errors` says how refusals of the identity provider are told.")
        .answer(
            200,
            Answer::empty("The API's answer; or a refusal of the identity provider.")
                .or_any_json()
                .or_json::<ProviderFailure<'_>>(),
        )
        .answer(502, failure("The API cannot be reached, or redirects to another address."))
        .answer(504, failure("The API does not answer in time."))
        .other_answer("The API's answer.");
    failing(described)
}

pub(super) fn exchange_token() -> Description {
    let provider = |text: &str| Answer::json::<ProviderFailure<'_>>(text);
    let described = Description::new("ExchangeAddInToken", "Gives a server the token for the API.")
        .note(
            "For the servers that the configuration lists. They authenticate by their secret: by Basic or in the form.",
        )
        .form_body::<AddInTokenRequest>("The on-behalf-of grant, as Entra has it.")
        .answer(200, Answer::json::<AddInToken<'_>>("The token."))
        .answer(400, provider("The request or the user's token is not acceptable, or the user has to act."))
        .answer(401, provider("The caller's secret is missing or wrong.").header(CHALLENGE.0, CHALLENGE.1))
        .answer(408, provider("The body did not arrive in time."))
        .answer(413, provider("The body is larger than `server.body_limit_bytes`."))
        .answer(429, provider("The user asks too often.").header(RETRY_AFTER.0, RETRY_AFTER.1))
        .answer(500, provider("The service is not set up correctly."))
        .answer(503, provider("The identity provider is not available.").header(RETRY_AFTER.0, RETRY_AFTER.1));
    of_add_in(described).error(404, "There is no such add-in.")
}

/// The answer to the question of a browser.
pub(super) fn options(id: &str) -> Description {
    Description::new(id, "Answers the question of a browser before a page's request.")
        .answer(204, Answer::empty("What pages of the add-in may do."))
}

/// The same operation, of an add-in.
pub(super) fn of_add_in(description: Description) -> Description {
    description.path_parameter("add_in", "The add-in's name in the configuration.")
}

/// The same operation, on a path of the API.
pub(super) fn of_path(description: Description) -> Description {
    description.path_parameter("path", "The path below the API's base, with its slashes.")
}

fn failing(description: Description) -> Description {
    description
        .bearer()
        .answer(
            401,
            failure("The bearer is missing or not valid here, or has expired.").header(CHALLENGE.0, CHALLENGE.1),
        )
        .answer(403, failure("The user or the client may not, or has to act first.").header(CHALLENGE.0, CHALLENGE.1))
        .answer(429, failure("The user asks too often.").header(RETRY_AFTER.0, RETRY_AFTER.1))
        .answer(500, failure("The service is not set up correctly."))
        .answer(503, failure("The identity provider is not available.").header(RETRY_AFTER.0, RETRY_AFTER.1))
}

fn failure(text: &str) -> Answer {
    Answer::json::<AddInFailure<'_>>(text)
}
