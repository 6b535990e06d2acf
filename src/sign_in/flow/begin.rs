use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::records::AtProvider;
use super::{BrowserFlow, BrowserSecret, ProviderAccess, SignInError, SignInFailure, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::{Entropy, Secret, SharedEntropy};
use crate::exchange::{UserRates, WantedToken};
use crate::sign_in::SignedInTokens;

/// The first step: a card's link leads to the identity provider.
pub struct SignInStart {
    flow: BrowserFlow,
    provider: ProviderAccess,
    tokens: SignedInTokens,
    rates: Arc<UserRates>,
    entropy: SharedEntropy,
}

impl SignInStart {
    /// Begins sign-ins of `flow` at `provider`, within each browser's limit in `rates`.
    #[must_use]
    pub fn new(
        flow: BrowserFlow,
        provider: ProviderAccess,
        tokens: SignedInTokens,
        rates: Arc<UserRates>,
        entropy: SharedEntropy,
    ) -> Self {
        Self { flow, provider, tokens, rates, entropy }
    }

    /// The URL at the identity provider for the browser at `address` that followed a card's link. `link` is the link's
    /// `signin`
    /// value.
    ///
    /// # Errors
    /// [`SignInFailure`]: [`SignInError::LinkUnknown`] if the link belongs to no card or its card has ended.
    pub async fn begin(
        &self,
        link: &str,
        browser: &BrowserSecret,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let link = read_link_digits(link).ok_or(SignInError::LinkUnknown)?;
        let card = self.flow.cards.find_by_link(&link).await?.ok_or(SignInError::LinkUnknown)?;
        let channel = card.account.realm.channel();
        let charged = self.rates.charge_browser(&card.account, address, correlation_id);
        charged.map_err(|limited| SignInFailure::from(limited).on(channel))?;
        let sent = self.send_to_provider(&card, browser, correlation_id).await;
        sent.map_err(|failure| failure.on(channel))
    }

    async fn send_to_provider(
        &self,
        card: &PendingSignIn,
        browser: &BrowserSecret,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let connection = self.flow.find_connection(card).ok_or(SignInError::LinkUnknown)?;
        let bot = self.flow.find_bot(card).ok_or(SignInError::LinkUnknown)?;
        let need = self.tokens.find_need(WantedToken { bot, slot: &slot_for_card(card), connection }).await?;
        if !self.flow.cards.extend_for_browser(&card.card_id).await? {
            return Err(SignInError::LinkUnknown.into());
        }
        let record = AtProvider {
            card_id: card.card_id.clone(),
            channel: card.account.realm.channel().cloned(),
            revision: connection.revision,
            nonce: draw_verifier(self.entropy.as_ref()),
            code_verifier: draw_verifier(self.entropy.as_ref()),
            is_second_request: false,
        };
        let state = self.flow.browsers.put(&browser.0, &record).await?;
        let url = self.provider.authorize_url(connection, &state, &record, &need).await?;
        tracing::info!(
            correlation_id,
            bot = card.account.holder.as_str(),
            channel = card.account.channel_name(),
            connection = card.connection.as_str(),
            ask_consent = need.consent,
            claims = need.claims.is_some(),
            "a browser was sent to the identity provider"
        );
        Ok(url)
    }
}

/// Reads the 32 hexadecimal digits at the start of the link's value. Web Chat appends `&code_challenge=…` inside the
/// value
/// (docs/protocols/token-service-api.md §4.4), which is ignored because only Direct Line could check it.
fn read_link_digits(link: &str) -> Option<Secret> {
    let digits = link.split('&').next().filter(|digits| digits.len() == 32)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| Secret::new(digits.to_ascii_lowercase()))
}

/// Draws 256 random bits in the alphabet of RFC 7636 §4.1.
pub(super) fn draw_verifier(entropy: &dyn Entropy) -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    entropy.fill(&mut *bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_links_digits_are_read_even_if_web_chat_appends_a_code_challenge() {
        let digits = "0f8fad5bd9cb469fa16570867728950e";
        for link in
            [digits.to_owned(), digits.to_uppercase(), format!("{digits}&code_challenge=x&y"), format!("{digits}&")]
        {
            assert_eq!(read_link_digits(&link).as_ref().map(Secret::expose), Some(digits), "{link}");
        }
        for link in ["", "&", &digits[1..], &format!("{digits}0"), &digits.replace('0', "g")] {
            assert!(read_link_digits(link).is_none(), "{link}");
        }
    }

    #[test]
    fn a_code_verifier_has_256_random_bits() {
        assert_eq!(draw_verifier(&crate::domain::SystemEntropy).expose().len(), 43);
    }
}
