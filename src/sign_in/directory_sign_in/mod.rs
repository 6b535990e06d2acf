//! The sign-in of a directory's user at another identity provider: *begin* (the browser is sent there) → *callback* (it returns,
//! and the person who signed in is known).
//!
//! Owns the two steps and what is kept between them. The provider's tokens say who the person is and are dropped. It deliberately
//! knows no user of a directory, no session, no page, and none of the texts that a door seals into a sign-in.

mod begin;
mod callback;
mod records;
mod redemption;
mod request;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::departures::Departures;
use super::flow::{BrowserSecret, CodeRefusals, ProviderAccess, SignInFailure};
use super::page_sign_in::PageBrowsers;
use crate::domain::{Account, ClockAndEntropy, Connection, Realm, Secret, SubjectId};
use crate::exchange::TokenRevocation;
use crate::single_flight::SingleFlight;
use crate::vault::TokenVault;

pub use request::{IdentifiedAtProvider, LoginAtProvider};

/// Identifies users of directories at other identity providers.
///
/// Only the browser that began a sign-in can continue it, within fifteen minutes. It may repeat its return, and then gets
/// the same answer (docs/architecture.md §The same browser gets the same answer).
#[derive(Clone)]
pub struct DirectorySignIn {
    browsers: PageBrowsers,
    provider: ProviderAccess,
    /// Knows who was signed out everywhere.
    vault: Arc<TokenVault>,
    revocation: TokenRevocation,
    ambient: ClockAndEntropy,
    /// The returns that are under way, by the name of the browser's step.
    flights: Arc<SingleFlight<[u8; 32], Result<IdentifiedAtProvider, SignInFailure>>>,
    departures: Departures,
    /// The refusals of codes, for a browser whose return several replicas get; `None` over an exclusive store.
    refusals: Option<CodeRefusals>,
}

impl DirectorySignIn {
    /// Begins the sign-ins of `browsers` at `provider`. `vault` knows who was signed out, and `revocation` ends refresh tokens that
    /// a provider issues without need.
    #[must_use]
    pub fn new(
        browsers: PageBrowsers,
        provider: ProviderAccess,
        vault: Arc<TokenVault>,
        revocation: TokenRevocation,
        ambient: ClockAndEntropy,
    ) -> Self {
        let (flights, departures) = (Arc::default(), Departures::new());
        let refusals = browsers.sign_ins.is_shared().then(|| CodeRefusals::new(&browsers.sign_ins.records));
        Self { browsers, provider, vault, revocation, ambient, flights, departures, refusals }
    }

    fn name_step(&self, handle: &Secret, browser: &BrowserSecret) -> [u8; 32] {
        self.browsers.sign_ins.name_step(handle, browser.secret(), "")
    }

    /// The account of `browser` at `connection`, by which a provider's throttle counts.
    fn account_of_browser(&self, connection: &Connection, browser: &BrowserSecret) -> Account {
        let name = self.browsers.sign_ins.name_step(&Secret::from(""), browser.secret(), "account");
        account_without_person(connection, &format!("browser/{}", URL_SAFE_NO_PAD.encode(name)))
    }

    fn next_handle(&self, handle: &Secret) -> Secret {
        self.browsers.sign_ins.derive_next_handle(handle)
    }
}

/// The account by which the attempts of a browser at `connection` are counted; that of all browsers with an empty `name`.
fn account_without_person(connection: &Connection, name: &str) -> Account {
    Account { realm: Realm::Directory, holder: connection.holder.clone(), subject: SubjectId::new(name) }
}
