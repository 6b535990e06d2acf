use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::SkillHost;
use super::admission::{
    admit_ids, authenticate_skill, find_conversation, find_given, read_json_body, read_segments, run_to_end,
};
use super::judgement::{ActivityOutcome, judge, judge_update, readdress};
use super::oversteps::Overstep;
use super::parent_target::{names_history, parent_url};
use super::relay::{Answering, RelayedHead, logged, stream_back};
use super::turn::SkillTurn;
use super::uploads::UploadPlace;
use crate::bot_connector::{GivenActivity, ParentRequest, SkillCall, is_encoded};
use crate::domain::SkillMessage;
use crate::inbound::{Problem, RequestId, refuse_activity};
use crate::outbound::RelayedAnswer;
use crate::protocol::{ActivityError, JsonDocument, Node, names_other_activity};

/// The segments of the path before the conversation: `api`, `skills`, the skill, `v3`, `conversations`.
const SEGMENTS_BEFORE_CONVERSATION: usize = 5;
/// The segments of the path before an activity: the conversation and `activities` follow those above.
const SEGMENTS_BEFORE_ACTIVITY: usize = SEGMENTS_BEFORE_CONVERSATION + 2;
/// The longest answer of a parent to an activity that is searched for the activity's id, in bytes. The hosted service answers
/// with less than a hundred.
const MAX_SEARCHED_BYTES: usize = 64 * 1024;

/// A call that an authenticated skill makes in a conversation with its parent.
struct ConversationCall {
    turn: SkillTurn,
    http: HttpRequest,
    /// The URL at which the parent receives the call.
    url: Url,
    /// The activity that the path names, if it names one.
    activity_id: Option<String>,
    body: Bytes,
    /// The place in memory of a large body.
    _place: Option<UploadPlace>,
    arrived: Instant,
}

/// The id that a skill gets for an activity that ends here.
#[derive(Serialize)]
struct ResourceResponse<'a> {
    id: &'a str,
}

/// `POST …/activities` and `POST …/activities/{activity}`.
pub(super) async fn post_activity(
    http: HttpRequest,
    payload: web::Payload,
    host: web::Data<SkillHost>,
) -> HttpResponse {
    let activity_id = |segments: Vec<String>| segments.into_iter().nth(SEGMENTS_BEFORE_ACTIVITY);
    if read_segments(&http).ok().and_then(activity_id).is_some_and(|id| names_history(&id)) {
        return decline(http, host).await;
    }
    match ConversationCall::admit(http, payload, host).await {
        Ok(call) => run_to_end(call.post_activity()).await,
        Err(problem) => problem.respond(),
    }
}

/// `PUT …/activities/{activity}`.
pub(super) async fn put_activity(http: HttpRequest, payload: web::Payload, host: web::Data<SkillHost>) -> HttpResponse {
    match ConversationCall::admit(http, payload, host).await {
        Ok(call) => run_to_end(call.put_activity()).await,
        Err(problem) => problem.respond(),
    }
}

/// `DELETE …/activities/{activity}`.
pub(super) async fn delete_activity(
    http: HttpRequest,
    payload: web::Payload,
    host: web::Data<SkillHost>,
) -> HttpResponse {
    match ConversationCall::admit(http, payload, host).await {
        Ok(call) => run_to_end(call.delete_activity()).await,
        Err(problem) => problem.respond(),
    }
}

/// A call that is passed on as it is.
pub(super) async fn pass_on(http: HttpRequest, payload: web::Payload, host: web::Data<SkillHost>) -> HttpResponse {
    match ConversationCall::admit(http, payload, host).await {
        Ok(call) => run_to_end(async move { call.pass_on().await }).await,
        Err(problem) => problem.respond(),
    }
}

/// An operation of the channel service that skills do not have: a skill speaks only where its parent has opened a
/// conversation (docs/protocols/bot-auth-and-skills.md §4.3).
pub(super) async fn decline(http: HttpRequest, host: web::Data<SkillHost>) -> HttpResponse {
    let authenticated = authenticate_skill(&http, &host, Instant::now()).await;
    authenticated.map_or_else(Problem::respond, |_| Problem::NotImplemented.respond())
}

