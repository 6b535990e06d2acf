use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::records::{AtProvider, Completed, Identified};
use super::{BrowserFlow, BrowserSecret, ProviderAccess, SignInError, SignInFailure, is_handle, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::{ChannelId, Connection, Entropy, ProviderKind, Secret, SharedEntropy};
use crate::exchange::{SignInNeed, UserRates, WantedToken};
use crate::sign_in::SignedInTokens;
use crate::sign_in::browser_sign_ins::BrowserStep;

/// The first step: a card's link leads to the identity provider.
pub struct SignInStart {
    flow: BrowserFlow,
    provider: ProviderAccess,
    tokens: SignedInTokens,
    rates: Arc<UserRates>,
    entropy: SharedEntropy,
}

/// The way of one browser to the identity provider.
struct Departure {
    state: Secret,
    record: AtProvider,
    need: SignInNeed,
    url: Url,
}

/// A sign-in that a browser has begun and begins again.
struct BegunSignIn {
    card_id: String,
    channel: Option<ChannelId>,
    is_identified: bool,
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
    /// `signin` value.
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
        let charged = self.rates.charge_browser(&card.account, address, correlation_id).await;
        charged.map_err(|limited| SignInFailure::from(limited).on(channel))?;
        let sent = self.send_to_provider(&card, browser, correlation_id).await;
        sent.map_err(|failure| failure.on(channel))
    }

    /// Begins the sign-in of a card anew, for the browser that was refused at the step `handle`, or whose user was
    /// identified there and means another account, also after having cancelled. The identity provider then lets the
    /// user choose one.
    ///
    /// # Errors
    /// As [`SignInStart::begin`]; [`SignInError::StateUnknown`] and [`SignInError::OtherBrowser`] if the step is not
    /// kept for this browser.
    pub async fn begin_again(
        &self,
        handle: &str,
        browser: Option<&BrowserSecret>,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        let begun = self.find_begun(handle, browser).await?;
        let sent = async {
            let card = self.flow.get_held_card(&begun.card_id).await?;
            self.rates.charge_browser(&card.account, address, correlation_id).await?;
            if begun.is_identified {
                self.tokens.requirements().want_other_account(&slot_for_card(&card), correlation_id).await;
            }
            self.send_to_provider(&card, browser, correlation_id).await
        };
        sent.await.map_err(|failure: SignInFailure| failure.on(begun.channel.as_ref()))
    }

    /// The URL that [`SignInStart::begin_again`] would return, with a `state` that no step is kept for. Keeps nothing.
    ///
    /// # Errors
    /// As [`SignInStart::begin_again`], apart from the rate limit.
    pub async fn preview_again(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<Url, SignInFailure> {
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        let begun = self.find_begun(handle, browser).await?;
        let departure = async { self.prepare(&self.flow.get_held_card(&begun.card_id).await?).await };
        departure.await.map(|departure| departure.url).map_err(|failure| failure.on(begun.channel.as_ref()))
    }

    /// The sign-in of the step `handle`: refused at the provider, not confirmed yet, cancelled, or completed.
    async fn find_begun(&self, handle: &str, browser: &BrowserSecret) -> Result<BegunSignIn, SignInFailure> {
        let handle = Secret::from(Some(handle).filter(|handle| is_handle(handle)).ok_or(SignInError::StateUnknown)?);
        if let Some(Identified { grant, channel, .. }) = self.find_step(&handle, browser).await? {
            return Ok(BegunSignIn { card_id: grant.card_id, channel, is_identified: true });
        }
        if let Some(Completed { card_id: Some(card_id), slot, .. }) = self.find_step(&handle, browser).await? {
            let channel = slot.account.realm.channel().cloned();
            return Ok(BegunSignIn { card_id, channel, is_identified: true });
        }
        match self.find_step(&handle, browser).await? {
            Some(AtProvider { card_id, channel, .. }) => Ok(BegunSignIn { card_id, channel, is_identified: false }),
            None => Err(SignInError::StateUnknown.into()),
        }
    }

    async fn find_step<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Option<T>, SignInFailure> {
        Ok(self.flow.browsers.find(handle, &browser.0).await?.of_this_browser()?)
    }

    /// The URL that [`SignInStart::begin`] would return for `link`, with a `state` that no step is kept for. Keeps,
    /// holds and charges nothing.
    ///
    /// # Errors
    /// As [`SignInStart::begin`], apart from the rate limit.
    pub async fn preview(&self, link: &str) -> Result<Url, SignInFailure> {
        let link = read_link_digits(link).ok_or(SignInError::LinkUnknown)?;
        let card = self.flow.cards.find_by_link(&link).await?.ok_or(SignInError::LinkUnknown)?;
        let departure = self.prepare(&card).await;
        departure.map(|departure| departure.url).map_err(|failure| failure.on(card.account.realm.channel()))
    }

    async fn send_to_provider(
        &self,
        card: &PendingSignIn,
        browser: &BrowserSecret,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let Departure { state, record, need, url } = self.prepare(card).await?;
        let is_browser_away = record.tenant.is_some() || card.browser_away_since.is_some();
        if !self.flow.cards.extend_for_browser(&card.card_id, is_browser_away).await? {
            return Err(SignInError::LinkUnknown.into());
        }
        self.flow.browsers.put(&state, &browser.0, &record).await?;
        tracing::info!(
            correlation_id,
            bot = card.account.holder.as_str(),
            channel = card.account.channel_name(),
            connection = card.connection.as_str(),
            ask_consent = need.consent,
            claims = need.claims.is_some(),
            choose_account = need.choose_account,
            tenant = record.tenant.as_deref(),
            "a browser was sent to the identity provider"
        );
        Ok(url)
    }

    /// Draws what a browser needs for its way to the identity provider. Keeps nothing.
    async fn prepare(&self, card: &PendingSignIn) -> Result<Departure, SignInFailure> {
        let connection = self.flow.find_connection(card).ok_or(SignInError::LinkUnknown)?;
        let bot = self.flow.find_bot(card).ok_or(SignInError::LinkUnknown)?;
        let need = self.tokens.find_need(WantedToken { bot, slot: &slot_for_card(card), connection }).await?;
        let record = AtProvider {
            card_id: card.card_id.clone(),
            channel: card.account.realm.channel().cloned(),
            revision: connection.revision,
            nonce: draw_verifier(self.entropy.as_ref()),
            code_verifier: draw_verifier(self.entropy.as_ref()),
            tenant: if self.flow.cards.has_lost_browser(card) { None } else { choose_tenant(card, connection) },
            is_second_request: false,
        };
        let state = self.flow.browsers.draw_handle();
        let url = self.provider.authorize_url(connection, &state, record.request(&self.provider), &need).await?;
        Ok(Departure { state, record, need, url })
    }
}

/// The tenant that the card's activity states for the user, if the connection admits it: a guest signs in where the chat
/// is, as a silent exchange does. The caller leaves it out after a try that did not come back: a shared channel states the
/// host's tenant, and Entra shows its refusal of a user who has no account there on a page of its own.
fn choose_tenant(card: &PendingSignIn, connection: &Connection) -> Option<String> {
    if connection.provider_kind != ProviderKind::Entra {
        return None;
    }
    let stated = card.stated.tenant_of_user().filter(|tenant| connection.exchange.tenants.admits(tenant))?;
    uuid::Uuid::try_parse(stated).ok().map(|tenant| tenant.hyphenated().to_string())
}

/// Reads the 32 hexadecimal digits at the start of the link's value. Web Chat appends `&code_challenge=…` inside the
/// value (docs/protocols/token-service-api.md §4.4), which is ignored because only Direct Line could check it.
fn read_link_digits(link: &str) -> Option<Secret> {
    let digits = link.split('&').next().filter(|digits| digits.len() == 32)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| Secret::new(digits.to_ascii_lowercase()))
}

/// Draws 256 random bits in the alphabet of RFC 7636 §4.1.
pub(in crate::sign_in) fn draw_verifier(entropy: &dyn Entropy) -> Secret {
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
