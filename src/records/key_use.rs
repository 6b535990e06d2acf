//! Which sealing keys the records of the store need. This file adds to [`Records`].

use std::sync::Arc;

use super::older_keys::{OlderKeys, find_mark_in};
use super::{RecordError, Records};
use crate::sealing::KeyMark;
use crate::store::Marking;

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

/// How far the records of an earlier version, which did not count them, are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OlderRecords {
    /// All of them are counted.
    Counted,
    /// There are more.
    MoreLeft,
    /// The key ring lacks the keys of some, or has other keys with the same ids. Nothing is recorded of these records, so
    /// a process with the right key ring goes on with them.
    Unopened(Vec<MissingKey>),
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

    /// Counts up to `limit` records of a store that an earlier version has written, which did not count them. A key of the
    /// ring counts as the key of such records only if it opens one of them, or if records are counted under the very key
    /// already, since another ring has keys with the same ids.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn count_older_records(&self, limit: usize) -> Result<OlderRecords, RecordError> {
        let marks = self.store.list_marks().await?.into_iter().map(KeyMark::from_number);
        let keys = Arc::new(OlderKeys::new(Arc::clone(&self.sealer), marks));
        let mut left = limit;
        while left > 0 {
            let step = left.min(STEP);
            let reader = Arc::clone(&keys);
            match self.store.mark_older(step, Arc::new(move |older| reader.find_marks(older))).await? {
                Marking::Complete => return Ok(OlderRecords::Counted),
                Marking::Incomplete => left -= step,
                Marking::Stopped => return self.count_unopened(&keys).await.map(OlderRecords::Unopened),
            }
        }
        Ok(OlderRecords::MoreLeft)
    }

    /// Counts all older records of the keys that `keys` could not open a record with.
    async fn count_unopened(&self, keys: &OlderKeys) -> Result<Vec<MissingKey>, RecordError> {
        let sealer = Arc::clone(&self.sealer);
        let read = move |value: &[u8]| find_mark_in(&sealer, value).map(|mark| u64::from(mark.key_id()));
        let mut missing = Vec::new();
        for (key_id, records) in self.store.count_older(Arc::new(read)).await? {
            let key_id = u32::try_from(key_id).unwrap_or(u32::MAX);
            if keys.is_unopened(key_id) {
                missing.push(MissingKey { key_id, records });
            }
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::domain::{SystemClock, SystemEntropy};
    use crate::records::testing::{FIXTURES, FixtureRecords, records_of_fixture};
    use crate::sealing::{KeyRing, Sealer};

    /// The fixture's store with the keys of `ring`.
    fn with_ring(fixture: &FixtureRecords, ring: KeyRing) -> Records {
        let sealer = Arc::new(Sealer::new(ring, Arc::new(SystemEntropy)));
        Records::new(fixture.records.store.clone(), sealer, fixture.records.clock().clone())
    }

    #[tokio::test]
    async fn records_of_an_earlier_version_are_counted_once_and_for_every_key() {
        for name in FIXTURES {
            let fixture = records_of_fixture(name);
            assert!(fixture.records.store.list_marks().await.unwrap().is_empty(), "{name}");
            while fixture.records.count_older_records(1).await.unwrap() != OlderRecords::Counted {}
            assert!(fixture.records.list_missing_keys().await.unwrap().is_empty(), "{name}: the ring has every key");

            let other = with_ring(&fixture, KeyRing::generate(&SystemClock, &SystemEntropy));
            let missing = other.list_missing_keys().await.unwrap();
            assert!(missing.iter().all(|key| key.records > 0) && !missing.is_empty(), "{name}: {missing:?}");
        }
    }

    #[tokio::test]
    async fn another_ring_is_refused_at_the_first_start_although_its_keys_have_the_ids_of_the_stores() {
        for name in FIXTURES {
            let fixture = records_of_fixture(name);
            // The fixture's records have the keys 1 and 2 at most.
            let other = KeyRing::generate(&SystemClock, &SystemEntropy).rotated(&SystemClock, &SystemEntropy);
            for limit in [1, 4096] {
                let OlderRecords::Unopened(missing) =
                    with_ring(&fixture, other.clone()).count_older_records(limit).await.unwrap()
                else {
                    panic!("{name}: another ring is taken for the store's")
                };
                assert!(missing.iter().all(|key| key.key_id <= 2 && key.records > 0), "{name}: {missing:?}");
                assert!(!missing.is_empty(), "{name}");
            }
            assert_eq!(fixture.records.count_older_records(4096).await.unwrap(), OlderRecords::Counted, "{name}");
            assert!(
                fixture.records.list_missing_keys().await.unwrap().is_empty(),
                "{name}: the right ring works again"
            );
        }
    }

    #[tokio::test]
    async fn a_ring_that_lacks_the_key_leaves_no_trace_for_the_right_one() {
        for name in FIXTURES {
            let fixture = records_of_fixture(name);
            let mut other = KeyRing::generate(&SystemClock, &SystemEntropy);
            other = other.rotated(&SystemClock, &SystemEntropy).rotated(&SystemClock, &SystemEntropy);
            other = other.without_older_keys();
            let refused = with_ring(&fixture, other).count_older_records(4096).await.unwrap();
            assert!(matches!(refused, OlderRecords::Unopened(_)), "{name}: {refused:?}");
            assert_eq!(fixture.records.count_older_records(4096).await.unwrap(), OlderRecords::Counted, "{name}");
            assert!(fixture.records.list_missing_keys().await.unwrap().is_empty(), "{name}");
        }
    }
}
