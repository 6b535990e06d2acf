mod begin;
mod callback;
mod complete;
mod failure;
mod records;

#[cfg(test)]
mod earlier_store_tests;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::browser_sign_ins::BrowserSignIns;
use super::identification::IdTokenValidators;
use super::magic_code::MagicCodes;
use crate::cards::PendingSignIn;
use crate::domain::{Connection, Directory, Entropy, NamedConnection, Secret, TokenSlot, draw_256_bits};
use crate::exchange::ExchangeParts;

pub use callback::ProviderAnswer;
pub use complete::{Completion, Names, Review};
pub use failure::{ProviderRefusal, SignInError, SignInFailure};

/// A browser waits no longer than this for the identity provider.
const PROVIDER_BUDGET: Duration = Duration::from_secs(10);

/// What the flow works with.
pub struct FlowParts {
    /// Vault, cards, providers and the rest.
    pub exchange: ExchangeParts,
    /// Where browsers have got to.
    pub browsers: Arc<BrowserSignIns>,
    /// What proves that browser and chat are one person's.
    pub codes: Arc<MagicCodes>,
    /// Says who has signed in.
    pub id_tokens: Arc<IdTokenValidators>,
    /// Bots and connections.
    pub directory: Arc<Directory>,
    /// Where providers send browsers back to, letter by letter as registered there.
    pub redirect_uri: Url,
}

/// The way of one browser: *begin* (a card's link leads to the identity provider) → *callback* (it is back, and its user
/// is known) → *complete* (the user confirms, unless the channel has said who they are, and gets a code for the chat).
///
/// Every step can be taken by that browser alone, once, within fifteen minutes, and none once the card has ended.
pub struct SignInFlow {
    parts: FlowParts,
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

impl SignInFlow {
    /// A flow over these parts.
    #[must_use]
    pub fn new(parts: FlowParts) -> Self {
        Self { parts }
    }

    fn connection_of(&self, card: &PendingSignIn) -> Option<&Arc<Connection>> {
        match self.parts.directory.find_connection(card.account.holder.as_str(), card.connection.as_str()) {
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
