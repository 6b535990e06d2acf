use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use governor::nanos::Nanos;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

/// A point in time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The point `seconds` seconds after the Unix epoch; saturates.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The point as `2026-11-21T22:00:00Z` (RFC 3339), rounded down to seconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        time::OffsetDateTime::from_unix_timestamp(self.unix_seconds())
            .ok()
            .and_then(|moment| moment.format(&time::format_description::well_known::Rfc3339).ok())
            .unwrap_or_else(|| String::from("9999-12-31T23:59:59Z"))
    }

    /// This point moved later by `span`; saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This point moved earlier by `span`; saturates.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long until `later`; zero if it has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

/// The source of time. It is passed as a parameter so that tests can move the time.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// A monotonic time: it never goes back, even if the time of day is set back. It starts at its first use.
    fn elapsed(&self) -> Duration;
}

/// A clock shared by the whole process.
pub type SharedClock = Arc<dyn Clock>;

/// A [`Clock`] in the form that the rate limiters need. It reads [`Clock::elapsed`], so that setting the time of day
/// back blocks no caller. A test that moves the clock also moves the rate limiters.
#[derive(Clone)]
pub struct RateClock(SharedClock);

impl RateClock {
    /// Adapts `clock`.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self(clock)
    }
}

impl governor::clock::Clock for RateClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        let millis = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Timestamp(millis)
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn elapsed(&self) -> Duration {
        static BEGUN: OnceLock<Instant> = OnceLock::new();
        BEGUN.get_or_init(Instant::now).elapsed()
    }
}

/// The system's clock plus an offset, with which tests move the time forward.
#[derive(Debug, Default)]
pub struct OffsetClock {
    offset_millis: AtomicI64,
    set_back_millis: AtomicI64,
}

fn whole_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl OffsetClock {
    /// Moves this clock forward by `span`.
    pub fn advance(&self, span: Duration) {
        self.offset_millis.fetch_add(whole_millis(span), Ordering::SeqCst);
    }

    /// Sets the wall clock back by `span`, as an operator does whose clock was ahead. The elapsed time goes on.
    pub fn set_back(&self, span: Duration) {
        self.set_back_millis.fetch_add(whole_millis(span), Ordering::SeqCst);
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset_millis.load(Ordering::SeqCst) - self.set_back_millis.load(Ordering::SeqCst);
        Timestamp(SystemClock.now().0.saturating_add(offset))
    }

    fn elapsed(&self) -> Duration {
        let offset = u64::try_from(self.offset_millis.load(Ordering::SeqCst)).unwrap_or(0);
        SystemClock.elapsed().saturating_add(Duration::from_millis(offset))
    }
}

/// Waits for `work` until `deadline`; `None` if it takes longer. Unlike `tokio::time::timeout_at`, this makes no timer for work
/// that is complete at once, which most work on the shortest path of a request is.
pub const fn complete_by<F: Future>(deadline: tokio::time::Instant, work: F) -> CompleteBy<F> {
    CompleteBy { work, deadline, timer: None }
}

pin_project! {
    /// Work with a deadline, see [`complete_by`]. It is no async function, which would keep the work twice.
    #[derive(Debug)]
    #[must_use = "it does nothing unless it is awaited"]
    pub struct CompleteBy<F> {
        #[pin]
        work: F,
        deadline: tokio::time::Instant,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future> Future for CompleteBy<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(result) = this.work.poll(context) {
            return Poll::Ready(Some(result));
        }
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(*this.deadline)));
        timer.as_mut().poll(context).map(|()| None)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn work_that_is_not_complete_by_its_deadline_has_no_result() {
        let now = tokio::time::Instant::now();
        assert_eq!(complete_by(now, ready(1)).await, Some(1));
        let later = async {
            yield_now().await;
            2
        };
        assert_eq!(complete_by(now + Duration::from_hours(1), later).await, Some(2));
        assert_eq!(complete_by(now, pending::<()>()).await, None);
    }
}
