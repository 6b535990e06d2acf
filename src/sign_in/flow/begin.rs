use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::time::timeout;
use url::Url;

use super::records::AtProvider;
use super::{BrowserSecret, PROVIDER_BUDGET, SignInError, SignInFailure, SignInFlow, slot_of};
use crate::cards::PendingSignIn;
use crate::domain::{Connection, Entropy, Secret, TokenSlot};
use crate::exchange::SignInNeed;
use crate::identity_provider::AuthorizationRequest;

impl SignInFlow {
    /// Where the browser at `address` that has followed a card's link is sent. `link` is the link's `signin` value.
    ///
    /// # Errors
    /// [`SignInFailure`] with [`SignInError::LinkUnknown`] for a link that is no card's, or no longer.
    pub async fn begin(
        &self,
        link: &str,
        (browser, address): (&BrowserSecret, Option<IpAddr>),
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let link = digits_of(link).ok_or(SignInError::LinkUnknown)?;
        let pending = &self.parts.exchange.pending;
        let card = pending.find_by_link(&link).await?.ok_or(SignInError::LinkUnknown)?;
        let charged = self.parts.exchange.rates.charge_browser(&card.account, address, correlation_id);
        charged.map_err(|refusal| SignInFailure::from(refusal).on(card.account.realm.channel()))?;
        let sent = self.send_to_provider(&card, browser, correlation_id).await;
        sent.map_err(|failure| failure.on(card.account.realm.channel()))
    }

    async fn send_to_provider(
        &self,
        card: &PendingSignIn,
        browser: &BrowserSecret,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let exchange = &self.parts.exchange;
        let connection = self.connection_of(card).ok_or(SignInError::LinkUnknown)?;
        let need = self.need_of(&slot_of(card), connection).await?;
        let code_verifier = draw_verifier(exchange.entropy.as_ref());
        let nonce = draw_verifier(exchange.entropy.as_ref());
        if !exchange.pending.hold(&card.card_id).await? {
            return Err(SignInError::LinkUnknown.into());
        }
        let record = AtProvider {
            card_id: card.card_id.clone(),
            channel: card.account.realm.channel().cloned(),
            revision: connection.revision,
            nonce,
            code_verifier,
        };
        let state = self.parts.browsers.put(&browser.0, &record).await?;
        let url = self.authorize_url(connection, (&state, &record), &need).await?;
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

    async fn authorize_url(
        &self,
        connection: &Connection,
        (state, record): (&Secret, &AtProvider),
        need: &SignInNeed,
    ) -> Result<Url, SignInFailure> {
        let provider = self.parts.exchange.providers.find(connection).ok_or(SignInError::Misconfigured)?;
        let request = AuthorizationRequest {
            redirect_uri: &self.parts.redirect_uri,
            state,
            nonce: &record.nonce,
            code_challenge: &challenge_of(&record.code_verifier),
            ask_consent: need.consent,
            claims: need.claims.as_ref(),
        };
        let url = timeout(PROVIDER_BUDGET, provider.authorize_url(connection, request)).await;
        Ok(url.map_err(|_| SignInError::Unavailable)??)
    }

    /// What the browser must ask for: what an attempt lacked since the user was last signed in, and what a resource wants of
    /// the next token.
    async fn need_of(&self, slot: &TokenSlot, connection: &Connection) -> Result<SignInNeed, SignInFailure> {
        let exchange = &self.parts.exchange;
        let kept = exchange.vault.find(slot, connection.revision).await?;
        let lacked = exchange.needs.get(slot, kept.map(|kept| kept.obtained_at)).await?;
        let claims = exchange.challenges.find(slot).await?;
        Ok(lacked.joined(SignInNeed { consent: false, claims }))
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

/// RFC 7636 §4.2, `S256`.
fn challenge_of(code_verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.expose().as_bytes()))
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
    fn a_proof_key_is_hashed_as_the_rfc_shows() {
        // RFC 7636, appendix B.
        let challenge = challenge_of(&Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(draw_verifier(&crate::domain::SystemEntropy).expose().len(), 43);
    }
}
