use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::SkillHost;
use super::oversteps::Overstep;
use super::parent_target::SegmentForm;
use super::turn::SkillTurn;
use crate::bot_connector::{GivenActivity, SkillConversation, SkillConversationError};
use crate::inbound::{
    self, BodyLimits, CallerRefusal, Problem, RequestId, SkillPeer, decode_percent, read_body, require_plain_utf8,
};
use crate::protocol::deadlines::PROVIDER_BUDGET;

/// The segment of a path that names the skill, counted from 0.
const SKILL_SEGMENT: usize = 2;

/// The decoded segments of the path of `http`: those of the raw path, since the router has decoded parts of its own copy.
///
/// # Errors
/// 404 if a segment is no text.
pub(super) fn read_segments(http: &HttpRequest) -> Result<Vec<String>, Problem> {
    let segments = http.uri().path().split('/').skip(1);
    segments.map(|segment| Some(decode_percent(segment)?.into_owned())).collect::<Option<_>>().ok_or(Problem::NotFound)
}

/// The name of the skill in the path of `http`. It is empty if the path cannot be read; no skill has an empty name.
fn skill_of(http: &HttpRequest) -> String {
    let Ok(segments) = read_segments(http) else { return String::new() };
    let Some(name) = segments.into_iter().nth(SKILL_SEGMENT) else { return String::new() };
    name
}

/// Authenticates the parent that calls the skill of the path.
pub(super) async fn authenticate_parent(
    http: &HttpRequest,
    host: &SkillHost,
    begun: Instant,
) -> Result<SkillPeer, Problem> {
    let name = skill_of(http);
    in_time(begun, host.callers.authenticate_parent(http, &name)).await.map_err(|refusal| refusal.logged(http))
}

/// Authenticates the skill of the path, which calls a parent.
pub(super) async fn authenticate_skill(
    http: &HttpRequest,
    host: &SkillHost,
    begun: Instant,
) -> Result<SkillPeer, Problem> {
    let name = skill_of(http);
    in_time(begun, host.callers.authenticate_skill(http, &name)).await.map_err(|refusal| refusal.logged(http))
}

async fn in_time(
    begun: Instant,
    authenticating: impl Future<Output = Result<SkillPeer, CallerRefusal>>,
) -> Result<SkillPeer, CallerRefusal> {
    let too_slow = |_| Err(CallerRefusal::new(Problem::KeysUnavailable, "keys_in_time"));
    timeout_at(begun + PROVIDER_BUDGET, authenticating).await.unwrap_or_else(too_slow)
}

/// Reads the body of a request between the parent and the skill of `peer`, within `limits`.
pub(super) async fn read_json_body(
    http: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
    peer: &SkillPeer,
) -> Result<Bytes, Problem> {
    let refused = |problem| CallerRefusal::new(problem, "body").at_bot(peer.parent.name.as_str()).logged(http);
    require_plain_utf8(http.headers()).map_err(refused)?;
    read_body(http, payload, limits).await.map_err(refused)
}

/// Finds the conversation `id` that the parent of `peer` opened with its skill, and whose answers may still go to the
/// parent's `serviceUrl`. One of another skill or of another parent answers exactly as one that does not exist.
///
/// # Errors
/// 404; 503 if the store fails.
pub(super) async fn find_conversation(
    http: &HttpRequest,
    host: &SkillHost,
    peer: &SkillPeer,
    id: &str,
) -> Result<Arc<SkillConversation>, Problem> {
    let correlation_id = RequestId::get_or_draw(http, &host.entropy);
    let (bot, skill) = (peer.parent.name.as_str(), peer.skill.name.as_str());
    let found = host.conversations.find(id).await.map_err(|error| unavailable(&error, &correlation_id))?;
    let Some(conversation) = found else {
        let hint = "the conversation ended seven days after its last activity, or never was";
        tracing::info!(correlation_id, bot, skill, hint, "a skill named a conversation that does not exist");
        return Err(Problem::NotFound);
    };
    if conversation.skill != peer.skill.name || conversation.parent != peer.parent.name {
        Overstep::Conversation.report(peer, &correlation_id);
        return Err(Problem::NotFound);
    }
    // The list may have changed since the conversation was opened.
    if let Err(refusal) = peer.admit_service_url(Some(&conversation.parent_service_url)) {
        let _ = refusal.logged(http);
        return Err(Problem::NotFound);
    }
    Ok(conversation)
}

/// Admits the segments `rest` of a path below a conversation. A segment that some server may read as several segments is
/// admitted only as the id of an activity that the skill was given, or that it replies to: the parent has named that one, and no
/// operation that posts lies below an activity.
///
/// # Errors
/// 404 if a segment cannot be passed on; a segment that leads to another path is a security event, too. 503 if the store fails.
pub(super) async fn admit_ids(turn: &SkillTurn, rest: &[&str], method: &Method) -> Result<(), Problem> {
    let is_reply = method == Method::POST && rest.len() == 2;
    for (position, id) in rest.iter().enumerate() {
        let is_activity = position == 1 && rest.first() == Some(&"activities");
        match SegmentForm::of(id) {
            SegmentForm::One => {}
            SegmentForm::Several if is_activity && is_reply => {}
            SegmentForm::Several if is_activity && find_given(turn, id).await?.is_some() => {}
            SegmentForm::Several => {
                let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
                let (correlation_id, hint) =
                    (&turn.correlation_id, "an id with a slash is passed on if the parent gave it");
                tracing::info!(correlation_id, bot, skill, hint, "a skill named an unknown id with a slash");
                return Err(Problem::NotFound);
            }
            SegmentForm::Elsewhere => {
                Overstep::Activity.report(&turn.peer, &turn.correlation_id);
                return Err(Problem::NotFound);
            }
        }
    }
    Ok(())
}

/// What the activity id `id` stands for; `None` if the skill was not given the id in this conversation.
///
/// # Errors
/// 503 if the store fails.
pub(super) async fn find_given(turn: &SkillTurn, id: &str) -> Result<Option<GivenActivity>, Problem> {
    let found = turn.host.conversations.find_activity(&turn.conversation, id).await;
    found.map_err(|error| unavailable(&error, &turn.correlation_id))
}

/// Logs that the store failed, and returns the problem.
pub(super) fn unavailable(error: &SkillConversationError, correlation_id: &str) -> Problem {
    tracing::error!(correlation_id, %error, "the conversations of skills cannot be read or stored");
    Problem::ServiceUnavailable
}

/// Runs `work` to its end, in a task of its own. The server drops the handler of a connection that breaks; the task goes on, so
/// a card is answered to its end, and the id in a parent's answer is noted. Only authenticated callers get a task.
pub(super) async fn run_to_end(work: impl Future<Output = Result<HttpResponse, Problem>> + 'static) -> HttpResponse {
    let outcome = inbound::run_to_end(work).await.unwrap_or(Err(Problem::ServiceUnavailable));
    outcome.unwrap_or_else(Problem::respond)
}
