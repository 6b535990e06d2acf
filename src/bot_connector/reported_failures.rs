use std::convert::Infallible;
use std::sync::Arc;

use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use crate::domain::ExchangeKey;
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};

/// Reports that are remembered at the same time in memory.
const MAX_REMEMBERED_REPORTS: usize = 4096;

/// The reports of clients that could not sign in silently, as far as bots were told of them. A channel that repeats a request
/// sends the same report. Over an exclusive store they are kept in memory alone; over a shared store a report is claimed
/// there, because its repetition may reach another replica.
#[derive(Clone)]
pub struct ReportedFailures {
    remembered: Arc<Cache<ExchangeKey, ()>>,
    /// `None` over an exclusive store.
    claims: Option<Collection<ReportMarker>>,
}

/// The empty content of a claim: the existence of the record is the claim.
struct ReportMarker;

impl Content for ReportMarker {
    const KIND: &'static Kind = &catalogue::REPORTED_FAILURE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::default())
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().is_empty().then_some(Self)
    }
}

impl ReportedFailures {
    /// Claims reports in `records`, if other processes use them.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        let claims = records.replicas().map(|_| Collection::new(records));
        Self { remembered: Arc::new(Cache::new(MAX_REMEMBERED_REPORTS)), claims }
    }

    /// Claims `report`. Returns `true` to one caller, who tells the bot. If the store fails, what this process remembers
    /// decides: a bot that is not told of the failure lets its user wait.
    pub async fn claim(&self, report: ExchangeKey) -> bool {
        if !self.remember(report) {
            return false;
        }
        let Some(claims) = &self.claims else { return true };
        claim_among_replicas(claims, report).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a bot may be told twice of a client's failure: the store failed");
            true
        })
    }

    /// Remembers `report`. Returns true to the first caller.
    fn remember(&self, report: ExchangeKey) -> bool {
        let mut is_new = false;
        let remembered = self.remembered.get_or_insert_with(&report, || {
            is_new = true;
            Ok::<(), Infallible>(())
        });
        remembered.is_ok() && is_new
    }
}

async fn claim_among_replicas(claims: &Collection<ReportMarker>, report: ExchangeKey) -> Result<bool, RecordError> {
    let claim = claims.seal(claims.key(&[&report.0]), &ReportMarker)?;
    Ok(claims.put_if_absent(claim).await?.is_none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::records::testing::{GatedStore, throwaway_records, throwaway_replicas};

    #[tokio::test]
    async fn one_of_two_replicas_tells_the_bot_of_a_report_that_reaches_both() {
        let shared = throwaway_replicas(2).await;
        let [one, other] = [0, 1].map(|replica| ReportedFailures::new(&shared.replicas[replica]));
        let report = ExchangeKey([1; 32]);
        assert!(one.claim(report).await);
        assert!(!other.claim(report).await && !one.claim(report).await);
        assert!(other.claim(ExchangeKey([2; 32])).await, "another report");
    }

    #[tokio::test]
    async fn a_report_is_told_although_the_store_fails() {
        let beneath = throwaway_records();
        let store = GatedStore::shared_with_others(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        let reported = ReportedFailures::new(&records);
        store.claims_fail.store(true, Ordering::SeqCst);
        assert!(reported.claim(ExchangeKey([1; 32])).await);
        assert!(!reported.claim(ExchangeKey([1; 32])).await);
    }

    #[tokio::test]
    async fn nothing_is_written_over_an_exclusive_store() {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        store.claims_fail.store(true, Ordering::SeqCst);
        let reported = ReportedFailures::new(&records);
        assert!(reported.claims.is_none() && reported.claim(ExchangeKey([1; 32])).await);
        assert!(!reported.claim(ExchangeKey([1; 32])).await);
    }
}
