use std::io;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Kind;

/// Eight bytes that stand readable in front of a sealed record, because what they say is needed to open it. The seal
/// covers them: a record opens with the binding that it was sealed with, and with no other.
pub type RecordBinding = [u8; 8];

/// What a record of one kind holds.
pub trait Content: Sized {
    /// The kind, as the catalogue has it.
    const KIND: &'static Kind;

    /// What the record is bound to beside its place. Asked for only if the kind is [bound](Kind::bound).
    fn binding(&self) -> RecordBinding {
        RecordBinding::default()
    }

    /// The plaintext in the kind's version. The buffer is wiped; it is sized beforehand, since a growing buffer would
    /// leave copies of its content in freed memory. `None` if the content cannot be written.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>>;

    /// Reads what this version or an earlier one has encoded. `None` for everything else: a record of a later version is
    /// not guessed at.
    fn decode(plain: Plaintext<'_>) -> Option<Self>;
}

/// An opened record that is about to be read.
#[derive(Clone, Copy)]
pub struct Plaintext<'a> {
    bytes: &'a [u8],
    binding: RecordBinding,
}

impl<'a> Plaintext<'a> {
    pub(super) fn new(bytes: &'a [u8], binding: RecordBinding) -> Self {
        Self { bytes, binding }
    }

    /// The bytes as they were encoded.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The first bytes and the rest; `None` if there are fewer.
    #[must_use]
    pub fn split_first_chunk<const BYTES: usize>(self) -> Option<(&'a [u8; BYTES], Self)> {
        let (first, rest) = self.bytes.split_first_chunk()?;
        Some((first, Self { bytes: rest, ..self }))
    }

    /// What the record is bound to; zeros if its kind is not bound.
    #[must_use]
    pub fn binding(self) -> RecordBinding {
        self.binding
    }

    /// Reads JSON. The version is the member `v`, which the first version does not have; one that is later than the
    /// `kind`'s is refused.
    #[must_use]
    pub fn json<T: Deserialize<'a>>(self, kind: &Kind) -> Option<T> {
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(default = "first")]
            v: u8,
        }
        const fn first() -> u8 {
            1
        }
        // A list has no members: it is of the first version.
        if self.bytes.first() == Some(&b'{') {
            let Versioned { v } = serde_json::from_slice(self.bytes).ok()?;
            if v > kind.version {
                return None;
            }
        }
        serde_json::from_slice(self.bytes).ok()
    }
}

/// Writes `plain` as JSON, in a buffer of exactly the length that it takes. From the second version on `plain` has a
/// member `v` that says which it is.
#[must_use]
pub fn encode_json(plain: &impl Serialize) -> Option<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, plain).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *bytes, plain).ok()?;
    Some(bytes)
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
