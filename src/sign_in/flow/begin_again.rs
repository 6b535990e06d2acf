//! The second request to the identity provider, by [`SignInReturn`].

use url::Url;

use super::begin::draw_verifier;
use super::records::AtProvider;
use super::{BrowserSecret, SignInError, SignInFailure, SignInReturn, slot_for_card};
use crate::exchange::WantedToken;

impl SignInReturn {
    /// Sends the browser to the provider once more, with a new `state`, because the provider's page had expired. The new
    /// step remembers that it is the second one, so a provider that always answers so does not cause a loop.
    pub(super) async fn send_again(
        &self,
        expired: &AtProvider,
        browser: &BrowserSecret,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let card = self.flow.get_held_card(&expired.card_id).await?;
        let connection = self.flow.find_connection(&card).ok_or(SignInError::LinkUnknown)?;
        let bot = self.flow.find_bot(&card).ok_or(SignInError::LinkUnknown)?;
        let need = self.tokens.find_need(WantedToken { bot, slot: &slot_for_card(&card), connection }).await?;
        let entropy = self.ambient.entropy.as_ref();
        let record = AtProvider {
            nonce: draw_verifier(entropy),
            code_verifier: draw_verifier(entropy),
            revision: connection.revision,
            is_second_request: true,
            ..expired.clone()
        };
        let state = self.flow.browsers.put(&browser.0, &record).await?;
        let url = self.provider.authorize_url(connection, &state, &record, &need).await?;
        tracing::info!(
            correlation_id,
            bot = card.account.holder.as_str(),
            channel = card.account.channel_name(),
            connection = card.connection.as_str(),
            "a browser was sent to the identity provider again, because the provider's page had expired"
        );
        Ok(url)
    }
}
