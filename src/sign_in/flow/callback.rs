use std::sync::Arc;

use url::Url;

use super::authorization_codes::AuthorizationCodes;
use super::provider_answer::ProviderAnswer;
use super::records::{AtProvider, Completed, Identified};
use super::redeemed_code::Arrival;
use super::{BrowserFlow, BrowserSecret, ProviderAccess, SignInError, SignInFailure, is_handle, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::{ClockAndEntropy, Connection, Secret};
use crate::sign_in::SignedInTokens;
use crate::single_flight::SingleFlight;

/// Where a browser that has returned goes next.
#[derive(Debug)]
pub enum NextStep {
    /// To the last step, which has this handle.
    Review(Secret),
    /// To the identity provider again, at this URL.
    Provider(Url),
}

/// The second step: the browser returns from the identity provider.
///
/// The browser that began the sign-in may return several times (docs/architecture.md §The same browser gets the same
/// answer). A code is redeemed once, in a task of its own; afterwards the browser gets the same next handle. An outage
/// between the redemption and the next step loses nothing.
#[derive(Clone)]
pub struct SignInReturn {
    pub(super) flow: BrowserFlow,
    pub(super) provider: ProviderAccess,
    pub(super) tokens: SignedInTokens,
    pub(super) ambient: ClockAndEntropy,
    /// The redemptions that are under way, by the name of the browser's step.
    pub(super) flights: Arc<SingleFlight<[u8; 32], Result<Secret, SignInFailure>>>,
    /// What became of the codes that were redeemed.
    pub(super) codes: AuthorizationCodes,
}

/// What is known about a browser that returns.
pub(super) enum Progress {
    /// Its user was identified at an earlier return: the browser continues with this handle.
    Identified(Secret),
    /// It continues with this handle as soon as its code is redeemed.
    AtProvider { next: Secret, record: AtProvider },
}

impl SignInReturn {
    /// Continues the sign-ins of `flow` that return from `provider`. `codes` remembers what became of their codes.
    #[must_use]
    pub fn new(
        flow: BrowserFlow,
        provider: ProviderAccess,
        tokens: SignedInTokens,
        codes: AuthorizationCodes,
        ambient: ClockAndEntropy,
    ) -> Self {
        Self { flow, provider, tokens, ambient, flights: Arc::default(), codes }
    }

    /// Accepts the browser's answer, redeems its code and identifies the user. Returns the next step. The
    /// door redirects the browser there, so that the code does not stay in its history.
    ///
    /// # Errors
    /// [`SignInFailure`]. After [`SignInError::OtherBrowser`] the step stays kept for the browser that began the
    /// sign-in. After an outage the step stays open, and the browser may return again.
    pub async fn callback(
        &self,
        answer: ProviderAnswer<'_>,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<NextStep, SignInFailure> {
        let state = Secret::from(answer.state.filter(|state| is_handle(state)).ok_or(SignInError::StateUnknown)?);
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        let (next, record) = match self.find_progress(&state, browser).await? {
            Progress::Identified(next) => return Ok(NextStep::Review(next)),
            Progress::AtProvider { next, record } => (next, record),
        };
        let channel = record.channel.clone();
        let redeemed = async {
            let card = self.note_return(&record).await?;
            let code = match self.accept(&card, &record, &answer).await {
                Ok(code) => code,
                Err(failure) if failure.is_page_expired() && !record.is_second_request => {
                    return self.send_again(&card, &state, &record, browser).await;
                }
                Err(failure) => return Err(self.note_failure(&card, failure, correlation_id).await),
            };
            let (browser, correlation_id) = (browser.clone(), correlation_id.to_owned());
            let next = self.redeem_once(Arrival { state, next, browser, record, code, correlation_id }).await?;
            Ok(NextStep::Review(next))
        };
        redeemed.await.map_err(|failure| failure.on(channel.as_ref()))
    }

    /// The handle that [`SignInReturn::callback`] returns for this answer if the provider accepts its code. Redeems and
    /// keeps nothing.
    ///
    /// # Errors
    /// As [`SignInReturn::callback`], apart from the provider's refusals.
    pub async fn preview(
        &self,
        answer: ProviderAnswer<'_>,
        browser: Option<&BrowserSecret>,
    ) -> Result<NextStep, SignInFailure> {
        let state = Secret::from(answer.state.filter(|state| is_handle(state)).ok_or(SignInError::StateUnknown)?);
        match self.find_progress(&state, browser.ok_or(SignInError::OtherBrowser)?).await? {
            Progress::Identified(next) => Ok(NextStep::Review(next)),
            Progress::AtProvider { next, record } => {
                let accepted = async {
                    let card = self.flow.get_held_card(&record.card_id).await?;
                    match self.accept(&card, &record, &answer).await {
                        Err(failure) if failure.is_page_expired() && !record.is_second_request => {
                            self.preview_second_request(&card, &state, &record).await
                        }
                        accepted => accepted.map(|_| NextStep::Review(next)),
                    }
                };
                accepted.await.map_err(|failure| failure.on(record.channel.as_ref()))
            }
        }
    }

    pub(super) async fn find_progress(
        &self,
        state: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Progress, SignInFailure> {
        let next = self.flow.browsers.derive_next_handle(state);
        if self.is_identified(&next, browser).await? {
            return Ok(Progress::Identified(next));
        }
        let record = self.flow.browsers.find::<AtProvider>(state, &browser.0).await?.of_this_browser()?;
        Ok(Progress::AtProvider { next, record: record.ok_or(SignInError::StateUnknown)? })
    }

    /// Whether the browser's user was identified, and the step `next` or what came of it is kept.
    pub(super) async fn is_identified(&self, next: &Secret, browser: &BrowserSecret) -> Result<bool, SignInFailure> {
        if self.flow.browsers.find::<Identified>(next, &browser.0).await?.of_this_browser()?.is_some() {
            return Ok(true);
        }
        Ok(self.flow.browsers.find::<Completed>(next, &browser.0).await?.of_this_browser()?.is_some())
    }

    /// The code that the browser brings, from the provider that it was sent to. Uses nothing up, so a refusal may be
    /// repeated, and the browser may still return with a code.
    async fn accept(
        &self,
        card: &PendingSignIn,
        record: &AtProvider,
        answer: &ProviderAnswer<'_>,
    ) -> Result<Secret, SignInFailure> {
        let connection = self.find_connection(card, record)?;
        self.provider.read_code(connection, answer).await
    }

    /// Gets the card, and stores with it that its browser has come back.
    async fn note_return(&self, record: &AtProvider) -> Result<PendingSignIn, SignInFailure> {
        let card = self.flow.get_held_card(&record.card_id).await?;
        if card.browser_away_since.is_some() {
            self.flow.cards.extend_for_browser(&card.card_id, false).await?;
        }
        Ok(card)
    }

    /// Remembers that the user means another account, if `failure` says so: the user cancelled, or has chosen an account
    /// of a tenant that the connection does not admit, or one that the provider refuses for good.
    pub(super) async fn note_failure(
        &self,
        card: &PendingSignIn,
        failure: SignInFailure,
        correlation_id: &str,
    ) -> SignInFailure {
        if failure.error.is_of_account() {
            self.tokens.requirements().want_other_account(&slot_for_card(card), correlation_id).await;
        }
        failure
    }

    pub(super) fn find_connection(
        &self,
        card: &PendingSignIn,
        record: &AtProvider,
    ) -> Result<&Arc<Connection>, SignInError> {
        let connection = self.flow.find_connection(card).filter(|connection| connection.revision == record.revision);
        connection.ok_or(SignInError::LinkUnknown)
    }
}
