//! What an operator is told about a key set: how often it was fetched, and whether its publisher answers. This file adds
//! to [`KeySet`].

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::{FETCH_TIMEOUT, KeySet, KeySetSource};
use crate::observability::FetchCounts;

impl KeySet {
    /// Whether the publisher answers now. The answer is not used, and counts as no fetch: the interval between fetches
    /// belongs to the tokens that need a key. Not limited; ask seldom.
    pub async fn is_published(&self) -> bool {
        let (KeySetSource::Jwks(url) | KeySetSource::Metadata(url)) = &self.source;
        self.document(url, Instant::now() + FETCH_TIMEOUT).await.is_ok()
    }

    /// How often the keys were fetched.
    #[must_use]
    pub fn fetch_counts(&self) -> FetchCounts {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        FetchCounts { fetched: count(&self.fetched), failed: count(&self.failed) }
    }
}
