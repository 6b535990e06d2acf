//! Which sealing keys the records of the store need. This file adds to [`Records`].

use std::sync::Arc;

use super::collection::BINDING_BYTES;
use super::{RecordError, Records};
use crate::sealing::{KeyMark, Sealer};

/// Older records that are looked at in one step; a writer waits for at most so many.
const STEP: usize = 512;

/// A sealing key that the key ring lacks although records are sealed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// The id of the key. The key ring may have another key with the same id.
    pub key_id: u32,
    /// The number of records that are sealed with the key and have not expired.
    pub records: u64,
}

impl Records {
    /// Lists the keys that records are sealed with and that the key ring lacks. The store counts the records of each
    /// key as they are written, so the cost does not depend on their number.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn list_missing_keys(&self) -> Result<Vec<MissingKey>, RecordError> {
        let mut missing = Vec::new();
        for mark in self.store.list_marks().await? {
            let key = KeyMark::from_number(mark);
            if self.sealer.has_key(key) {
                continue;
            }
            let records = self.store.count_marked(mark).await?;
            if records > 0 {
                missing.push(MissingKey { key_id: key.key_id(), records });
            }
        }
        Ok(missing)
    }

    /// Counts up to `limit` records of a store that an earlier version has written, which did not count them. Returns
    /// whether all are counted.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn count_older_records(&self, limit: usize) -> Result<bool, RecordError> {
        let sealer = Arc::clone(&self.sealer);
        let read = Arc::new(move |value: &[u8]| find_mark_in(&sealer, value).map(KeyMark::number));
        let mut left = limit;
        while left > 0 {
            let step = left.min(STEP);
            if self.store.mark_older(step, read.clone()).await? {
                return Ok(true);
            }
            left -= step;
        }
        Ok(false)
    }
}

/// The mark of a record of any kind. An envelope begins with its layout. A binding begins with the high byte of a
/// number of sign-outs, which is zero, so the two forms differ in their first byte.
fn find_mark_in(sealer: &Sealer, value: &[u8]) -> Option<KeyMark> {
    sealer.find_mark(value).or_else(|| sealer.find_mark(value.get(BINDING_BYTES..)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{SystemClock, SystemEntropy};
    use crate::records::testing::{FIXTURES, records_of_fixture};
    use crate::sealing::KeyRing;

    #[tokio::test]
    async fn records_of_an_earlier_version_are_counted_once_and_for_every_key() {
        for name in FIXTURES {
            let fixture = records_of_fixture(name);
            assert!(fixture.records.store.list_marks().await.unwrap().is_empty(), "{name}");
            while !fixture.records.count_older_records(1).await.unwrap() {}
            assert!(fixture.records.list_missing_keys().await.unwrap().is_empty(), "{name}: the ring has every key");

            let other = KeyRing::generate(&SystemClock, &SystemEntropy);
            let sealer = Arc::new(Sealer::new(other, Arc::new(SystemEntropy)));
            let clock = fixture.records.clock().clone();
            let missing = Records::new(fixture.records.store.clone(), sealer, clock).list_missing_keys().await.unwrap();
            assert!(missing.iter().all(|key| key.records > 0) && !missing.is_empty(), "{name}: {missing:?}");
        }
    }
}
