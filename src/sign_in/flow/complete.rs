use std::sync::Arc;

use super::records::Identified;
use super::{BrowserFlow, BrowserSecret, SignInError, SignInFailure, is_handle, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::{ChannelId, Secret};
use crate::exchange::{BrowserBinding, ProvenIdentity, WantedToken, bind_browser_sign_in};
use crate::sign_in::SignedInTokens;
use crate::sign_in::browser_sign_ins::BrowserRecordLookup;
use crate::sign_in::magic_code::MagicCodes;

/// The names that a page shows for a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayNames {
    /// The bot that asked for the sign-in.
    pub bot: String,
    /// The account that signed in, by the name that the identity provider gives it.
    pub account: String,
    /// The channel of the chat, if the sign-in began in a channel.
    pub channel: Option<ChannelId>,
}

/// The result of [`SignInCompletion::review`].
#[derive(Debug)]
pub enum SignInReview {
    /// The user has to confirm that they began this sign-in.
    Confirm(DisplayNames),
    /// The channel stated the same identity that signed in, so the sign-in was completed without a question.
    Completed(Completion),
}

/// A sign-in that was completed in the browser.
#[derive(Debug)]
pub struct Completion {
    /// The magic code for the chat. Until it is redeemed there, the token is handed out only if `verified` is set.
    pub code: Secret,
    /// Whether the token is kept already, so that the bot can get it at once.
    pub verified: bool,
    /// Whether the page may pass the code to the chat client itself. That is so in Teams, unless the stated identity of
    /// the
    /// card's user contradicts the user who signed in. Otherwise the user types the code into the chat.
    pub page_delivers_code: bool,
    /// The names that the page shows.
    pub names: DisplayNames,
    /// Where the browser is redirected at the end instead of a page, if the bot asked for that.
    pub final_redirect: Option<String>,
}

/// The last step: the browser's user is identified.
pub struct SignInCompletion {
    flow: BrowserFlow,
    tokens: SignedInTokens,
    codes: Arc<MagicCodes>,
}

impl SignInCompletion {
    /// Completes the sign-ins of `flow`: issues a code of `codes`, and keeps the token at once if the binding allows
    /// it.
    #[must_use]
    pub fn new(flow: BrowserFlow, tokens: SignedInTokens, codes: Arc<MagicCodes>) -> Self {
        Self { flow, tokens, codes }
    }

    /// Decides whether the user of the browser with this handle has to confirm. Completes the sign-in if not
    /// (docs/architecture.md §Security rules, rule 8).
    ///
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn review(
        &self,
        handle: &str,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<SignInReview, SignInFailure> {
        let step = require_handle_and_browser(handle, browser)?;
        let found = self.flow.browsers.find(&step.handle, &step.browser.0).await?;
        let identified: Identified = step_or_error(found)?;
        let card = self.get_card(&identified).await?;
        let binding = self.bind(&card, &identified).await;
        if binding.map_err(|failure| failure.on(identified.channel.as_ref()))? != BrowserBinding::Proven {
            return Ok(SignInReview::Confirm(build_display_names(&card, &identified)));
        }
        self.confirm(handle, browser, correlation_id).await.map(SignInReview::Completed)
    }

    /// Completes the sign-in after its user confirmed that they began it.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn confirm(
        &self,
        handle: &str,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<Completion, SignInFailure> {
        let identified = self.take(handle, browser).await?;
        let completed = self.complete(&identified, correlation_id).await;
        completed.map_err(|failure| failure.on(identified.channel.as_ref()))
    }

    /// Drops the sign-in, because its user did not begin it.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn cancel(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<DisplayNames, SignInFailure> {
        let identified = self.take(handle, browser).await?;
        let card = self.get_card(&identified).await?;
        Ok(build_display_names(&card, &identified))
    }

