//! The way of one browser: *begin* (a card's link leads to the identity provider) → *callback* (it is back, and its user
//! is known) → *complete* (the user confirms, unless the channel has said who they are, and gets a code for the chat).
//!
//! Owns what each step may lead to. It deliberately knows neither pages nor cookies.

mod begin;
mod callback;
mod complete;
mod failure;
mod provider_access;
mod records;

#[cfg(test)]
mod earlier_store_tests;

use std::sync::Arc;
use std::time::Duration;

use super::browser_sign_ins::BrowserSignIns;
use crate::cards::{PendingSignIn, PendingSignIns};
use crate::domain::{Bot, Connection, Entropy, NamedConnection, Registrations, Secret, TokenSlot, draw_256_bits};

pub use begin::SignInStart;
pub use callback::{ProviderAnswer, SignInReturn};
pub use complete::{Completion, Names, Review, SignInCompletion};
pub use failure::{ProviderRefusal, SignInError, SignInFailure};
pub use provider_access::ProviderAccess;

/// A browser waits no longer than this for the identity provider.
const PROVIDER_BUDGET: Duration = Duration::from_secs(10);

/// The sign-ins that browsers have under way, and the cards that they are for.
///
/// Every step can be taken by that browser alone, once, within fifteen minutes, and none once the card has ended.
#[derive(Clone)]
pub struct BrowserFlow {
    cards: Arc<PendingSignIns>,
    browsers: Arc<BrowserSignIns>,
    registrations: Arc<Registrations>,
}

/// What a browser is recognised by: 256 bits that it keeps in a cookie.
#[derive(Clone, Debug)]
pub struct BrowserSecret(Secret);

impl BrowserSecret {
    /// A new browser's.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(draw_256_bits(entropy))
    }

    /// What a browser says; none if it is not of the form that we give out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_handle(text).then(|| Self(Secret::from(text)))
    }

    /// For the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl BrowserFlow {
    /// The flow of `browsers` for `cards`, of the bots and connections in `registrations`.
    #[must_use]
    pub fn new(cards: Arc<PendingSignIns>, browsers: Arc<BrowserSignIns>, registrations: Arc<Registrations>) -> Self {
        Self { cards, browsers, registrations }
    }

    /// The card that a browser has followed, unless it has ended.
    async fn held_card(&self, card_id: &str) -> Result<PendingSignIn, SignInFailure> {
        Ok(self.cards.find_held(card_id).await?.ok_or(SignInError::LinkUnknown)?)
    }

    fn bot_of(&self, card: &PendingSignIn) -> Option<&Arc<Bot>> {
        self.registrations.find_bot(card.account.holder.as_str())
    }

    fn connection_of(&self, card: &PendingSignIn) -> Option<&Arc<Connection>> {
        match self.registrations.find_connection(card.account.holder.as_str(), card.connection.as_str()) {
            NamedConnection::Exact(connection) => Some(connection),
            NamedConnection::OtherCase(_) | NamedConnection::Unknown => None,
        }
    }
}

/// A handle as [`draw_256_bits`] writes it.
fn is_handle(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn slot_of(card: &PendingSignIn) -> TokenSlot {
    TokenSlot::new(&card.account, &card.connection)
}
