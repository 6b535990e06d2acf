use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::PanelServices;
use super::event_list::EventList;
use crate::dev::jwt::text_member;
use crate::dev::tenant::{place_of_activity, place_of_request};

/// The document that says what reason codes mean.
const TROUBLESHOOTING: &str = include_str!("../../../../docs/troubleshooting.md");

/// The query of a reader.
#[derive(Deserialize)]
pub(super) struct ReaderQuery {
    /// The number of the last event that the reader has.
    pub(super) since: Option<u64>,
}

/// Answers `GET /playground/events`: the events after the number `since`, oldest first.
pub(super) async fn list_events(query: Query<ReaderQuery>, events: Data<EventList>) -> HttpResponse {
    let after = events.after(query.since.unwrap_or(0), usize::MAX);
    let latest = after.events.last().map_or_else(|| events.latest(), |event| event.number);
    let listed: Vec<&Value> = after.events.iter().map(|event| &*event.content).collect();
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({
        "events": listed,
        "latest": latest,
        "gap": after.has_gap,
    }))
}

/// Answers `GET /playground/events/{number}/claims`: the claims of the token that was exchanged in the request of this event,
/// from the tenants' own record. The token itself is kept nowhere.
pub(super) async fn show_claims(
    number: Path<u64>,
    events: Data<EventList>,
    services: Data<PanelServices>,
) -> HttpResponse {
    match find_claims(*number, &events, &services) {
        Some(claims) => {
            HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({ "claims": claims }))
        }
        None => HttpResponse::NotFound().json(json!({"error": {
            "code": "NotFound",
            "message": "The stage has issued no token that was exchanged here, or has forgotten it.",
        }})),
    }
}

/// Finds the claims by the activity, or else by the request at the token endpoint. A token that the gateway refuses itself
/// never reaches the token endpoint, and a token that does not come through the stage's channel is seen only there.
fn find_claims(number: u64, events: &EventList, services: &PanelServices) -> Option<Value> {
    let event = events.find(number)?;
    let correlation_id = text_member(&event, "correlation_id")?;
    let arrived = events.find_of_request(correlation_id, "activity_arrived");
    let place = arrived.as_deref().and_then(|arrived| {
        Some(place_of_activity(text_member(arrived, "conversation")?, text_member(arrived, "activity_id")?))
    });
    let issued = &services.tokens.issued;
    let by_activity = place.and_then(|place| issued.find_presented(&place));
    by_activity.or_else(|| issued.find_presented(&place_of_request(correlation_id)))
}

/// Answers `GET /playground/troubleshooting.md`.
pub(super) async fn show_troubleshooting() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(TROUBLESHOOTING)
}