    async fn complete(&self, identified: &Identified, correlation_id: &str) -> Result<Completion, SignInFailure> {
        let vault = self.tokens.vault();
        let grant = &identified.grant;
        let user = &grant.token.user;
        let slot = slot_for_card(&self.get_card(identified).await?);
        let permit = vault.permit(&slot, user).await?;
        // The card is read again after the permit was drawn. A sign-out ends cards before it revokes permits, so a
        // sign-out that
        // this read misses revokes the permit.
        let card = self.get_card(identified).await?;
        let connection = self.flow.find_connection(&card).filter(|connection| connection.revision == grant.revision);
        let (Some(connection), Some(bot)) = (connection, self.flow.find_bot(&card)) else {
            return Err(SignInError::LinkUnknown.into());
        };
        if permit.epoch() != grant.epoch {
            return Err(SignInError::LinkUnknown.into());
        }
        let binding = self.bind(&card, identified).await?;
        let verified = binding == BrowserBinding::Proven;
        if verified {
            // The channel vouches for the user as in a silent exchange, so the token is kept without a code.
            self.tokens.keep(WantedToken { bot, slot: &slot, connection }, permit.clone(), grant.token.clone()).await?;
            self.tokens.requirements().end_challenge(&slot).await?;
            let (cards, conversation) = (&self.flow.cards, card.conversation.as_deref());
            cards.end_client_failures(&card.account, &card.connection, conversation).await?;
        }
        let issued = self.codes.issue(&slot, grant).await?;
        if !vault.is_permitted(&permit, user).await? {
            self.codes.end_one(issued.record).await?;
            return Err(SignInError::LinkUnknown.into());
        }
        tracing::info!(
            correlation_id,
            bot = slot.account.holder.as_str(),
            channel = slot.account.channel_name(),
            connection = slot.connection.as_str(),
            %user,
            verified,
            "a browser sign-in was completed"
        );
        let names = build_display_names(&card, identified);
        let page_delivers_code = verified || binding == BrowserBinding::CodeByPage;
        Ok(Completion {
            code: issued.code,
            verified,
            page_delivers_code,
            names,
            final_redirect: card.offer.final_redirect,
        })
    }

    /// What the browser sign-in proves about the card's account. Reads the pin if the rule depends on it.
    async fn bind(&self, card: &PendingSignIn, identified: &Identified) -> Result<BrowserBinding, SignInFailure> {
        let Some(bot) = self.flow.find_bot(card) else { return Ok(BrowserBinding::CodeByHand) };
        let proven =
            ProvenIdentity { object_id: identified.object_id.as_deref(), tenant_id: identified.tenant_id.as_deref() };
        let binding = bind_browser_sign_in(bot, &card.account, &card.stated, proven);
        if binding != BrowserBinding::ProvenIfPinned {
            return Ok(binding);
        }
        let is_pinned = self.tokens.is_pinned_to(&card.account, &identified.grant.token.user).await?;
        Ok(if is_pinned { BrowserBinding::Proven } else { BrowserBinding::CodeByHand })
    }

    async fn take(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<Identified, SignInFailure> {
        let step = require_handle_and_browser(handle, browser)?;
        Ok(step_or_error(self.flow.browsers.take(&step.handle, &step.browser.0).await?)?)
    }

    async fn get_card(&self, identified: &Identified) -> Result<PendingSignIn, SignInFailure> {
        let card = self.flow.get_held_card(&identified.grant.card_id).await;
        card.map_err(|failure| failure.on(identified.channel.as_ref()))
    }
}

/// A browser's request to continue from a step.
struct RequestedStep<'b> {
    handle: Secret,
    browser: &'b BrowserSecret,
}

fn require_handle_and_browser<'b>(
    handle: &str,
    browser: Option<&'b BrowserSecret>,
) -> Result<RequestedStep<'b>, SignInError> {
    if !is_handle(handle) {
        return Err(SignInError::StateUnknown);
    }
    Ok(RequestedStep { handle: Secret::from(handle), browser: browser.ok_or(SignInError::OtherBrowser)? })
}

fn step_or_error<T>(found: BrowserRecordLookup<T>) -> Result<T, SignInError> {
    match found {
        BrowserRecordLookup::Step(content) => Ok(content),
        BrowserRecordLookup::OfAnotherBrowser => Err(SignInError::OtherBrowser),
        BrowserRecordLookup::Missing => Err(SignInError::StateUnknown),
    }
}

fn build_display_names(card: &PendingSignIn, identified: &Identified) -> DisplayNames {
    let (bot, channel) = (card.account.holder.to_string(), card.account.realm.channel().cloned());
    DisplayNames { bot, account: identified.account_name.clone(), channel }
}
