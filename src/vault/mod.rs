//! The users' tokens: typed, sealed, expiry-aware; the epochs that sign a user out everywhere; the pins that join a
//! channel's account to a person.
//!
//! Owns which token may still be handed out, and that memory and store agree whatever happens at the same time. It
//! deliberately knows neither how a token is obtained or refreshed nor who asks for it.

mod epochs;
mod kept_token;
mod l1;
mod permit;
mod pins;
mod slot_generations;
mod slot_names;
mod token_vault;
mod writes;

#[cfg(test)]
mod concurrency_tests;
#[cfg(test)]
mod sign_out_tests;
#[cfg(test)]
mod token_vault_tests;

pub use epochs::Epoch;
pub use kept_token::KeptToken;
pub use permit::Permit;
pub use slot_generations::SlotGeneration;
pub use token_vault::{KeptRecord, TokenVault};

use crate::records::RecordError;

/// Why the vault could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The user was signed out, everywhere or of this connection, after the permit was drawn: the token must not be used.
    #[error("the user was signed out meanwhile")]
    SignedOut,
    /// Something else lies there meanwhile.
    #[error("another write came first")]
    Overtaken,
    /// A record could not be written or read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The process is shutting down.
    #[error("interrupted by the end of the process")]
    Interrupted,
}
