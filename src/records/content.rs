use std::io;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Kind;

/// Eight unsealed bytes in front of a sealed record, which must be readable before the record is opened. The seal
/// covers them, so a record with changed binding bytes does not open.
pub type RecordBinding = [u8; 8];

/// The content of a record of one kind.
pub trait Content: Sized {
    /// The entry of the catalogue for this content.
    const KIND: &'static Kind;

    /// The binding of the record. Called only if the kind is [bound](Kind::bound).
    fn binding(&self) -> RecordBinding {
        RecordBinding::default()
    }

    /// Writes the plaintext in the kind's version. The buffer is wiped when it is dropped. Its capacity must be
    /// reserved in advance, because a growing buffer would leave copies of the content in freed memory. `None` if the
    /// content cannot be written.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>>;

    /// Reads a plaintext that this version or an earlier one has written. `None` for any other plaintext, including one
    /// of a later version.
    fn decode(plain: Plaintext<'_>) -> Option<Self>;
}

/// The plaintext and the binding of an opened record.
#[derive(Clone, Copy)]
pub struct Plaintext<'a> {
    bytes: &'a [u8],
    binding: RecordBinding,
}

impl<'a> Plaintext<'a> {
    pub(super) fn new(bytes: &'a [u8], binding: RecordBinding) -> Self {
        Self { bytes, binding }
    }

    /// The bytes that [`Content::encode`] wrote.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Splits off the first `BYTES` bytes; `None` if there are fewer.
    #[must_use]
    pub fn split_first_chunk<const BYTES: usize>(self) -> Option<(&'a [u8; BYTES], Self)> {
        let (first, rest) = self.bytes.split_first_chunk()?;
        Some((first, Self { bytes: rest, ..self }))
    }

    /// The binding of the record; zeros if its kind is not bound.
    #[must_use]
    pub fn binding(self) -> RecordBinding {
        self.binding
    }

    /// Reads JSON. The version is the member `v`; content of version 1 has no such member. Returns `None` if the
    /// version is later than the version of `kind`.
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
        // A JSON list has no member `v`, so it is content of version 1.
        if self.bytes.first() == Some(&b'{') {
            let Versioned { v } = serde_json::from_slice(self.bytes).ok()?;
            if v > kind.version {
                return None;
            }
        }
        serde_json::from_slice(self.bytes).ok()
    }
}

/// Writes `plain` as JSON. From version 2 on, `plain` must have a member `v` with the version.
#[must_use]
pub fn encode_json(plain: &impl Serialize) -> Option<Zeroizing<Vec<u8>>> {
    let mut buffer = WipedBuffer(Zeroizing::new(Vec::with_capacity(USUAL_JSON_BYTES)));
    serde_json::to_writer(&mut buffer, plain).ok()?;
    Some(buffer.0)
}

/// Room for most contents that are written as JSON.
const USUAL_JSON_BYTES: usize = 512;

/// A buffer that leaves no copy of its content in freed memory when it grows.
struct WipedBuffer(Zeroizing<Vec<u8>>);

impl io::Write for WipedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            // The smaller buffer is wiped here.
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn content_of_any_size_is_written_whole() {
        for length in [0, 1, USUAL_JSON_BYTES - 2, USUAL_JSON_BYTES - 1, USUAL_JSON_BYTES, 100_000] {
            let texts = ["x".repeat(length), "\n".repeat(length)];
            assert_eq!(*encode_json(&texts).unwrap(), serde_json::to_vec(&texts).unwrap());
        }
    }
}
