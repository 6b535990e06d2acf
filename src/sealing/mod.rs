//! Sealing what is kept: an AEAD envelope, keyed MACs for names and codes, and the ring of keys behind both.
//!
//! Owns key material, its file and its rotation. It deliberately knows neither what is sealed nor where it is kept:
//! callers bind an envelope to its place by associated data.

mod envelope;
mod key_file;
mod key_ring;
mod key_text;
mod sealer;

use std::path::PathBuf;

pub use key_ring::KeyRing;
pub use sealer::Sealer;

/// Why a key ring cannot be used. No variant holds anything that was read from the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The text is not TOML, or not a key ring.
    #[error("not a key ring: {problem}")]
    Malformed {
        /// Where and what, without content.
        problem: String,
    },
    /// The file cannot be read or written.
    #[error("key file {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: std::io::Error,
    },
    /// The file can be read by others than its owner.
    #[error("key file {path} can be read by others than its owner: run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A new key file would overwrite one that exists.
    #[error("key file {path} exists: a new one would make everything sealed under it unreadable; rotate it instead")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The ring to change to would rename every record.
    #[error("the new key ring has another naming key: it belongs to another store")]
    OtherNamingKey,
    /// The ring to change to cannot open what the present one has sealed.
    #[error("the new key ring lacks sealing key {key_id} of the present one")]
    LostKey {
        /// The missing (or different) key.
        key_id: u32,
    },
}

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The envelope names a key that the ring does not hold.
    #[error(
        "sealed under key {key_id}, which the key ring does not hold: was an old key removed, or another key file used?"
    )]
    UnknownKey {
        /// The key it names.
        key_id: u32,
    },
    /// The envelope has a layout that this version does not know.
    #[error("sealed in layout {version}, which this version does not know")]
    UnknownLayout {
        /// The layout it names.
        version: u8,
    },
    /// Too short to be an envelope.
    #[error("too short to be a sealed record")]
    Truncated,
    /// Altered, or moved from another place.
    #[error("a sealed record was altered or belongs elsewhere")]
    NotAuthentic,
    /// The cipher refused to seal.
    #[error("the cipher refused to seal")]
    Refused,
}
