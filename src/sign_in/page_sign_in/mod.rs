//! The sign-in that a page of an add-in or an app begins: *begin* (the browser is sent to the identity provider) →
//! *callback* (it returns, and the token of the person who signed in is kept at once).
//!
//! There is no chat: the account is the person who has signed in, so there is no card, no question and no code
//! (docs/architecture.md §A sign-in without a chat). Owns the two steps and what is kept between them. It deliberately
//! knows no page, no cookie, and none of the texts that a door seals into a sign-in to find its way back.

mod answer_limit;
mod begin;
mod callback;
mod needs;
mod records;
mod redemption;
mod request;

#[cfg(test)]
mod redemption_tests;

use std::sync::Arc;

use self::answer_limit::AnswerCounts;
use super::browser_sign_ins::BrowserSignIns;
use super::departures::Departures;
use super::flow::{AuthorizationCodes, BrowserSecret, ProviderAccess, SignInError, SignInFailure};
use super::signed_in_tokens::SignedInTokens;
use crate::domain::{ClockAndEntropy, Secret};
use crate::exchange::UserRates;
use crate::single_flight::SingleFlight;

pub use request::{
    AfterPageSignIn, NoteFuture, PageRealm, PageSignInDone, PageSignInFailure, PageSignInRequest, PageStep,
};

/// Signs users in for the pages of add-ins and apps.
///
/// Only the browser that began a sign-in can continue it, within fifteen minutes. It may repeat its return, and then gets
/// the same answer (docs/architecture.md §The same browser gets the same answer).
#[derive(Clone)]
pub struct PageSignIn {
    browsers: PageBrowsers,
    provider: ProviderAccess,
    tokens: SignedInTokens,
    codes: AuthorizationCodes,
    ambient: ClockAndEntropy,
    /// What the door adds to a sign-in that is complete.
    after: Option<Arc<dyn AfterPageSignIn>>,
    /// The returns that are under way, by the name of the browser's step.
    flights: Arc<SingleFlight<[u8; 32], Result<PageStep, SignInFailure>>>,
    departures: Departures,
    answers: AnswerCounts,
}

/// The running sign-ins of browsers, and the limit of each browser.
#[derive(Clone)]
pub struct PageBrowsers {
    /// Keeps what is needed until a browser returns.
    pub sign_ins: Arc<BrowserSignIns>,
    /// Limits how often a browser begins.
    pub rates: Arc<UserRates>,
}

impl PageSignIn {
    /// Begins the sign-ins of `browsers` at `provider`, and keeps their tokens in `tokens`. `codes` remembers what became of
    /// the codes that browsers bring.
    #[must_use]
    pub fn new(
        browsers: PageBrowsers,
        provider: ProviderAccess,
        tokens: SignedInTokens,
        codes: AuthorizationCodes,
        ambient: ClockAndEntropy,
    ) -> Self {
        Self {
            browsers,
            provider,
            tokens,
            codes,
            ambient,
            after: None,
            flights: Arc::default(),
            departures: Departures::new(),
            answers: answer_limit::count_no_answers(),
        }
    }

    /// The same sign-ins, with `after` to be run once for each that is complete.
    #[must_use]
    pub fn followed_by(self, after: Arc<dyn AfterPageSignIn>) -> Self {
        Self { after: Some(after), ..self }
    }

    fn name_step(&self, handle: &Secret, browser: &BrowserSecret) -> [u8; 32] {
        self.browsers.sign_ins.name_step(handle, browser.secret(), "")
    }

    fn next_handle(&self, handle: &Secret) -> Secret {
        self.browsers.sign_ins.derive_next_handle(handle)
    }
}

fn require_browser(browser: Option<&BrowserSecret>) -> Result<&BrowserSecret, SignInError> {
    browser.ok_or(SignInError::OtherBrowser)
}
