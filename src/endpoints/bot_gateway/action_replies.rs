//! The answers to users' actions that are refused: the table of docs/protocols/sign-in-invokes.md §4.

use actix_web::HttpResponse;
use bytes::Bytes;

use super::BotGateway;
use super::admitted::Inbound;
use super::replies::{InvokeReply, RefusalAnswer};
use crate::exchange::{Reason, Refusal};
use crate::inbound::Problem;
use crate::protocol::{ActionFamily, CardActionResponse, ErrorResponse};

/// Refuses an action for `reason`, which is logged already. A card's answer is HTTP 200 with the outcome in the body. The
/// client of a message extension reads the HTTP status; the body of 412 is empty.
pub(super) fn refuse_action(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    family: ActionFamily,
    reason: Reason,
) -> InvokeReply {
    let answer = RefusalAnswer::new(gateway, Some(&inbound.channel()), reason, &inbound.correlation_id);
    let RefusalAnswer { status, code, detail, retry_after } = answer;
    let reply = if family.is_of_card() {
        // A card's answer has no outcome for a user who acts too often.
        let outcome = if status == 429 { 500 } else { status };
        InvokeReply::json(200, Bytes::from(CardActionResponse::refused(outcome, detail).to_json()))
    } else if status == 412 {
        InvokeReply::empty(412)
    } else {
        let body = ErrorResponse::new(&code, &detail).to_json();
        InvokeReply { retry_after, ..InvokeReply::json(status, Bytes::from(body)) }
    };
    InvokeReply { succeeded: false, reason: Some(reason), ..reply }
}

/// Answers an action for a bot that is too slow or cannot be reached: `problem`, in the form of a card for a card.
pub(super) fn refuse_without_bot(inbound: &Inbound<'_>, family: ActionFamily, problem: Problem) -> HttpResponse {
    if !family.is_of_card() {
        return problem.respond();
    }
    let refused = CardActionResponse::refused(500, problem.message().to_owned());
    let reply = InvokeReply::json(200, Bytes::from(refused.to_json()));
    InvokeReply { succeeded: false, ..reply }.respond(inbound)
}

/// Refuses an action with a wrong magic code: the client lets the user sign in again.
pub(super) fn refuse_code(inbound: &Inbound<'_>, family: ActionFamily) -> InvokeReply {
    tracing::info!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        "an action was refused: its magic code is wrong or has ended"
    );
    if family.is_of_card() {
        InvokeReply::json(200, Bytes::from(CardActionResponse::invalid_code().to_json()))
    } else {
        InvokeReply::empty(412)
    }
}

/// Refuses an action that readers of its bytes may understand in several ways, or whose connection is misspelled.
pub(super) fn refuse_unreadable(gateway: &BotGateway, inbound: &Inbound<'_>, family: ActionFamily) -> InvokeReply {
    let hint = "the action's authentication or state can be read in several ways, or names a connection in another letter case";
    let refusal = Refusal::local(Reason::BadRequest, hint);
    refusal.report(&gateway.counters, inbound.bot.name.as_str(), None, &inbound.correlation_id);
    refuse_action(gateway, inbound, family, refusal.reason)
}
