//! What was promised and not yet kept: sign-ins that a card has offered, and the markers that let an exchange go on once.
//!
//! Owns their life of fifteen minutes, durably, since the promise outlives a restart. It deliberately knows neither what
//! a card looks like nor what happens when the promise is kept.

mod continuations;
mod known_cards;
mod pending_sign_ins;

#[cfg(test)]
mod continuations_tests;
#[cfg(test)]
mod pending_sign_ins_tests;

use std::time::Duration;

pub use continuations::{Continuations, ExchangeKey};
pub use pending_sign_ins::{Ended, NewPendingSignIn, PendingSignIn, PendingSignIns};

use crate::sealing::SealError;
use crate::store::StoreError;

/// How long a promise stands: as long as a card may be answered, and its answer repeated (DESIGN §3, Dedup).
const LIFE: Duration = Duration::from_mins(15);

/// Why a promise could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A record opened, but holds what this version cannot read.
    #[error("a pending sign-in is not readable by this version")]
    Unreadable,
}
