use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::elements::{ShownOffer, ShownPin, ShownSession, ShownToken};
use super::user_sessions::list_sessions;
use super::{about_user, cause_of, failed, private, read_user_key};
use crate::domain::UserKey;
use crate::endpoints::operations::Operations;
use crate::inbound::{Answer, Method, Operation, Problem};
use crate::sign_out::PersonOverview;

/// `GET /admin/users/{user_key}`.
pub(in crate::endpoints::operations) const SHOW: Operation = Operation {
    method: Method::Get,
    path: "/admin/users/{user_key}",
    route: |route| route.to(show),
    description: || {
        about_user("ShowPerson", "The tokens, sessions, pins and sign-in offers of a person, each with the id by which it is ended.")
            .note("Tokens, secrets and codes are left out. Offers are those to accounts that tokens and pins show to be the person's.")
            .answer(200, Answer::json::<ShownPerson>("What is kept. Of an unknown user that is nothing."))
    },
};

/// What is kept of a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownPerson {
    /// The user's key.
    user_key: String,
    /// The other keys of the same person that are known. Each is shown by a call of its own.
    linked_keys: Vec<String>,
    /// The kept tokens.
    tokens: Vec<ShownToken>,
    /// The sessions of a directory's user, the newest first, at most 100.
    sessions: Vec<ShownSession>,
    /// The accounts that belong to the person.
    pins: Vec<ShownPin>,
    /// The sign-in offers that are out.
    offers: Vec<ShownOffer>,
}

async fn show(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    show_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn show_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    let role = operations.bearers.find_role(http.headers())?;
    let user = read_user_key(http)?;
    let listed = operations.parts.elements.list(&user, &cause_of(http, role)).await;
    let PersonOverview { linked_keys, tokens, pins, offers } = listed.map_err(|error| failed(http, &user, &error))?;
    let sessions = list_sessions(operations.parts.directories.as_deref(), &user).await;
    let sessions = sessions.map_err(|error| failed(http, &user, &error))?;
    Ok(private().json(ShownPerson {
        user_key: user.to_string(),
        linked_keys: linked_keys.iter().map(UserKey::to_string).collect(),
        tokens: tokens.into_iter().map(ShownToken::from).collect(),
        sessions: sessions.into_iter().map(ShownSession::from).collect(),
        pins: pins.into_iter().map(ShownPin::from).collect(),
        offers: offers.into_iter().map(ShownOffer::from).collect(),
    }))
}
