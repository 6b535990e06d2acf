use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::timeout;

use crate::records::{MacPurpose, Records};

/// How long an event waits for the count of all replicas. After that, the limit of its own replica alone decides.
const COUNT_PATIENCE: Duration = Duration::from_millis(500);

/// A rate limit that all replicas share. It stands behind a limit of the process, which decides first: this one counts what
/// each replica alone would allow. It allows a number of events in each window of time; windows begin at multiples of their
/// length.
///
/// Over an exclusive store it allows everything and counts nothing: the limit of the process is the whole limit.
pub struct SharedRate {
    /// The records of a shared store; `None` if the store is exclusive.
    records: Option<Records>,
    purpose: &'static MacPurpose,
    per_window: u64,
    window: Duration,
}

impl SharedRate {
    /// Allows `per_window` events in each `window`, for each name under `purpose`.
    #[must_use]
    pub fn new(records: &Records, purpose: &'static MacPurpose, per_window: NonZeroU32, window: Duration) -> Self {
        let records = records.replicas().is_some().then(|| records.clone());
        Self { records, purpose, per_window: u64::from(per_window.get()), window }
    }

    /// Whether other replicas count. If not, [`SharedRate::admits`] always says yes.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.records.is_some()
    }

    /// Counts an event of the name `parts`, and says whether all replicas together allow it. If the store fails or is slow,
    /// it is allowed: the limit of the process has allowed it.
    pub async fn admits(&self, parts: &[&[u8]]) -> bool {
        let Some(records) = &self.records else { return true };
        // A store that is silent would only cost the wait.
        if records.replicas().is_some_and(|replicas| replicas.is_store_silent()) {
            return true;
        }
        match timeout(COUNT_PATIENCE, records.count_in_window(self.purpose, parts, self.window)).await {
            Ok(Ok(count)) => count <= self.per_window,
            Ok(Err(error)) => {
                tracing::debug!(%error, "an event is limited by this replica alone: the store failed");
                true
            }
            Err(_) => {
                tracing::debug!("an event is limited by this replica alone: the store is slow");
                true
            }
        }
    }

    /// How long it takes until the next window begins.
    #[must_use]
    pub fn time_to_next_window(&self) -> Duration {
        let Some(records) = &self.records else { return Duration::ZERO };
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let passed = records.clock().now().unix_millis().rem_euclid(window);
        Duration::from_millis(u64::try_from(window - passed).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::records::catalogue::USER_RATE;
    use crate::records::testing::{throwaway_records, throwaway_replicas};

    const WINDOW: Duration = Duration::from_mins(1);

    fn rate(records: &Records) -> SharedRate {
        SharedRate::new(records, &USER_RATE, NonZeroU32::new(3).unwrap(), WINDOW)
    }

    #[tokio::test]
    async fn the_events_of_two_replicas_count_together_until_the_next_window() {
        let beneath = throwaway_replicas(2).await;
        let rates: Vec<SharedRate> = beneath.replicas.iter().map(rate).collect();
        // All events of the test lie in one window.
        beneath.advance(rates[0].time_to_next_window()).await;
        assert!(
            rates[0].admits(&[b"ada"]).await && rates[1].admits(&[b"ada"]).await && rates[0].admits(&[b"ada"]).await
        );
        assert!(!rates[1].admits(&[b"ada"]).await && !rates[0].admits(&[b"ada"]).await);
        assert!(rates[1].admits(&[b"ben"]).await, "another name");
        beneath.advance(WINDOW).await;
        assert!(rates[1].admits(&[b"ada"]).await);
    }

    #[tokio::test]
    async fn over_an_exclusive_store_nothing_is_counted() {
        let beneath = throwaway_records();
        let rate = rate(&beneath.records);
        for _ in 0..10 {
            assert!(rate.admits(&[b"ada"]).await);
        }
        assert!(!rate.is_shared() && rate.time_to_next_window().is_zero());
    }
}
