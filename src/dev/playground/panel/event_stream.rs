use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::event_list::{EventList, EventsAfter, ListedEvent};
use super::events::ReaderQuery;

/// How many events a reader gets at once; the rest waits in the list.
const BATCH: usize = 50;
/// How often a reader that gets no event gets a comment, so that one that has gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Answers `GET /playground/events/stream` with the events as they happen (server-sent events). A reader that was
/// interrupted goes on after the event that `Last-Event-ID` names, or `since` in the query.
pub(super) async fn open_stream(
    request: HttpRequest,
    query: Query<ReaderQuery>,
    events: Data<EventList>,
) -> HttpResponse {
    let Some(permit) = events.admit_reader() else {
        return HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "5")).finish();
    };
    let header = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let reader = Reader {
        last: header.or(query.since).unwrap_or(0),
        latest: events.watch(),
        events: events.into_inner(),
        waiting: VecDeque::new(),
        _permit: permit,
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .streaming(reader.into_stream())
}

/// A reader of the stream. It holds no more than one batch of events.
struct Reader {
    /// The number of the last event that it got.
    last: u64,
    latest: watch::Receiver<u64>,
    events: Arc<EventList>,
    waiting: VecDeque<ListedEvent>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        // The comment makes the client see at once that it is connected.
        let begin = stream::once(async { Ok(Bytes::from_static(b": events of the gateway\n\n")) });
        let events = stream::unfold(self, |mut reader| async move {
            let text = reader.next().await?;
            Some((Ok(Bytes::from(text)), reader))
        });
        begin.chain(events)
    }

    /// The next text of the stream; `None` if there will be no more events.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.last = event.number;
                return Some(format!("id: {}\ndata: {}\n\n", event.number, event.content));
            }
            // Before the list is read: what comes after that is noticed below.
            self.latest.mark_unchanged();
            let EventsAfter { events, has_gap } = self.events.after(self.last, BATCH);
            self.waiting = events.into();
            if has_gap && !self.waiting.is_empty() {
                return Some("event: gap\ndata: {}\n\n".to_owned());
            }
            if self.waiting.is_empty() {
                match tokio::time::timeout(SIGN_OF_LIFE, self.latest.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => return Some(":\n\n".to_owned()),
                }
            }
        }
    }
}
