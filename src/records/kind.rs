use std::time::Duration;

/// The properties of one kind of record.
#[derive(Debug)]
pub struct Kind {
    /// A text that goes into the keys of the records and into their seal. It must never change, because stored records
    /// could then neither be found nor opened.
    pub purpose: &'static str,
    /// The only room that reads and writes the records.
    pub holder: &'static str,
    /// The lifetime of a record.
    pub lifetime: Lifetime,
    /// The version of the content that this program writes. It reads older versions and refuses newer ones.
    pub version: u8,
    /// A text that goes into the keys of the index that lists the records, if there is one. It must never change.
    pub index: Option<&'static str>,
    /// Whether a [`RecordBinding`](super::RecordBinding) precedes the sealed bytes.
    pub bound: bool,
}

/// The lifetime of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The record expires this long after it was written.
    Fixed(Duration),
    /// The writer sets the time of expiry of each record.
    SetByWriter,
    /// The record does not expire; it stays until it is replaced or removed.
    UntilReplaced,
}

/// The purpose of a keyed digest that is not the key of a record. The digests of different purposes are unrelated.
#[derive(Debug)]
pub struct MacPurpose {
    /// A text that goes into the digest. It must not change if the digest is stored or sent.
    pub purpose: &'static str,
    /// The only room that computes the digests.
    pub holder: &'static str,
}

impl Kind {
    /// Makes a kind of version 1 without index and binding.
    #[must_use]
    pub const fn new(purpose: &'static str, holder: &'static str, lifetime: Lifetime) -> Self {
        Self { purpose, holder, lifetime, version: 1, index: None, bound: false }
    }

    /// Sets the version of the content.
    #[must_use]
    pub const fn version(self, version: u8) -> Self {
        Self { version, ..self }
    }

    /// Gives the kind an index with the purpose `index`.
    #[must_use]
    pub const fn listed_by(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Adds a binding in front of the sealed bytes.
    #[must_use]
    pub const fn bound(self) -> Self {
        Self { bound: true, ..self }
    }
}

impl MacPurpose {
    /// Makes a purpose of digests that `holder` computes.
    #[must_use]
    pub const fn new(purpose: &'static str, holder: &'static str) -> Self {
        Self { purpose, holder }
    }
}
