use std::cell::OnceCell;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::time::Instant;

use super::SkillHost;
use super::admission::{authenticate_parent, read_json_body, run_to_end, unavailable};
use super::event_relay::relay_events;
use super::expected_replies::relay_replies;
use super::relay::{Answering, stream_back};
use super::turn::SkillTurn;
use crate::bot_connector::{SkillCall, SkillConversationOpening, find_content_type, is_encoded};
use crate::domain::{Account, ChannelId, ConversationId, SkillMessage};
use crate::inbound::{Problem, RequestId, SkillPeer, refuse_activity};
use crate::outbound::RelayedAnswer;
use crate::protocol::{Activity, ActivityError, Delivery, ParentActivity, readdress_to_skill};

/// `POST /api/skills/{skill}/messages`: a parent's activity for its skill.
pub(super) async fn receive(http: HttpRequest, payload: web::Payload, host: web::Data<SkillHost>) -> HttpResponse {
    let begun = Instant::now();
    let read = async {
        let peer = authenticate_parent(&http, &host, begun).await?;
        let body = read_json_body(&http, payload, host.limits, &peer).await?;
        Ok::<_, Problem>((peer, body))
    };
    match read.await {
        Ok((peer, body)) => {
            let call = ParentCall { http, host, peer, body, begun };
            run_to_end(call.pass_on()).await
        }
        Err(problem) => problem.respond(),
    }
}

/// An activity of an authenticated parent.
struct ParentCall {
    http: HttpRequest,
    host: web::Data<SkillHost>,
    peer: SkillPeer,
    body: Bytes,
    begun: Instant,
}

impl ParentCall {
    /// Passes the activity on to the skill, in the conversation that it belongs to, and relays the answer.
    async fn pass_on(self) -> Result<HttpResponse, Problem> {
        let Self { http, host, peer, body, begun } = self;
        let correlation_id = RequestId::get_or_draw(&http, &host.entropy);
        let refused = |error: ActivityError| refuse_activity(&error, &peer.parent, &correlation_id);
        let ReadActivity { opening, delivery, message } = read_activity(&http, &peer, &body, &correlation_id)?;
        let opened = host.conversations.open(opening).await;
        let conversation = opened.map_err(|error| unavailable(&error, &correlation_id))?;
        let turn = SkillTurn::new(&host, peer.clone(), conversation, correlation_id.clone());
        let body = readdress_to_skill(&body, turn.skill_address()).map_err(refused)?;
        let mut request = turn.forwarded_to_skill(http.headers(), body);
        if delivery != Delivery::Normal {
            request = request.without_compression();
        }
        let deadline = begun + host.bot_timeout;
        let call = SkillCall { correlation_id: &correlation_id, message, deadline };
        let answer = host.client.post_to_skill(&peer.skill, request, call).await;
        let answer = answer.map_err(|error| Answering::Skill.report_absence(&turn, &error))?;
        match delivery {
            Delivery::Normal => Ok(stream_back(answer, &turn, Answering::Skill)),
            _ if is_event_stream(&answer) => Ok(relay_events(answer, &turn)),
            _ => relay_replies(answer, &turn, deadline).await,
        }
    }
}

/// What is needed of a parent's activity until its end.
struct ReadActivity {
    opening: SkillConversationOpening,
    /// How the parent wants the answer.
    delivery: Delivery,
    message: SkillMessage,
}

/// Reads the activity in `body`. The parsed activity ends here, before anything is awaited.
fn read_activity(
    http: &HttpRequest,
    peer: &SkillPeer,
    body: &Bytes,
    correlation_id: &str,
) -> Result<ReadActivity, Problem> {
    let refused = |error: ActivityError| refuse_activity(&error, &peer.parent, correlation_id);
    let regularized = OnceCell::new();
    let activity = Activity::parse_leniently(body, &regularized).map_err(refused)?;
    peer.admit_service_url(activity.service_url()).map_err(|refusal| refusal.logged(http))?;
    let stated = ParentActivity::read(&activity).map_err(refused)?;
    let account = |id| Account::of_channel(&peer.parent.name, ChannelId::new(stated.channel_id), id);
    let opening = SkillConversationOpening {
        parent: peer.parent.name.clone(),
        skill: peer.skill.name.clone(),
        parent_conversation_id: stated.conversation_id.to_owned(),
        parent_service_url: stated.service_url.to_owned(),
        account: stated.from_id.filter(|_| !stated.is_conversation_update).map(account),
        user_conversation: stated.relates_to_conversation.map(ConversationId::new),
        addressing: stated.addressing,
    };
    let message = if activity.is("invoke") { SkillMessage::Invoke } else { SkillMessage::Activity };
    Ok(ReadActivity { opening, delivery: stated.delivery, message })
}

/// Whether the answer is a stream of server-sent events that can be read.
fn is_event_stream(answer: &RelayedAnswer) -> bool {
    let is_events = |content_type: String| {
        let (essence, _) = content_type.split_once(';').unwrap_or((&content_type, ""));
        essence.trim().eq_ignore_ascii_case("text/event-stream")
    };
    find_content_type(answer).is_some_and(is_events) && !is_encoded(answer)
}