impl ConversationCall {
    /// Authenticates the skill, finds the conversation, and reads the body.
    async fn admit(http: HttpRequest, payload: web::Payload, host: web::Data<SkillHost>) -> Result<Self, Problem> {
        let arrived = Instant::now();
        let peer = authenticate_skill(&http, &host, arrived).await?;
        let segments = read_segments(&http)?;
        let mut segments = segments.iter().map(String::as_str).skip(SEGMENTS_BEFORE_CONVERSATION);
        let id = segments.next().ok_or(Problem::NotFound)?;
        let conversation = find_conversation(&http, &host, &peer, id).await?;
        let rest: Vec<&str> = segments.collect();
        let turn = SkillTurn::new(&host, peer, conversation, RequestId::get_or_draw(&http, &host.entropy));
        admit_ids(&turn, &rest, http.method()).await?;
        let (parent, query) = (turn.parent_address(), http.query_string());
        let url = parent_url(parent.service_url, parent.conversation_id, &rest, query).ok_or(Problem::NotFound)?;
        let activity_id = rest.get(1).filter(|_| rest.first() == Some(&"activities")).map(|id| (*id).to_owned());
        let (limits, place) = if rest == ["attachments"] {
            host.budgets.get(&turn.peer.skill.name).uploads.admit(&http, host.limits).await?
        } else {
            (host.limits, None)
        };
        let body = read_json_body(&http, payload, limits, &turn.peer).await?;
        Ok(Self { turn, http, url, activity_id, body, _place: place, arrived })
    }

    /// Passes an activity on to the parent, unless it is a card that is answered here, or an event that no skill may send.
    async fn post_activity(self) -> Result<HttpResponse, Problem> {
        let judged = judge(&self.turn, &self.body, self.arrived).await;
        match judged.map_err(|error| self.refuse(&error))? {
            ActivityOutcome::GoesOn => self.pass_on_readdressed().await,
            ActivityOutcome::Swallowed(id) => Ok(answer_id(&id)),
            ActivityOutcome::Forged => Ok(answer_id(&self.turn.host.entropy.uuid())),
            ActivityOutcome::TooManyCards { retry_after } => Err(Problem::TooManyRequests { retry_after }),
        }
    }

    /// Passes the activity on as the parent gets it, and relays the answer.
    async fn pass_on_readdressed(&self) -> Result<HttpResponse, Problem> {
        let readdressed = readdress(&self.turn, &self.body).map_err(|error| self.refuse(&error))?;
        let (answer, by) = self.call_parent(readdressed).await?;
        self.relay_noting_id(answer, by).await
    }

    fn refuse(&self, error: &ActivityError) -> Problem {
        refuse_activity(error, &self.turn.peer.parent, &self.turn.correlation_id)
    }

    /// Passes the new form of an activity on to the parent, if the skill was given the activity.
    async fn put_activity(self) -> Result<HttpResponse, Problem> {
        let id = self.activity_id.as_deref().ok_or(Problem::NotFound)?;
        let given = self.get_given(id).await?;
        let refused = |error| self.refuse(&error);
        if names_other_activity(&self.body, id).map_err(refused)? {
            return Err(self.refuse_activity_id());
        }
        if given == GivenActivity::SwallowedCard {
            // The parent has not seen the activity, so its new form goes nowhere either.
            readdress(&self.turn, &self.body).map_err(refused)?;
            return Ok(answer_id(id));
        }
        match judge_update(&self.turn, &self.body).await.map_err(refused)? {
            ActivityOutcome::GoesOn => self.pass_on_readdressed().await,
            ActivityOutcome::Forged | ActivityOutcome::Swallowed(_) => Ok(answer_id(id)),
            ActivityOutcome::TooManyCards { retry_after } => Err(Problem::TooManyRequests { retry_after }),
        }
    }

    /// Passes the deletion of an activity on to the parent, if the skill was given the activity.
    async fn delete_activity(self) -> Result<HttpResponse, Problem> {
        let id = self.activity_id.as_deref().ok_or(Problem::NotFound)?;
        match self.get_given(id).await? {
            GivenActivity::SwallowedCard => Ok(HttpResponse::Ok().finish()),
            GivenActivity::PassedOn => self.pass_on().await,
        }
    }

    /// Passes the call on to the parent as it is, and relays the answer.
    async fn pass_on(&self) -> Result<HttpResponse, Problem> {
        let (answer, _) = self.call_parent(self.body.clone()).await?;
        Ok(stream_back(answer, &self.turn, Answering::Parent))
    }

