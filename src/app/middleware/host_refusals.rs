use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::domain::{RateClock, SharedClock};
use crate::inbound::{Problem, RequestId, TrustedProxies};
use crate::observability::{AuditEntry, AuditEvent, to_log_text};

/// There is at most one line about requests for other hosts in this time: a page of a browser may send thousands.
const LINE_PAUSE: Duration = Duration::from_mins(1);
/// The characters of a host that the log shows.
const MAX_HOST_CHARS: usize = 80;

/// Tells the operator of requests that name a host under which a listener does not answer.
pub(in crate::app) struct HostRefusals {
    /// The listener, by its label in the metrics.
    listener: &'static str,
    lines: RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<Nanos>>,
    /// The refusals since the last line.
    unreported: AtomicUsize,
}

impl HostRefusals {
    /// The refusals of `listener`, of which there are none yet.
    pub(in crate::app) fn new(listener: &'static str, clock: SharedClock) -> Self {
        let quota = Quota::with_period(LINE_PAUSE).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let lines = RateLimiter::direct_with_clock(quota, RateClock::new(clock));
        Self { listener, lines, unreported: AtomicUsize::new(0) }
    }

    /// Counts the refusal of `request`, and writes a line to the log and one to the audit stream if none was written in
    /// the last minute. The audit stream takes no text from outside, so the log alone says which host it was.
    pub(super) fn report(&self, request: &HttpRequest) {
        self.unreported.fetch_add(1, Ordering::Relaxed);
        if self.lines.check().is_err() {
            return;
        }
        let (event, requests) = (AuditEvent::HostNotAllowed, self.unreported.swap(0, Ordering::Relaxed));
        let (correlation_id, client) = (RequestId::find(request), TrustedProxies::client_address(request));
        let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        tracing::warn!(
            correlation_id,
            code = Problem::HostNotAllowed.code(),
            listener = self.listener,
            client = client.map_or_else(|| "unknown".to_owned(), |client| client.to_string()),
            seen = host.map(|host| to_log_text(host, MAX_HOST_CHARS)),
            requests,
            hint = "a web page may try to reach this listener by a name of its own; if it is a tunnel or a proxy of yours, list \
                    the name in operations.hosts",
            security = event.is_security(),
            "a request for another host was refused"
        );
        let entry = AuditEntry::new(event).correlation_id(&correlation_id).client(client);
        entry.detail(self.listener).count(requests).write();
    }
}
