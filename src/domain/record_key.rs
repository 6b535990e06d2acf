use std::hash::{Hash, Hasher};

use super::quick_hashing::hash_mac;

/// The name of a record or of an index in the store: a keyed MAC over length-prefixed parts. A reader of the store
/// therefore learns no ids from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey(pub [u8; 32]);

impl Hash for RecordKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_mac(&self.0, state);
    }
}

impl std::fmt::Debug for RecordKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RecordKey(..)")
    }
}
