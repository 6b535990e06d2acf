//! What a record looks like in Redis: a header of fixed length in front of the sealed bytes. The scripts of this back end
//! read the header, too.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::domain::{RecordKey, Timestamp};
use crate::store::{Record, StoreError};

/// The version of the header, its first byte.
pub(super) const VERSION: u8 = b'1';
/// The digits of the time of expiry. The scripts read them as a decimal number.
const EXPIRY_DIGITS: usize = 16;
/// The latest time of expiry, in milliseconds: the scripts compute with 53 bits.
const MAX_EXPIRY: i64 = (1 << 53) - 1;
/// The bytes of the header: version, expiry, mark, whether there is an index, index.
pub(super) const HEADER_BYTES: usize = 1 + EXPIRY_DIGITS + 8 + 1 + 32;
/// How long the server keeps a record after its end, so that no clock of a replica is behind the server's tidying.
const SERVER_GRACE: Duration = Duration::from_hours(24);
/// A record that ends later than this many milliseconds from now has no end on the server.
const MAX_SERVER_LIFE_MILLIS: i64 = 100 * 365 * 24 * 3600 * 1000;
/// The number that stands for no mark. Marks are at most `i64::MAX`.
const NO_MARK: u64 = u64::MAX;

/// A record as the server keeps it.
pub(super) struct StoredValue {
    pub(super) expires_at: Timestamp,
    pub(super) mark: Option<u64>,
    pub(super) index: Option<RecordKey>,
    pub(super) value: Bytes,
}

impl StoredValue {
    /// Reads a stored value, or its header alone. An error says that another version of this program wrote it.
    pub(super) fn parse(stored: Bytes) -> Result<Self, StoreError> {
        Self::parse_known(stored).ok_or_else(|| {
            StoreError::Unavailable("a record has the format of another version of bot-sso; it is kept".to_owned())
        })
    }

    fn parse_known(mut stored: Bytes) -> Option<Self> {
        if stored.len() < HEADER_BYTES || stored.get_u8() != VERSION {
            return None;
        }
        let digits = stored.split_to(EXPIRY_DIGITS);
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let expires_at = Timestamp::from_unix_millis(std::str::from_utf8(&digits).ok()?.parse().ok()?);
        let mark = Some(stored.get_u64()).filter(|mark| *mark != NO_MARK);
        let is_listed = stored.get_u8() == 1;
        let mut index = [0; 32];
        stored.copy_to_slice(&mut index);
        Some(Self { expires_at, mark, index: is_listed.then_some(RecordKey(index)), value: stored })
    }
}

/// The bytes that the server keeps of `record`.
pub(super) fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + record.value.len());
    bytes.put_u8(VERSION);
    bytes.put_slice(format!("{:016}", kept_expiry(record.expires_at)).as_bytes());
    bytes.put_u64(record.mark.unwrap_or(NO_MARK));
    bytes.put_u8(u8::from(record.index.is_some()));
    bytes.put_slice(&record.index.map_or([0; 32], |index| index.0));
    bytes.put_slice(&record.value);
    bytes.into()
}

/// The time of expiry that is kept of a record, in milliseconds.
pub(super) fn kept_expiry(expires_at: Timestamp) -> i64 {
    expires_at.unix_millis().clamp(0, MAX_EXPIRY)
}

/// How long the server keeps a record that ends at `expires_at`, in milliseconds: 0 for a record that it keeps for ever, -1
/// for a record that has ended.
pub(super) fn server_life(expires_at: Timestamp, now: Timestamp) -> i64 {
    let left = expires_at.unix_millis().saturating_sub(now.unix_millis());
    let grace = i64::try_from(SERVER_GRACE.as_millis()).unwrap_or(i64::MAX);
    match left {
        ..=0 => -1,
        1..MAX_SERVER_LIFE_MILLIS => left + grace,
        _ => 0,
    }
}

/// The time before which an entry of an index is of no use to any replica.
pub(super) fn tidy_before(now: Timestamp) -> i64 {
    let grace = i64::try_from(SERVER_GRACE.as_millis()).unwrap_or(i64::MAX);
    now.unix_millis().saturating_sub(grace)
}

/// The names of the keys. The part in braces is what a cluster computes the slot from, so all keys of one name lie in
/// one slot.
pub(super) struct KeyNames {
    prefix: String,
}

impl KeyNames {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(super) fn record(&self, key: RecordKey) -> String {
        self.name(key, "")
    }

    pub(super) fn index(&self, index: RecordKey) -> String {
        self.name(index, "i")
    }

