use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::task::{Poll, Waker};

use crate::inbound::ClientNetwork;
use futures_util::task::AtomicWaker;

/// A time in milliseconds of the table's clock, which the sweeper advances. 0 stands for "not".
pub(super) type Ticks = u64;

/// The body of the request that is being answered, as its head announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnnouncedBody {
    /// So many bytes; 0 for a request without a body.
    Length(u64),
    /// A body whose end is seen by the parser alone: chunks, or the bytes of another protocol after an upgrade.
    Open,
}

/// What is known of one connection. The connection's own task writes it, and the sweeper reads it from another thread.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: ClientNetwork,
    /// When bytes last came or went.
    last_activity: AtomicU64,
    /// Since when a request has been arriving, or a TLS handshake.
    arriving_since: AtomicU64,
    /// Since when bytes have been waiting to be written.
    unsent_since: AtomicU64,
    /// Since when the connection has been closing, because an answer has left a body unread.
    closing_since: AtomicU64,
    /// Requests that have been handed to the application and whose answers are not complete.
    under_way: AtomicU32,
    /// The announced length of the body; negative for a body without one.
    body: AtomicI64,
    /// Bytes that the parser has been given since the end of the last head.
    given: AtomicU64,
    /// Whether a request has had a body without an announced length. The parser may then have taken in a further request
    /// before the end of the body was known.
    had_open_body: AtomicBool,
    /// The connection ends: reads and writes fail.
    ended: AtomicBool,
    /// The stream holds bytes back until the answer under way is complete.
    holds_bytes: AtomicBool,
    waker: AtomicWaker,
}

/// A point in time after which a connection is ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) arrival: Ticks,
    pub(super) idle: Ticks,
    pub(super) write: Ticks,
    pub(super) linger: Ticks,
}

impl Connection {
    pub(super) fn new(client: ClientNetwork, now: Ticks) -> Self {
        Self {
            client,
            last_activity: AtomicU64::new(now),
            arriving_since: AtomicU64::new(now),
            unsent_since: AtomicU64::new(0),
            closing_since: AtomicU64::new(0),
            under_way: AtomicU32::new(0),
            body: AtomicI64::new(0),
            given: AtomicU64::new(0),
            had_open_body: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            holds_bytes: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Records that bytes of a client have arrived.
    pub(super) fn record_read(&self, now: Ticks) {
        self.last_activity.store(now, Ordering::Relaxed);
        if self.under_way() == 0 && self.arriving_since.load(Ordering::Relaxed) == 0 {
            self.arriving_since.store(now, Ordering::Relaxed);
        }
    }

    /// Records that bytes have been handed to the system.
    pub(super) fn record_write(&self, now: Ticks) {
        self.last_activity.store(now, Ordering::Relaxed);
    }

    /// Records since when bytes have been waiting to be written; 0 if none are.
    pub(super) fn record_unsent(&self, since: Ticks) {
        self.unsent_since.store(since, Ordering::Relaxed);
    }

    /// Records that the application answers a request from now on.
    pub(super) fn begin_request(&self, body: AnnouncedBody) {
        let length = match body {
            AnnouncedBody::Length(length) => i64::try_from(length).unwrap_or(i64::MAX),
            AnnouncedBody::Open => {
                self.had_open_body.store(true, Ordering::Relaxed);
                -1
            }
        };
        self.body.store(length, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.arriving_since.store(0, Ordering::Relaxed);
    }

    /// Records how many bytes the parser has been given since the end of the last head.
    pub(super) fn record_given(&self, bytes: u64) {
        self.given.store(bytes, Ordering::Relaxed);
    }

    /// Whether the parser has been given the whole body of the request that begins. `false` if that is not certain.
    pub(super) fn has_given_body(&self) -> bool {
        let length = u64::try_from(self.body.load(Ordering::Relaxed));
        let is_given = length.is_ok_and(|length| self.given.load(Ordering::Relaxed) >= length);
        is_given && !self.had_open_body.load(Ordering::Relaxed)
    }

    /// Records that the connection carries another protocol from now on, a WebSocket's, whose bytes hold no head of a
    /// request. The bytes that are kept back of a body without an announced length would end it.
    pub(super) fn follow_upgrade(&self) {
        self.body.store(i64::MAX, Ordering::Relaxed);
    }

    /// Records that an answer is complete, and wakes the stream if it waits for that.
    pub(super) fn end_request(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if self.holds_bytes.swap(false, Ordering::Relaxed) {
            self.waker.wake();
        }
    }

    /// Records that the stream holds bytes back until the answer under way is complete.
    pub(super) fn hold_bytes(&self) {
        self.holds_bytes.store(true, Ordering::Relaxed);
    }

    /// Ends the connection once its answer is written: what the client still sends is not wanted.
    pub(super) fn close_after_answer(&self, now: Ticks) {
        self.closing_since.store(now.max(1), Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing_since.load(Ordering::Relaxed) != 0
    }

    /// The body of the request that is being answered; `None` if none is.
    pub(super) fn answered_body(&self) -> Option<AnnouncedBody> {
        (self.under_way() > 0).then(|| {
            u64::try_from(self.body.load(Ordering::Relaxed)).map_or(AnnouncedBody::Open, AnnouncedBody::Length)
        })
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way() == 0
    }

    /// Since when bytes have been waiting because the client does not take them; `None` if none are.
    pub(super) fn unsent_since(&self) -> Option<Ticks> {
        Some(self.unsent_since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }

    pub(super) fn last_activity(&self) -> Ticks {
        self.last_activity.load(Ordering::Relaxed)
    }

    /// Ends the connection at once.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Resolves when the connection is ended by another task.
    pub(super) async fn wait_for_end(&self) {
        std::future::poll_fn(|context| {
            self.waker.register(context.waker());
            if self.is_ended() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The bound that the connection has passed at `now`; `None` if it keeps all of them.
    pub(super) fn find_passed_deadline(&self, now: Ticks, deadlines: &Deadlines) -> Option<&'static str> {
        let has_passed = |since: &AtomicU64, allowed: Ticks| {
            let since = since.load(Ordering::Relaxed);
            since != 0 && now.saturating_sub(since) > allowed
        };
        let has_unsent = self.unsent_since.load(Ordering::Relaxed) != 0;
        if !has_unsent && has_passed(&self.closing_since, deadlines.linger) {
            return Some("linger");
        }
        if has_passed(&self.unsent_since, deadlines.write) {
            return Some("write");
        }
        if self.is_idle() && has_passed(&self.arriving_since, deadlines.arrival) {
            return Some("arrival");
        }
        (self.is_idle() && has_passed(&self.last_activity, deadlines.idle)).then_some("idle")
    }

    /// Registers the connection's task, which is woken when the connection ends or may read again.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    fn under_way(&self) -> u32 {
        self.under_way.load(Ordering::Relaxed)
    }
}
