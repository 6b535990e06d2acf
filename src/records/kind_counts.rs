//! How many records of each kind the store holds. This file adds to [`Records`].

use std::collections::{BTreeMap, HashSet};

use super::collection::BINDING_BYTES;
use super::{Kind, RecordError, Records, catalogue};
use crate::domain::RecordKey;
use crate::store::RecordCursor;

/// Records that are read at once.
const PAGE: usize = 256;

/// A count of the records of each kind that is under way. The store does not know what it holds, so each record is opened to
/// learn its kind.
#[derive(Clone, Debug)]
pub struct KindCounts {
    counts: BTreeMap<&'static str, u64>,
    /// The indexes of the tokens: one for each person. The first bytes of a MAC are random, and two persons with the same ones
    /// would count as one.
    token_indexes: HashSet<u64>,
    listed_tokens: u64,
    unopened: u64,
    /// The kinds, those of the last records first: neighbours in the store are often of one kind.
    kinds: Vec<&'static Kind>,
    next: Option<RecordCursor>,
    is_complete: bool,
}

impl KindCounts {
    /// The records of each kind, by the kind's purpose. Kinds without a record are left out.
    #[must_use]
    pub const fn by_kind(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// The records of the kind `kind`.
    #[must_use]
    pub fn of(&self, kind: &Kind) -> u64 {
        self.counts.get(kind.purpose).copied().unwrap_or(0)
    }

    /// The tokens that are listed under a person. Beside them a shared store keeps fences of signed-out slots.
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        self.listed_tokens
    }

    /// The persons who have tokens.
    #[must_use]
    pub fn users_with_tokens(&self) -> usize {
        self.token_indexes.len()
    }

    /// The records whose kind this version of the program does not know, or whose sealing key is missing.
    #[must_use]
    pub const fn unopened(&self) -> u64 {
        self.unopened
    }

    /// Whether every record was counted.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn add(&mut self, kind_at: Option<usize>, index: Option<RecordKey>) {
        let Some(kind) = kind_at.and_then(|at| self.kinds.get(at).copied()) else {
            self.unopened += 1;
            return;
        };
        if let Some(at) = kind_at {
            self.kinds.swap(0, at);
        }
        *self.counts.entry(kind.purpose).or_default() += 1;
        if kind.purpose == catalogue::TOKEN.purpose
            && let Some(RecordKey(index)) = index
        {
            self.listed_tokens += 1;
            let mut first = [0; 8];
            first.iter_mut().zip(index).for_each(|(to, from)| *to = from);
            self.token_indexes.insert(u64::from_ne_bytes(first));
        }
    }
}

impl Default for KindCounts {
    fn default() -> Self {
        Self {
            counts: BTreeMap::new(),
            token_indexes: HashSet::new(),
            listed_tokens: 0,
            unopened: 0,
            kinds: catalogue::KINDS.to_vec(),
            next: None,
            is_complete: false,
        }
    }
}

impl Records {
    /// Counts the next records of the store. Call this until the count is complete. A record that is written, removed or replaced
    /// meanwhile may be counted or not, and a shared store may list a record twice.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails. The count goes on where it was.
    pub async fn count_next(&self, counts: &mut KindCounts) -> Result<(), RecordError> {
        let page = self.store.list_all(counts.next.clone(), PAGE).await?;
        for (key, record) in &page.records {
            let kind_at = counts.kinds.iter().position(|kind| self.is_of(kind, *key, &record.value));
            counts.add(kind_at, record.index);
        }
        counts.is_complete = page.next.is_none();
        counts.next = page.next;
        Ok(())
    }

    /// Whether `sealed` is the record `key` of this kind: the seal is bound to the kind's purpose.
    fn is_of(&self, kind: &Kind, key: RecordKey, sealed: &[u8]) -> bool {
        let purpose = kind.purpose.as_bytes();
        if !kind.bound {
            return self.sealer.open(&[purpose, &key.0], sealed).is_ok();
        }
        let bound = sealed.split_first_chunk::<BINDING_BYTES>();
        bound.is_some_and(|(binding, envelope)| self.sealer.open(&[purpose, &key.0, binding], envelope).is_ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::records::testing::{FIXTURES, records_of_fixture, throwaway_records};

    #[tokio::test]
    async fn every_record_of_an_earlier_versions_store_is_counted_under_its_kind() {
        for name in FIXTURES {
            let fixture = records_of_fixture(name);
            let all = fixture.records.store.list_all(None, usize::MAX).await.unwrap().records.len();
            let mut counts = KindCounts::default();
            while !counts.is_complete() {
                fixture.records.count_next(&mut counts).await.unwrap();
            }
            assert_eq!(counts.unopened(), 0, "{name}");
            assert_eq!(counts.by_kind().values().sum::<u64>(), all as u64, "{name}");
            assert_eq!(counts.tokens(), counts.of(&catalogue::TOKEN), "{name}");
            assert!(counts.users_with_tokens() > 0 && counts.users_with_tokens() as u64 <= counts.tokens(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_record_that_does_not_open_is_counted_apart() {
        let beneath = throwaway_records();
        beneath.overwrite(RecordKey([1; 32]), vec![1; 64].into()).await;
        let mut counts = KindCounts::default();
        beneath.records.count_next(&mut counts).await.unwrap();
        assert!(counts.is_complete() && counts.by_kind().is_empty() && counts.unopened() == 1);
    }
}
