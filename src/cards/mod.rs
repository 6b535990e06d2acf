//! Sign-ins that cards have offered: promises that were made to a user and are not yet kept.
//!
//! Owns their short lives, durably, since a promise outlives a restart. It deliberately knows neither what a card looks
//! like nor what happens when the promise is kept.

mod known_cards;
mod pending_sign_in;
mod pending_sign_ins;

#[cfg(test)]
mod pending_sign_ins_tests;

use std::time::Duration;

pub use pending_sign_in::{Ended, PendingSignIn, SignInOffer, StatedIdentity};
pub use pending_sign_ins::PendingSignIns;

/// How long a card whose link was followed is remembered: a browser that set out at the last moment has its own fifteen
/// minutes.
const HELD_FOR: Duration = Duration::from_mins(30);
