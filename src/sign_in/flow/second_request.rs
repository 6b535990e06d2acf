//! The second request to the identity provider, by [`SignInReturn`].

use url::Url;

use super::begin::draw_verifier;
use super::callback::{NextStep, Progress};
use super::records::AtProvider;
use super::{BrowserSecret, SignInError, SignInFailure, SignInReturn, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::Secret;
use crate::exchange::WantedToken;
use crate::sign_in::browser_sign_ins::BrowserRecordLookup;

impl SignInReturn {
    /// Sends the browser of the step `state` to the provider once more, because the provider's page had expired. The
    /// `state` of the second request is derived from the first, so a browser that repeats the return gets the same
    /// request. The second step remembers that it is one, so a provider that always answers so causes no loop.
    pub(super) async fn send_again(
        &self,
        card: &PendingSignIn,
        state: &Secret,
        expired: &AtProvider,
        browser: &BrowserSecret,
    ) -> Result<NextStep, SignInFailure> {
        let second = self.flow.browsers.derive_next_handle(state);
        let record = match self.find_progress(&second, browser).await {
            Ok(Progress::Identified(next)) => return Ok(NextStep::Review(next)),
            Ok(Progress::AtProvider { record, .. }) => record,
            Err(failure) if failure.error == SignInError::StateUnknown => {
                let drawn = self.draw_second_request(expired);
                let existing = self.flow.browsers.put_first(&second, &browser.0, &drawn).await?;
                let existing = existing.map(BrowserRecordLookup::of_this_browser).transpose()?;
                existing.flatten().unwrap_or(drawn)
            }
            Err(failure) => return Err(failure),
        };
        Ok(NextStep::Provider(self.build_second_url(card, &second, &record).await?))
    }

    /// What [`SignInReturn::send_again`] would return. Keeps nothing.
    pub(super) async fn preview_second_request(
        &self,
        card: &PendingSignIn,
        state: &Secret,
        expired: &AtProvider,
    ) -> Result<NextStep, SignInFailure> {
        let second = self.flow.browsers.derive_next_handle(state);
        let record = self.draw_second_request(expired);
        Ok(NextStep::Provider(self.build_second_url(card, &second, &record).await?))
    }

    fn draw_second_request(&self, expired: &AtProvider) -> AtProvider {
        let entropy = self.ambient.entropy.as_ref();
        let (nonce, code_verifier) = (draw_verifier(entropy), draw_verifier(entropy));
        AtProvider { nonce, code_verifier, is_second_request: true, ..expired.clone() }
    }

    async fn build_second_url(
        &self,
        card: &PendingSignIn,
        state: &Secret,
        record: &AtProvider,
    ) -> Result<Url, SignInFailure> {
        let connection = self.flow.find_connection(card).ok_or(SignInError::LinkUnknown)?;
        let bot = self.flow.find_bot(card).ok_or(SignInError::LinkUnknown)?;
        let need = self.tokens.find_need(WantedToken { bot, slot: &slot_for_card(card), connection }).await?;
        self.provider.authorize_url(connection, state, record.request(&self.provider), &need).await
    }
}
