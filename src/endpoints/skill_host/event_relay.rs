use actix_web::{HttpResponse, rt};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::expected_replies::judge_part;
use super::relay::{Answering, RelayedHead, UnreadableAnswer, logged};
use super::turn::SkillTurn;
use crate::outbound::{OutboundError, RelayedAnswer};
use crate::protocol::{EventStream, EventTooLong, StreamEvent};

type Part = Result<Bytes, OutboundError>;

/// Relays a skill's stream of server-sent events. Each event goes on as soon as it is complete; the activity in it is
/// readdressed, and its sign-in card is answered as if the skill had posted it. Events behind a card wait for it.
pub(super) fn relay_events(answer: RelayedAnswer, turn: &SkillTurn) -> HttpResponse {
    let head = RelayedHead::of(&answer);
    let (sender, receiver) = mpsc::channel(1);
    // In a task of its own a card is answered to its end, even if the parent hangs up.
    rt::spawn(relay_parts(answer, turn.clone(), sender));
    let body = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|part| (part, receiver)));
    head.with_stream(logged(body, turn, Answering::Skill))
}

async fn relay_parts(answer: RelayedAnswer, turn: SkillTurn, sender: mpsc::Sender<Part>) {
    let mut events = EventStream::new();
    let mut chunks = Box::pin(answer.into_stream());
    loop {
        let chunk = tokio::select! {
            chunk = chunks.next() => chunk,
            () = sender.closed() => return,
        };
        match chunk {
            Some(Ok(bytes)) => events.push(&bytes),
            Some(Err(error)) => return drop(sender.send(Err(error)).await),
            None => break,
        }
        if !relay_complete_events(&mut events, &turn, &sender).await {
            return;
        }
    }
    if let Some(rest) = events.finish()
        && let Some(bytes) = judge_event(&turn, &rest, Instant::now()).await
    {
        drop(sender.send(Ok(bytes)).await);
    }
}

/// Relays the events that are complete. Returns whether the stream goes on.
async fn relay_complete_events(events: &mut EventStream, turn: &SkillTurn, sender: &mpsc::Sender<Part>) -> bool {
    let arrived = Instant::now();
    loop {
        let part = match events.next_event() {
            Ok(Some(event)) => judge_event(turn, &event, arrived).await.map(Ok),
            Ok(None) => return true,
            Err(EventTooLong) => {
                // The head of the answer has left, so its status does not change: the stream breaks off.
                UnreadableAnswer::TooLarge.report(turn);
                Some(Err(OutboundError::TooLarge))
            }
        };
        let Some(part) = part else { continue };
        let is_broken = part.is_err();
        if sender.send(part).await.is_err() || is_broken {
            return false;
        }
    }
}

/// Judges the activity in `event`. Returns the form in which the event goes on to the parent; `None` if it ends here. The name
/// of the event does not count, because some readers overlook it.
async fn judge_event(turn: &SkillTurn, event: &StreamEvent, arrived: Instant) -> Option<Bytes> {
    let Some(data) = event.data().filter(|data| may_be_activity(data)) else { return Some(event.bytes().clone()) };
    let readdressed = judge_part(turn, &data, arrived).await?;
    Some(if *readdressed == *data { event.bytes().clone() } else { event.with_data(&readdressed) })
}

/// Whether some reader may find a JSON object in `data`. What is no object is no activity.
fn may_be_activity(data: &[u8]) -> bool {
    data.contains(&b'{')
}
