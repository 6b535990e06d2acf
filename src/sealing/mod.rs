//! Encryption of stored data: an AEAD envelope, keyed MACs for record names and codes, and the key ring for both.
//!
//! Owns the key material, the key file and the rotation of keys. The room deliberately knows neither what is sealed nor
//! where it is stored: a caller binds an envelope to its record by associated data.

mod envelope;
mod key_file;
mod key_ring;
mod key_text;
mod sealer;

use std::path::PathBuf;

pub use key_ring::{KeyMark, KeyRing};
pub use sealer::Sealer;

/// The reason why a key ring cannot be used. No variant contains text from the key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The text is not valid TOML, or its members are not those of a key ring.
    #[error("not a key ring: {problem}")]
    Malformed {
        /// The position and the kind of the problem, without text from the file.
        problem: String,
    },
    /// The key file cannot be read or written.
    #[error("key file {path}: {reason}")]
    File {
        /// The path of the key file.
        path: PathBuf,
        /// The error of the operating system.
        reason: std::io::Error,
    },
    /// Other users can read the key file ([`is_private`](crate::domain::is_private)).
    #[error("key file {path} can be read by others: run `chmod 600 {path}`")]
    Exposed {
        /// The path of the key file.
        path: PathBuf,
    },
    /// A new key file would overwrite an existing one.
    #[error("key file {path} exists: a new one would make everything sealed under it unreadable; rotate it instead")]
    Exists {
        /// The path of the key file.
        path: PathBuf,
    },
    /// The new key ring has another naming key, so no stored record would be found with it.
    #[error("the new key ring has another naming key: it belongs to another store")]
    OtherNamingKey,
    /// The new key ring lacks a sealing key of the current one, so some stored records could not be opened with it.
    #[error("the new key ring lacks sealing key {key_id} of the current one")]
    LostKey {
        /// The id of the key that is missing or different.
        key_id: u32,
    },
}

/// The reason why data could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The envelope names a key that the key ring does not contain.
    #[error(
        "sealed with key {key_id}, which the key ring lacks: was an old key removed, or another key file used? If another \
         replica has a newer key file, copy it here and send SIGHUP"
    )]
    UnknownKey {
        /// The id of the key that the envelope names.
        key_id: u32,
    },
    /// The envelope has a layout that this version does not know.
    #[error("sealed in layout {version}, which this version does not know")]
    UnknownLayout {
        /// The layout that the envelope names.
        version: u8,
    },
    /// The data is too short to be an envelope.
    #[error("too short to be a sealed record")]
    Truncated,
    /// The envelope was altered, or belongs to another record.
    #[error("a sealed record was altered, or was moved from another key")]
    NotAuthentic,
    /// The cipher refused to seal.
    #[error("the cipher refused to seal")]
    Refused,
}