    pub(super) fn lease(&self, name: RecordKey) -> String {
        self.name(name, "l")
    }

    /// The number of the newest ticket of a lease.
    pub(super) fn tickets(&self, name: RecordKey) -> String {
        self.name(name, "t")
    }

    pub(super) fn count(&self, name: RecordKey) -> String {
        self.name(name, "c")
    }

    /// The set of all marks.
    pub(super) fn marks(&self) -> String {
        format!("{}marks", self.prefix)
    }

    /// The channel on which one process hears itself. `nonce` tells it from those of other processes.
    pub(super) fn echo(&self, nonce: &[u8]) -> String {
        format!("{}echo:{}", self.prefix, BASE64_URL_SAFE_NO_PAD.encode(nonce))
    }

    /// The channel on which changes are told.
    pub(super) fn changes(&self) -> String {
        format!("{}changes", self.prefix)
    }

    /// The pattern that the names of all records match, and names of other keys as well.
    pub(super) fn pattern(&self) -> String {
        let escaped: String = self.prefix.chars().flat_map(|char| ['\\', char]).collect();
        format!("{escaped}{{*}}")
    }

    /// The key of the record with the name `name`; `None` for another key.
    pub(super) fn parse_record(&self, name: &[u8]) -> Option<RecordKey> {
        let encoded = name.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b"{")?.strip_suffix(b"}")?;
        BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?.try_into().ok().map(RecordKey)
    }

    fn name(&self, key: RecordKey, kind: &str) -> String {
        format!("{}{{{}}}{kind}", self.prefix, BASE64_URL_SAFE_NO_PAD.encode(key.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Record> {
        let index = proptest::option::of(any::<[u8; 32]>());
        let mark = proptest::option::of(0..=u64::try_from(i64::MAX).unwrap());
        (proptest::collection::vec(any::<u8>(), 0..200), any::<i64>(), index, mark).prop_map(
            |(value, expires_at, index, mark)| Record {
                value: value.into(),
                expires_at: Timestamp::from_unix_millis(expires_at),
                index: index.map(RecordKey),
                mark,
            },
        )
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(record in records()) {
            let stored = StoredValue::parse(encode(&record).into()).unwrap();
            prop_assert_eq!(&stored.value, &record.value);
            prop_assert_eq!((stored.index, stored.mark), (record.index, record.mark));
            prop_assert_eq!(stored.expires_at.unix_millis(), record.expires_at.unix_millis().clamp(0, MAX_EXPIRY));
            let mut head = Bytes::from(encode(&record));
            head.truncate(HEADER_BYTES);
            let head = StoredValue::parse(head).unwrap();
            prop_assert_eq!((head.expires_at, head.index, head.mark), (stored.expires_at, record.index, record.mark));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(stored) = StoredValue::parse(bytes.clone().into()) {
                prop_assert_eq!(bytes[0], VERSION);
                prop_assert_eq!(stored.value.len() + HEADER_BYTES, bytes.len());
            }
        }

        #[test]
        fn a_shorter_record_or_one_of_another_version_is_refused(record in records(), length in 0..HEADER_BYTES) {
            let mut bytes = encode(&record);
            let mut shorter = bytes.clone();
            shorter.truncate(length);
            prop_assert!(StoredValue::parse(shorter.into()).is_err());
            bytes[0] += 1;
            prop_assert!(StoredValue::parse(bytes.into()).is_err());
        }

        #[test]
        fn the_server_keeps_a_record_for_longer_than_it_lives(expires_at: i64, now in 0..MAX_EXPIRY) {
            let (expires_at, now) = (Timestamp::from_unix_millis(expires_at), Timestamp::from_unix_millis(now));
            let left = expires_at.unix_millis().saturating_sub(now.unix_millis());
            match server_life(expires_at, now) {
                -1 => prop_assert!(left <= 0),
                0 => prop_assert!(left >= MAX_SERVER_LIFE_MILLIS),
                life => prop_assert!(life > left && left > 0),
            }
        }

        #[test]
        fn the_key_of_a_record_is_read_from_its_name_alone(prefix in "[^{}]{0,9}", key: [u8; 32]) {
            let (names, key) = (KeyNames::new(&prefix), RecordKey(key));
            prop_assert_eq!(names.parse_record(names.record(key).as_bytes()), Some(key));
            for other in [names.index(key), names.lease(key), names.tickets(key), names.count(key), names.marks()] {
                prop_assert_eq!(names.parse_record(other.as_bytes()), None);
            }
            prop_assert_eq!(KeyNames::new("other").parse_record(names.record(key).as_bytes()), None);
        }
    }
}
