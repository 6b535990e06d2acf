//! Pending sign-ins: sign-in cards that a bot has sent and that the user has not answered yet.
//!
//! Owns the pending sign-ins from the moment a card is offered until it is answered, signed out or expired, and what
//! clients have reported that they could not do with a card. Both are kept in the store, so they survive a restart. The room deliberately knows neither what a card looks
//! like nor what happens after the user has signed in.

mod card_data;
mod client_failures;
mod known_cards;
mod pending_sign_in;
mod pending_sign_ins;
mod single_offers;

#[cfg(test)]
mod client_failures_tests;
#[cfg(test)]
mod pending_sign_ins_tests;
#[cfg(test)]
mod replica_tests;

use std::time::Duration;

pub use pending_sign_in::{FinishedCard, PendingSignIn, SignInOffer, StatedIdentity};
pub use pending_sign_ins::PendingSignIns;
pub use single_offers::ListedOffer;

/// How long the record of a card is kept after the offer if a browser has followed the card's link. The card can be
/// answered for fifteen minutes, and a browser that follows the link in the last minute has another fifteen minutes to
/// sign in.
const BROWSER_CARD_LIFETIME: Duration = Duration::from_mins(30);
