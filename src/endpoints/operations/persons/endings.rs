use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::elements::{ShownOffer, ShownPin, ShownSession, ShownToken};
use super::user_sessions::{self, SessionAct};
use super::{about_user, cause_of, failed, private, read_user_key};
use crate::domain::{ElementId, UserKey};
use crate::endpoints::operations::Operations;
use crate::inbound::{
    Answer, Description, Method, Operation, OperatorRole, Problem, RequestId, TrustedProxies, read_segment, run_to_end,
};
use crate::sign_out::SignOutCause;

/// The place of the element's id among the segments of the path.
const ELEMENT: usize = 5;

/// `DELETE /admin/users/{user_key}/tokens/{id}`.
pub(in crate::endpoints::operations) const END_TOKEN: Operation = Operation {
    method: Method::Delete,
    path: "/admin/users/{user_key}/tokens/{id}",
    route: |route| route.to(end_token),
    description: || {
        ending("EndPersonToken", "Ends one token of a person.")
            .note("The account of the token is signed out of the connection: refreshes under way keep no token, and tokens for other resources, cards and codes of the connection end as well. The provider is told where the connection says so.")
    },
};

/// `DELETE /admin/users/{user_key}/sessions/{id}`.
pub(in crate::endpoints::operations) const END_SESSION: Operation = Operation {
    method: Method::Delete,
    path: "/admin/users/{user_key}/sessions/{id}",
    route: |route| route.to(end_session),
    description: || {
        ending("EndPersonSession", "Ends one session of a directory's user.")
            .note("The applications that have a grant of the session are told.")
    },
};

/// `DELETE /admin/users/{user_key}/pins/{id}`.
pub(in crate::endpoints::operations) const FORGET_PIN: Operation = Operation {
    method: Method::Delete,
    path: "/admin/users/{user_key}/pins/{id}",
    route: |route| route.to(forget_pin),
    description: || {
        ending("ForgetPin", "Lets an account belong to no person any more, and signs it out.")
            .note("The tokens of the account are the person's, so they end as well. The next person who signs in there is pinned.")
    },
};

/// `DELETE /admin/users/{user_key}/offers/{id}`.
pub(in crate::endpoints::operations) const END_OFFER: Operation = Operation {
    method: Method::Delete,
    path: "/admin/users/{user_key}/offers/{id}",
    route: |route| route.to(end_offer),
    description: || {
        ending("EndOffer", "Ends a sign-in offer that is out.")
            .note("The card cannot be answered any more, and a code that a browser shows for it is worthless. Kept tokens stay.")
    },
};

fn ending(id: &str, summary: &str) -> Description {
    about_user(id, summary)
        .path_parameter("id", "Its `id` in the answer of `GET /admin/users/{user_key}`.")
        .answer(200, Answer::json::<EndedElement>("What has ended."))
        .error(404, "Nothing with this id is kept of the user.")
}

/// What has ended: one of the four.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EndedElement {
    /// The user's key.
    user_key: String,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<ShownToken>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<ShownSession>,
    /// The pin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<ShownPin>,
    /// The offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<ShownOffer>,
}

/// The element of a person that a call ends.
struct NamedElement {
    user: UserKey,
    id: ElementId,
    cause: SignOutCause,
}

async fn end_token(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    end_token_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn end_session(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    end_session_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn forget_pin(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    forget_pin_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn end_offer(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    end_offer_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn end_token_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    let NamedElement { user, id, cause } = operations.read_element(http)?;
    let ended = operations.parts.elements.end_token(&user, id, cause).await;
    let ended = ended.map_err(|error| failed(http, &user, &error))?.ok_or(Problem::UnknownElement)?;
    Ok(reply(EndedElement { token: Some(ended.into()), ..EndedElement::of(&user) }))
}

async fn end_session_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.bearers.admit_change(http)?;
    let user = read_user_key(http)?;
    let id = read_segment(http, ELEMENT).ok_or(Problem::UnknownElement)?;
    let (correlation_id, client) = (RequestId::find(http), TrustedProxies::client_address(http));
    let (act, directories) = (SessionAct { correlation_id, client }, operations.parts.directories.clone());
    let ended = run_to_end(user_sessions::end_session(directories, user.clone(), id, act)).await;
    let ended = ended.ok_or(Problem::ServiceUnavailable)?.map_err(|error| failed(http, &user, &error))?;
    let ended = ended.ok_or(Problem::UnknownElement)?;
    Ok(reply(EndedElement { session: Some(ended.into()), ..EndedElement::of(&user) }))
}

async fn forget_pin_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    let NamedElement { user, id, cause } = operations.read_element(http)?;
    let forgotten = operations.parts.elements.forget_pin(&user, id, cause).await;
    let forgotten = forgotten.map_err(|error| failed(http, &user, &error))?.ok_or(Problem::UnknownElement)?;
    Ok(reply(EndedElement { pin: Some(forgotten.into()), ..EndedElement::of(&user) }))
}

async fn end_offer_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    let NamedElement { user, id, cause } = operations.read_element(http)?;
    let ended = operations.parts.elements.end_offer(&user, id, cause).await;
    let ended = ended.map_err(|error| failed(http, &user, &error))?.ok_or(Problem::UnknownElement)?;
    Ok(reply(EndedElement { offer: Some(ended.into()), ..EndedElement::of(&user) }))
}

fn reply(ended: EndedElement) -> HttpResponse {
    private().json(ended)
}

impl Operations {
    /// Admits a call that ends an element, and reads which. A text that is no id names nothing.
    fn read_element(&self, http: &HttpRequest) -> Result<NamedElement, Problem> {
        self.bearers.admit_change(http)?;
        let user = read_user_key(http)?;
        let id = read_segment(http, ELEMENT).and_then(|text| ElementId::parse(&text)).ok_or(Problem::UnknownElement)?;
        Ok(NamedElement { user, id, cause: cause_of(http, OperatorRole::Full) })
    }
}

impl EndedElement {
    fn of(user: &UserKey) -> Self {
        Self { user_key: user.to_string(), ..Self::default() }
    }
}
