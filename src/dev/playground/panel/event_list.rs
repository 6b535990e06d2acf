use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::event_json::step_members;
use crate::dev::jwt::text_member;
use crate::dev::lock::lock_ignoring_poison;
use crate::domain::{ExchangeEvent, ExchangeObserver, ExchangeStep, SharedClock};

/// How many events are kept; the oldest go first.
const MAX_EVENTS: usize = 500;
/// How many readers may follow the events at a time.
const MAX_READERS: usize = 32;
/// The door whose answers are told twice.
const GATEWAY: &str = "bot_gateway";

/// An event as it is shown.
#[derive(Clone)]
pub(super) struct ListedEvent {
    /// Counts from 1 and never comes again.
    pub(super) number: u64,
    /// The JSON object.
    pub(super) content: Arc<Value>,
}

/// The latest events of the gateway, numbered.
pub(in crate::dev) struct EventList {
    events: Mutex<VecDeque<ListedEvent>>,
    /// The number of the latest event.
    latest: watch::Sender<u64>,
    clock: SharedClock,
    readers: Arc<Semaphore>,
    /// Whether events are ignored.
    is_paused: AtomicBool,
}

/// Events after some number.
pub(super) struct EventsAfter {
    pub(super) events: Vec<ListedEvent>,
    /// Whether events before them are not kept any more.
    pub(super) has_gap: bool,
}

impl EventList {
    pub(in crate::dev) fn new(clock: SharedClock) -> Self {
        Self {
            events: Mutex::default(),
            latest: watch::Sender::new(0),
            clock,
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            is_paused: AtomicBool::new(false),
        }
    }

    /// Ignores events from now on, or lists them again: what the stage itself does at its start is not shown.
    pub(in crate::dev) fn pause(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::SeqCst);
    }

    /// A place for one more reader, if there is one.
    pub(super) fn admit_reader(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.readers).try_acquire_owned().ok()
    }

    /// The number of the latest event, and a notice of each later one.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// The number of the latest event; 0 if there is none.
    pub(super) fn latest(&self) -> u64 {
        *self.latest.borrow()
    }

    /// At most `limit` events after `number`. A number that does not exist yet is of an earlier process: nothing of it is
    /// left.
    pub(super) fn after(&self, number: u64, limit: usize) -> EventsAfter {
        let events = lock_ignoring_poison(&self.events);
        let is_known = events.back().is_none_or(|last| number <= last.number);
        let number = if is_known { number } else { 0 };
        let has_gap = !is_known || events.front().is_some_and(|first| first.number > number + 1);
        let after = events.iter().filter(|event| event.number > number).take(limit).cloned();
        EventsAfter { events: after.collect(), has_gap }
    }

    /// The event with this number.
    pub(super) fn find(&self, number: u64) -> Option<Arc<Value>> {
        let events = lock_ignoring_poison(&self.events);
        events.iter().find(|event| event.number == number).map(|event| Arc::clone(&event.content))
    }

    /// The first event of the request `correlation_id` of this kind.
    pub(super) fn find_of_request(&self, correlation_id: &str, kind: &str) -> Option<Arc<Value>> {
        let events = lock_ignoring_poison(&self.events);
        events.iter().find(|event| is_of(event, correlation_id, kind)).map(|event| Arc::clone(&event.content))
    }
}

impl ExchangeObserver for EventList {
    fn observe(&self, event: &ExchangeEvent<'_>) {
        if self.is_paused.load(Ordering::SeqCst) {
            return;
        }
        let mut members = step_members(&event.step);
        let mut events = lock_ignoring_poison(&self.events);
        if let (ExchangeStep::OperationAnswered { door: GATEWAY, .. }, Some(id)) = (&event.step, event.correlation_id)
            && events.iter().rev().any(|told| is_of(told, id, "activity_answered"))
        {
            return;
        }
        let number = events.back().map_or(0, |last| last.number) + 1;
        members.insert("number".to_owned(), json!(number));
        members.insert("at_ms".to_owned(), json!(self.clock.now().unix_millis()));
        members.extend(event.correlation_id.map(|id| ("correlation_id".to_owned(), json!(id))));
        if events.len() == MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(ListedEvent { number, content: Arc::new(Value::Object(members)) });
        // Before the lock is free, so that the numbers are told in their order.
        self.latest.send_replace(number);
    }
}

fn is_of(event: &ListedEvent, correlation_id: &str, kind: &str) -> bool {
    text_member(&event.content, "correlation_id") == Some(correlation_id)
        && text_member(&event.content, "kind") == Some(kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{ArrivedActivity, ProviderCall, SystemClock};

    const TOOK: Duration = Duration::from_micros(12_340);

    fn list() -> EventList {
        EventList::new(Arc::new(SystemClock))
    }

    fn tell(list: &EventList, id: &str, step: ExchangeStep<'_>) {
        list.observe(&ExchangeEvent { correlation_id: Some(id), step });
    }

    fn answered(door: &str) -> ExchangeStep<'_> {
        ExchangeStep::OperationAnswered { door, operation: "Post", connection: None, status: 400, took: TOOK }
    }

    #[test]
    fn the_oldest_events_go_first_and_a_reader_learns_that_they_are_gone() {
        let list = list();
        for _ in 0..MAX_EVENTS + 7 {
            tell(&list, "a", answered("token_service"));
        }
        let after = list.after(3, usize::MAX);
        assert!(after.has_gap && after.events.len() == MAX_EVENTS && after.events[0].number == 8);
        let after = list.after(500, 3);
        assert!(!after.has_gap);
        assert_eq!(after.events.iter().map(|event| event.number).collect::<Vec<_>>(), [501, 502, 503]);
        assert!(list.after(list.latest(), 9).events.is_empty());
        assert!(list.after(9_999, 9).has_gap, "a number of an earlier process");
        assert!(list.find(7).is_none() && list.find(8).is_some());
    }

    #[test]
    fn an_answer_of_the_gateway_is_listed_once() {
        let list = list();
        let step = ExchangeStep::ActivityAnswered { status: 200, reason: None, is_shared: false, took: TOOK };
        tell(&list, "a", step);
        tell(&list, "a", answered(GATEWAY));
        tell(&list, "b", answered(GATEWAY));
        let listed = list.after(0, 9).events;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[1].content["correlation_id"], "b");
        assert_eq!(listed[0].content["took_ms"], 12.3);
    }

    #[test]
    fn the_providers_number_of_an_error_is_another_one_than_the_events() {
        let list = list();
        let call = ProviderCall { provider: "entra", grant: "on_behalf_of" };
        let refused = ExchangeStep::ProviderAnswered {
            call,
            status: Some(400),
            error: Some("invalid_grant"),
            number: Some(65_001),
            took: TOOK,
        };
        tell(&list, "a", refused);
        let listed = list.find(1).unwrap();
        assert_eq!((&listed["number"], &listed["error_number"]), (&json!(1), &json!(65_001)));
    }

    #[test]
    fn what_a_client_has_chosen_is_cut_and_a_token_in_it_is_masked() {
        let list = list();
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln";
        let name = "x".repeat(5000);
        let activity = ArrivedActivity {
            caller: "channel",
            bot: "demo",
            channel: "webchat",
            conversation: token,
            activity_id: None,
            name: &name,
            connection: None,
        };
        tell(&list, "a", ExchangeStep::ActivityArrived { activity });
        let listed = list.find(1).unwrap();
        assert_eq!(listed["conversation"], "(token)");
        assert_eq!(listed["name"].as_str().unwrap().len(), 200);
        assert!(listed.get("connection").is_none());
    }
}
