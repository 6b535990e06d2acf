//! What was promised and not yet kept: sign-ins that a card has offered, those that a browser has under way and what they
//! must ask for, the markers that let an exchange go on once, and the claims challenges that wait for their user.
//!
//! Owns their short lives, durably, since the promise outlives a restart. It deliberately knows neither what
//! a card looks like nor what happens when the promise is kept.

mod browser_sign_ins;
mod claims_challenges;
mod continuations;
mod known_cards;
mod pending_sign_in;
mod pending_sign_ins;
mod sign_in_needs;

#[cfg(test)]
mod continuations_tests;
#[cfg(test)]
mod pending_sign_ins_tests;

use std::time::Duration;

pub use browser_sign_ins::{BrowserSignIns, BrowserStep, Found, draw_256_bits};
pub use claims_challenges::ClaimsChallenges;
pub use continuations::{Continuations, ExchangeKey};
pub use pending_sign_in::{Ended, NewPendingSignIn, PendingSignIn, StatedIdentity};
pub use pending_sign_ins::PendingSignIns;
pub use sign_in_needs::{SignInNeed, SignInNeeds};

use crate::sealing::SealError;
use crate::store::StoreError;

/// How long a promise stands: as long as a card may be answered, and its answer repeated (DESIGN §3, Dedup).
const LIFE: Duration = Duration::from_mins(15);
/// How long a card whose link was followed is remembered: a browser that set out at the last moment has its own fifteen
/// minutes.
const HELD_FOR: Duration = Duration::from_mins(30);

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
    #[error("a pending record is not readable by this version")]
    Unreadable,
}
