use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::records::AtProvider;
use super::{BrowserFlow, BrowserSecret, ProviderAccess, SignInError, SignInFailure, slot_of};
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
    /// Starts in `flow` towards `provider`, as often as `rates` let a browser begin.
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

    /// Where the browser at `address` that has followed a card's link is sent. `link` is the link's `signin` value.
    ///
    /// # Errors
    /// [`SignInFailure`] with [`SignInError::LinkUnknown`] for a link that is no card's, or no longer.
    pub async fn begin(
        &self,
        link: &str,
        browser: &BrowserSecret,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let link = digits_of(link).ok_or(SignInError::LinkUnknown)?;
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
        let connection = self.flow.connection_of(card).ok_or(SignInError::LinkUnknown)?;
        let bot = self.flow.bot_of(card).ok_or(SignInError::LinkUnknown)?;
        let need = self.tokens.required(WantedToken { bot, slot: &slot_of(card), connection }).await?;
        if !self.flow.cards.hold(&card.card_id).await? {
            return Err(SignInError::LinkUnknown.into());
        }
        let record = AtProvider {
            card_id: card.card_id.clone(),
            channel: card.account.realm.channel().cloned(),
            revision: connection.revision,
            nonce: draw_verifier(self.entropy.as_ref()),
            code_verifier: draw_verifier(self.entropy.as_ref()),
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

/// The link's own digits out of `<32 hex>`, to which Web Chat glues `&code_challenge=…` inside the value (token-service-api
/// §4.4). What it glues only Direct Line could check.
fn digits_of(link: &str) -> Option<Secret> {
    let digits = link.split('&').next().filter(|digits| digits.len() == 32)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| Secret::new(digits.to_ascii_lowercase()))
}

/// 256 random bits in the alphabet of RFC 7636 §4.1.
fn draw_verifier(entropy: &dyn Entropy) -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    entropy.fill(&mut *bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_also_in_what_web_chat_glues_to_it() {
        let digits = "0f8fad5bd9cb469fa16570867728950e";
        for link in
            [digits.to_owned(), digits.to_uppercase(), format!("{digits}&code_challenge=x&y"), format!("{digits}&")]
        {
            assert_eq!(digits_of(&link).as_ref().map(Secret::expose), Some(digits), "{link}");
        }
        for link in ["", "&", &digits[1..], &format!("{digits}0"), &digits.replace('0', "g")] {
            assert!(digits_of(link).is_none(), "{link}");
        }
    }

    #[test]
    fn a_proof_key_has_256_random_bits() {
        assert_eq!(draw_verifier(&crate::domain::SystemEntropy).expose().len(), 43);
    }
}
