//! The users' tokens, the pins that bind an account to a person, and the epochs that sign a person out everywhere.
//!
//! Owns the decision whether a kept token may still be handed out, and keeps memory and store consistent under
//! concurrent reads, writes and sign-outs. The room deliberately knows neither how a token is obtained or refreshed nor
//! which caller requests it.

mod account_pins;
mod changes;
mod deferrals;
mod elements;
mod epochs;
mod kept_token;
mod l1;
mod permit;
mod pins;
mod reads;
mod shared_writes;
mod slots;
mod token_vault;
mod user_tokens;
mod writes;

#[cfg(test)]
mod concurrency_tests;
#[cfg(test)]
mod replica_tests;
#[cfg(test)]
mod sign_out_tests;
#[cfg(test)]
mod token_vault_tests;
#[cfg(test)]
mod unstored_sign_out_tests;

pub use epochs::{Epoch, SignOutMark};
pub use kept_token::{CodeMark, KeptToken};
pub use permit::Permit;
pub use pins::ListedPin;
pub use slots::SlotGeneration;
pub use token_vault::{KeptRecord, RemovedTokens, TokenVault};
pub use user_tokens::ListedToken;

use crate::records::RecordError;

/// The reason why an operation of the vault failed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// After the permit was issued, the user was signed out, everywhere or of this connection. The token must not be
    /// used.
    #[error("the user was signed out before the token was kept")]
    SignedOut,
    /// Another write replaced the record first.
    #[error("another write replaced the record first")]
    RecordChanged,
    /// A record could not be written or read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The task of the write ended without an answer, since the process is shutting down or the task panicked. The record
    /// may or may not have been written.
    #[error("interrupted because the process is shutting down")]
    Interrupted,
}