    /// What the activity id `id` stands for, which the skill was given in this conversation.
    ///
    /// # Errors
    /// 404 if the skill was not given the id, exactly as for a conversation that does not exist. 503 if the store fails.
    async fn get_given(&self, id: &str) -> Result<GivenActivity, Problem> {
        find_given(&self.turn, id).await?.ok_or_else(|| self.refuse_activity_id())
    }

    fn refuse_activity_id(&self) -> Problem {
        Overstep::Activity.report(&self.turn.peer, &self.turn.correlation_id);
        Problem::NotFound
    }

    /// Sends the call with `body` to the parent. Returns the answer, and the time at which its body should have ended.
    async fn call_parent(&self, body: Bytes) -> Result<(RelayedAnswer, Instant), Problem> {
        let Self { turn, http, url, .. } = self;
        let by = Instant::now() + turn.host.bot_timeout;
        let request = turn.forwarded_to_parent(http.headers(), body).without_compression();
        let parent = &turn.peer.parent.name;
        let request = ParentRequest { parent, method: http.method().as_str(), url: url.clone(), request };
        let call = SkillCall { correlation_id: &turn.correlation_id, message: SkillMessage::Activity, deadline: by };
        let answer = turn.host.client.call_parent(request, call).await;
        Ok((answer.map_err(|error| Answering::Parent.report_absence(turn, &error))?, by))
    }

    /// Relays the parent's answer to an activity. The id in the answer is noted as given to the skill before the skill learns
    /// it. An answer of more than [`MAX_SEARCHED_BYTES`], or one that has not ended by `by`, is relayed without a note.
    async fn relay_noting_id(&self, answer: RelayedAnswer, by: Instant) -> Result<HttpResponse, Problem> {
        let turn = &self.turn;
        if !(200..300).contains(&answer.status) || is_encoded(&answer) {
            return Ok(stream_back(answer, turn, Answering::Parent));
        }
        let head = RelayedHead::of(&answer);
        let (mut chunks, mut read) = (Box::pin(answer.into_stream()), BytesMut::new());
        while read.len() <= MAX_SEARCHED_BYTES {
            match timeout_at(by, chunks.next()).await {
                Ok(Some(Ok(chunk))) => read.extend_from_slice(&chunk),
                Ok(Some(Err(error))) => return Err(Answering::Parent.report_absence(turn, &error)),
                Ok(None) => {
                    self.note_id(&read).await;
                    return Ok(head.with_body(read.freeze()));
                }
                Err(_) => break,
            }
        }
        let body = stream::iter([Ok(read.freeze())]).chain(chunks);
        Ok(head.with_stream(logged(body, turn, Answering::Parent)))
    }

    async fn note_id(&self, answer: &[u8]) {
        let turn = &self.turn;
        let Some(id) = find_id(answer) else { return };
        let noted = turn.host.conversations.note_activity(&turn.conversation, &id, GivenActivity::PassedOn).await;
        if let Err(error) = noted {
            let (bot, skill) = (turn.peer.parent.name.as_str(), turn.peer.skill.name.as_str());
            let correlation_id = turn.correlation_id.as_str();
            tracing::error!(correlation_id, bot, skill, %error, "the skill cannot change this activity later: its id is not stored");
        }
    }
}

/// The id in a parent's answer to an activity; `None` if there is none.
fn find_id(answer: &[u8]) -> Option<String> {
    let document = JsonDocument::parse(answer).ok()?;
    let id = document.root().get_any_case("id").ok()?.and_then(Node::as_str)?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

fn answer_id(id: &str) -> HttpResponse {
    HttpResponse::Ok().json(ResourceResponse { id })
}

#[cfg(test)]
mod tests {
    use super::find_id;

    #[test]
    fn the_id_is_found_in_an_answer_and_answers_without_an_id_are_no_error() {
        for (answer, id) in [
            (r#"{"id":"a"}"#, Some("a")),
            (r#"{"Id":"a","more":1}"#, Some("a")),
            (r#"{"id":""}"#, None),
            (r#"{"id":7}"#, None),
            ("{}", None),
            ("", None),
            ("[]", None),
            ("OK", None),
        ] {
            assert_eq!(find_id(answer.as_bytes()).as_deref(), id, "{answer}");
        }
    }
}
