//! Which keys of the key ring have sealed the records of an earlier version, which recorded only the ids of keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Kind;
use super::catalogue::KINDS;
use super::collection::BINDING_BYTES;
use crate::sealing::{KeyMark, Sealer};
use crate::store::OlderRecord;

/// The ids of keys for which it is known whether the ring has the very key: those whose records it has tried to open.
pub(super) struct OlderKeys {
    sealer: Arc<Sealer>,
    /// Whether the ring's key with this id has opened a record.
    opened: Mutex<BTreeMap<u32, bool>>,
}

impl OlderKeys {
    /// `counted` are the marks of records that are counted already: they were written or opened with the marked keys.
    pub(super) fn new(sealer: Arc<Sealer>, counted: impl Iterator<Item = KeyMark>) -> Self {
        let opened = counted.filter(|mark| sealer.has_key(*mark)).map(|mark| (mark.key_id(), true)).collect();
        Self { sealer, opened: Mutex::new(opened) }
    }

    /// The marks of `older`; `None` if the ring lacks the key of a record, or its key with that id opens none of them.
    pub(super) fn find_marks(&self, older: &[OlderRecord]) -> Option<Vec<Option<u64>>> {
        let marks: Vec<Option<KeyMark>> =
            older.iter().map(|record| find_mark_in(&self.sealer, &record.value)).collect();
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        for mark in marks.iter().flatten() {
            let key_id = mark.key_id();
            if opened.get(&key_id) == Some(&true) {
                continue;
            }
            let of_key =
                older.iter().zip(&marks).filter(|(_, other)| other.is_some_and(|other| other.key_id() == key_id));
            let opens_one = self.sealer.has_key(*mark) && of_key.into_iter().any(|(record, _)| self.opens(record));
            opened.insert(key_id, opens_one);
            if !opens_one {
                return None;
            }
        }
        Some(marks.into_iter().map(|mark| mark.map(KeyMark::number)).collect())
    }

    /// Whether records with the key id were found and none of them opened.
    pub(super) fn is_unopened(&self, key_id: u32) -> bool {
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&key_id).copied();
        known.map_or(!self.sealer.has_key_id(key_id), |opened| !opened)
    }

    /// The kind of an older record is not stored beside it, so each is tried.
    fn opens(&self, record: &OlderRecord) -> bool {
        KINDS.into_iter().any(|kind| self.opens_as(kind, record))
    }

    fn opens_as(&self, kind: &Kind, record: &OlderRecord) -> bool {
        let (purpose, key) = (kind.purpose.as_bytes(), record.key.0.as_slice());
        let opened = if kind.bound {
            let Some((binding, envelope)) = record.value.split_at_checked(BINDING_BYTES) else { return false };
            self.sealer.open(&[purpose, key, binding], envelope)
        } else {
            self.sealer.open(&[purpose, key], &record.value)
        };
        opened.is_ok()
    }
}

/// The mark of a record of any kind. An envelope begins with its layout. A binding begins with the high byte of a
/// number of sign-outs, which is zero, so the two forms differ in their first byte.
pub(super) fn find_mark_in(sealer: &Sealer, value: &[u8]) -> Option<KeyMark> {
    sealer.find_mark(value).or_else(|| sealer.find_mark(value.get(BINDING_BYTES..)?))
}
