//! The steps of one browser: *begin* (a card's link leads to the identity provider) → *callback* (the browser returns,
//! and its user is identified) → *complete* (the user confirms, unless the channel stated the same identity, and gets a
//! code for the chat).
//!
//! Owns the transitions between these steps. It deliberately knows neither pages nor cookies.

mod authorization_codes;
mod begin;
mod callback;
mod code_refusals;
mod complete;
mod failure;
mod held_codes;
mod hints;
mod provider_access;
mod provider_answer;
mod records;
mod redeemed_code;
mod returned_code;
mod review;
mod second_request;

#[cfg(test)]
mod authorization_codes_tests;
#[cfg(test)]
mod earlier_store_tests;

use std::sync::Arc;
use std::time::Duration;

use super::browser_sign_ins::{BrowserRecordLookup, BrowserSignIns};
use crate::cards::{PendingSignIn, PendingSignIns};
use crate::domain::{Bot, Connection, Entropy, NamedConnection, Registrations, Secret, TokenSlot, draw_256_bits};

pub(super) use begin::draw_verifier;
pub(super) use code_refusals::CodeRefusals;
pub(super) use provider_access::{ProviderRequest, ReturnedCode};
pub(super) use redeemed_code::RedeemedCode;

pub use authorization_codes::AuthorizationCodes;
pub use begin::SignInStart;
pub use callback::{NextStep, SignInReturn};
pub use complete::SignInCompletion;
pub use failure::{ProviderRefusal, SignInError, SignInFailure};
#[cfg(test)]
pub use hints::list_hints;
pub use provider_access::ProviderAccess;
pub use provider_answer::{ProviderAnswer, ProviderParameters};
pub use review::{Completion, DisplayNames, SignInReview, UserDecision};

/// The identity provider must answer within this time, because a browser waits for it.
pub(super) const PROVIDER_BUDGET: Duration = Duration::from_secs(10);

/// The running sign-ins of browsers and the cards that they belong to.
///
/// Only the browser that began a sign-in can take its next step, within fifteen minutes and not after the card has
/// ended. It may repeat each step, and then gets the same answer.
#[derive(Clone)]
pub struct BrowserFlow {
    cards: Arc<PendingSignIns>,
    browsers: Arc<BrowserSignIns>,
    registrations: Arc<Registrations>,
}

/// The secret that identifies a browser: 256 random bits that it keeps in a cookie.
#[derive(Clone, Debug)]
pub struct BrowserSecret(Secret);

impl BrowserSecret {
    /// Draws the secret of a new browser.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(draw_256_bits(entropy))
    }

    /// Reads the secret from a cookie. `None` if it does not have the form of a drawn secret.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_handle(text).then(|| Self(Secret::from(text)))
    }

    /// The secret, by which the browser's steps are found.
    pub(super) const fn secret(&self) -> &Secret {
        &self.0
    }

    /// The value for the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl<T> BrowserRecordLookup<T> {
    /// The step, if one is kept. Another browser's step is none of this browser's.
    pub(super) fn of_this_browser(self) -> Result<Option<T>, SignInError> {
        match self {
            Self::Step(step) => Ok(Some(step)),
            Self::OfAnotherBrowser => Err(SignInError::OtherBrowser),
            Self::Missing => Ok(None),
        }
    }
}

impl BrowserFlow {
    /// The flow of the sign-ins in `browsers` for `cards`, with the bots and connections in `registrations`.
    #[must_use]
    pub fn new(cards: Arc<PendingSignIns>, browsers: Arc<BrowserSignIns>, registrations: Arc<Registrations>) -> Self {
        Self { cards, browsers, registrations }
    }

    /// The running sign-ins, which those without a card share.
    #[must_use]
    pub const fn sign_ins(&self) -> &Arc<BrowserSignIns> {
        &self.browsers
    }

    /// Gets the card whose link the browser followed. Fails if the card has ended.
    async fn get_held_card(&self, card_id: &str) -> Result<PendingSignIn, SignInFailure> {
        Ok(self.cards.find_for_browser(card_id).await?.ok_or(SignInError::LinkUnknown)?)
    }

    fn find_bot(&self, card: &PendingSignIn) -> Option<&Arc<Bot>> {
        self.registrations.find_bot(card.account.holder.as_str())
    }

    fn find_connection(&self, card: &PendingSignIn) -> Option<&Arc<Connection>> {
        match self.registrations.find_connection(card.account.holder.as_str(), card.connection.as_str()) {
            NamedConnection::Exact(connection) => Some(connection),
            NamedConnection::OtherCase(_) | NamedConnection::Unknown => None,
        }
    }
}

/// Whether `text` has the form that [`draw_256_bits`] writes.
pub(super) fn is_handle(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn slot_for_card(card: &PendingSignIn) -> TokenSlot {
    TokenSlot::new(&card.account, &card.connection)
}
