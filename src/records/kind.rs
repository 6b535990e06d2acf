use std::time::Duration;

/// What the catalogue says of a kind of record.
#[derive(Debug)]
pub struct Kind {
    /// Names the records and is sealed into them. It never changes, since records are found and opened by it.
    pub purpose: &'static str,
    /// The room that reads and writes the records, and no other.
    pub holder: &'static str,
    /// When a record ends.
    pub life: Life,
    /// The version of the content that is written. Older versions are read, newer ones are refused.
    pub version: u8,
    /// Names the index that lists the records, if there is one. It never changes either.
    pub index: Option<&'static str>,
    /// Whether a [`RecordBinding`](super::RecordBinding) stands in front of the sealed bytes.
    pub bound: bool,
}

/// When a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// So long after it was written.
    Fixed(Duration),
    /// When the writer says so.
    SetByWriter,
    /// Not by itself: it stays until it is replaced or removed.
    UntilReplaced,
}

/// What a keyed digest is made for that is not the key of a record. Digests of different purposes cannot be compared.
#[derive(Debug)]
pub struct MacPurpose {
    /// Goes into the digest. It never changes where the digest is kept or sent.
    pub purpose: &'static str,
    /// The room that makes the digests.
    pub holder: &'static str,
}

impl Kind {
    /// A kind of the first version without index and binding.
    #[must_use]
    pub const fn new(purpose: &'static str, holder: &'static str, life: Life) -> Self {
        Self { purpose, holder, life, version: 1, index: None, bound: false }
    }

    /// The same kind, written in `version`.
    #[must_use]
    pub const fn version(self, version: u8) -> Self {
        Self { version, ..self }
    }

    /// The same kind, listed by the index of this purpose.
    #[must_use]
    pub const fn listed_by(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    /// The same kind with a binding in front of the sealed bytes.
    #[must_use]
    pub const fn bound(self) -> Self {
        Self { bound: true, ..self }
    }
}

impl MacPurpose {
    /// A purpose of digests that `holder` makes.
    #[must_use]
    pub const fn new(purpose: &'static str, holder: &'static str) -> Self {
        Self { purpose, holder }
    }
}
