use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join_all;

use crate::domain::{Clock, RecordKey, Timestamp};
use crate::sealing::KeyMark;
use crate::store::{PutIfAbsent, Record, Store, StoreError};

/// Records that are read and written in one step. The embedded store commits at most 256 writes together.
const STEP: usize = 256;

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedRecords {
    /// Records that were written.
    pub written: u64,
    /// Records that the other store had already.
    pub present: u64,
    /// The records of both kinds by the id of the key that seals them; `None` for records without a mark.
    pub by_key: BTreeMap<Option<u32>, u64>,
    /// Live records that the other store does not list after the copy.
    pub missing: usize,
}

/// Whether `store` has no live record.
pub(super) async fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
    let mut after = None;
    loop {
        let page = store.list_all(after, STEP).await?;
        if !page.records.is_empty() {
            return Ok(false);
        }
        let Some(next) = page.next else { return Ok(true) };
        after = Some(next);
    }
}

/// Copies the live records of `from` to `to` with their ends and indexes, and looks whether they are all there.
pub(super) async fn copy_all(from: &dyn Store, to: &dyn Store, clock: &dyn Clock) -> Result<CopiedRecords, StoreError> {
    let (mut copied, mut ends) = (CopiedRecords::default(), HashMap::new());
    let mut after = None;
    loop {
        let page = from.list_all(after, STEP).await?;
        // A page may list a record that an earlier page has listed.
        let new: Vec<(RecordKey, Record)> =
            page.records.into_iter().filter(|(key, _)| !ends.contains_key(key)).collect();
        ends.extend(new.iter().map(|(key, record)| (*key, record.expires_at)));
        copied.write(new, to).await?;
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    copied.missing = count_missing(ends, to, clock).await?;
    Ok(copied)
}

impl CopiedRecords {
    async fn write(&mut self, records: Vec<(RecordKey, Record)>, to: &dyn Store) -> Result<(), StoreError> {
        let marks: Vec<Option<u64>> = records.iter().map(|(_, record)| record.mark).collect();
        let writes = records.into_iter().map(|(key, record)| to.put_if_absent(key, record));
        for (outcome, mark) in try_join_all(writes).await?.into_iter().zip(marks) {
            match outcome {
                PutIfAbsent::Written => self.written += 1,
                PutIfAbsent::Existing(_) => self.present += 1,
            }
            *self.by_key.entry(mark.map(|mark| KeyMark::from_number(mark).key_id())).or_default() += 1;
        }
        Ok(())
    }
}

/// How many of the records with these keys and ends `store` does not list although they have not ended.
async fn count_missing(
    mut ends: HashMap<RecordKey, Timestamp>,
    store: &dyn Store,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let mut after = None;
    loop {
        let page = store.list_all(after, STEP).await?;
        for (key, _) in &page.records {
            ends.remove(key);
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    let now = clock.now();
    Ok(ends.into_values().filter(|ends_at| *ends_at > now).count())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::store::testing::{redis_settings, redis_store, throwaway_store};

    fn record(ends_at: Timestamp, index: Option<RecordKey>) -> Record {
        Record { value: Bytes::from_static(b"sealed"), expires_at: ends_at, index, mark: Some(2 << 32) }
    }

    #[tokio::test]
    async fn a_copy_to_the_other_back_end_and_back_has_every_live_record_with_its_end_and_index() {
        let (first, last) = (throwaway_store(), throwaway_store());
        let now = first.clock.now();
        let index = RecordKey([255; 32]);
        for number in 0_u16..700 {
            let mut key = [0; 32];
            key[..2].copy_from_slice(&number.to_be_bytes());
            let end = now.plus(Duration::from_mins(1 + u64::from(number)));
            let listed = (number < 300).then_some(index);
            first.store.put(RecordKey(key), record(end, listed)).await.unwrap();
        }
        // The clocks go on meanwhile, so no record ends within the half minute before or after.
        let ten_have_ended = Duration::from_mins(10) + Duration::from_secs(30);
        first.clock.advance(ten_have_ended);
        last.clock.advance(ten_have_ended);
        let live = 700 - 10;

        let between = redis_store(&redis_settings(), first.shared_clock.clone()).await;
        assert!(is_empty(between.as_ref()).await.unwrap());
        let there = copy_all(first.store.as_ref(), between.as_ref(), first.clock.as_ref()).await.unwrap();
        assert_eq!((there.written, there.present, there.missing), (live, 0, 0));
        assert_eq!(there.by_key, BTreeMap::from([(Some(2), live)]));
        assert!(!is_empty(between.as_ref()).await.unwrap());
        let back = copy_all(between.as_ref(), last.store.as_ref(), last.clock.as_ref()).await.unwrap();
        assert_eq!((back.written, back.missing), (live, 0));
        let again = copy_all(between.as_ref(), last.store.as_ref(), last.clock.as_ref()).await.unwrap();
        assert_eq!((again.written, again.present), (0, live));

        assert_eq!(last.store.members(index, usize::MAX).await.unwrap().len(), 290);
        assert_eq!(last.store.count_marked(2 << 32).await.unwrap(), live);
        last.clock.advance(Duration::from_mins(100));
        assert_eq!(last.store.members(index, usize::MAX).await.unwrap().len(), 190, "each has kept its end");
    }
}
