use std::sync::Arc;

use super::records::Identified;
use super::{BrowserFlow, BrowserSecret, SignInError, SignInFailure, is_handle, slot_of};
use crate::cards::PendingSignIn;
use crate::domain::{ChannelId, Secret};
use crate::exchange::{BrowserBinding, ProvenIdentity, WantedToken, bind_browser_sign_in};
use crate::sign_in::SignedInTokens;
use crate::sign_in::browser_sign_ins::Found;
use crate::sign_in::magic_code::MagicCodes;

/// What a page says of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The bot that asks.
    pub bot: String,
    /// The account that has signed in, as its identity provider shows it.
    pub account: String,
    /// The channel of the chat, if it is one.
    pub channel: Option<ChannelId>,
}

/// How far a browser gets without its user.
#[derive(Debug)]
pub enum Review {
    /// The user has to confirm that they began this.
    Confirm(Names),
    /// The channel has said who the user is, and it is who has signed in: nothing is left to be asked.
    Completed(Completion),
}

/// A sign-in that has come to its end in the browser.
#[derive(Debug)]
pub struct Completion {
    /// For the chat. Until it arrives there, the token is given out only where `verified` says so.
    pub code: Secret,
    /// Whether the token is the bot's already.
    pub verified: bool,
    /// Whether whoever has opened the page may be told the code by the page itself: in Teams, where nothing says that
    /// another person has signed in than the card was for. Else the user carries it by hand, past what asks for it.
    pub page_delivers_code: bool,
    /// Whose it is.
    pub names: Names,
    /// Where the browser goes at the end, in the place of a page.
    pub final_redirect: Option<String>,
}

/// The last step: the browser's user is known.
pub struct SignInCompletion {
    flow: BrowserFlow,
    tokens: SignedInTokens,
    codes: Arc<MagicCodes>,
}

impl SignInCompletion {
    /// Completes what `flow` has identified: by `codes`, or by keeping the token at once.
    #[must_use]
    pub fn new(flow: BrowserFlow, tokens: SignedInTokens, codes: Arc<MagicCodes>) -> Self {
        Self { flow, tokens, codes }
    }

    /// What is left to do for the browser with this handle. Completes the sign-in where nothing is (DESIGN §5.8).
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn review(
        &self,
        handle: &str,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<Review, SignInFailure> {
        let step = require_handle_and_browser(handle, browser)?;
        let found = self.flow.browsers.find(&step.handle, &step.browser.0).await?;
        let identified: Identified = found_or_error(found)?;
        let card = self.card_of(&identified).await?;
        let binding = self.bind(&card, &identified).await;
        if binding.map_err(|failure| failure.on(identified.channel.as_ref()))? != BrowserBinding::Proven {
            return Ok(Review::Confirm(names_of(&card, &identified)));
        }
        self.confirm(handle, browser, correlation_id).await.map(Review::Completed)
    }

    /// Completes the sign-in: its user says that they began it.
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

    /// Drops the sign-in: its user does not know it.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn cancel(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<Names, SignInFailure> {
        let identified = self.take(handle, browser).await?;
        let card = self.card_of(&identified).await?;
        Ok(names_of(&card, &identified))
    }

    async fn complete(&self, identified: &Identified, correlation_id: &str) -> Result<Completion, SignInFailure> {
        let vault = self.tokens.vault();
        let grant = &identified.grant;
        let user = &grant.token.user;
        let slot = slot_of(&self.card_of(identified).await?);
        let permit = vault.permit(&slot, user).await?;
        // Looked at again: a sign-out ends cards first, so that one which comes after this ends the permit.
        let card = self.card_of(identified).await?;
        let connection = self.flow.connection_of(&card).filter(|connection| connection.revision == grant.revision);
        let (Some(connection), Some(bot)) = (connection, self.flow.bot_of(&card)) else {
            return Err(SignInError::LinkUnknown.into());
        };
        if permit.epoch() != grant.epoch {
            return Err(SignInError::LinkUnknown.into());
        }
        let binding = self.bind(&card, identified).await?;
        let verified = binding == BrowserBinding::Proven;
        if verified {
            // The channel vouches for the user as it does in a silent exchange, so the token is the bot's at once.
            self.tokens.keep(WantedToken { bot, slot: &slot, connection }, permit.clone(), grant.token.clone()).await?;
            self.tokens.requirements().end_challenge(&slot).await?;
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
        let names = names_of(&card, identified);
        let page_delivers_code = verified || binding == BrowserBinding::CodeByPage;
        Ok(Completion {
            code: issued.code,
            verified,
            page_delivers_code,
            names,
            final_redirect: card.offer.final_redirect,
        })
    }

    /// What the browser sign-in proves for the card's account, with the pin looked up where the rule asks for it.
    async fn bind(&self, card: &PendingSignIn, identified: &Identified) -> Result<BrowserBinding, SignInFailure> {
        let Some(bot) = self.flow.bot_of(card) else { return Ok(BrowserBinding::CodeByHand) };
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
        Ok(found_or_error(self.flow.browsers.take(&step.handle, &step.browser.0).await?)?)
    }

    async fn card_of(&self, identified: &Identified) -> Result<PendingSignIn, SignInFailure> {
        let card = self.flow.held_card(&identified.grant.card_id).await;
        card.map_err(|failure| failure.on(identified.channel.as_ref()))
    }
}

/// A step that a browser asks for.
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

fn found_or_error<T>(found: Found<T>) -> Result<T, SignInError> {
    match found {
        Found::Here(content) => Ok(content),
        Found::OfAnotherBrowser => Err(SignInError::OtherBrowser),
        Found::Nothing => Err(SignInError::StateUnknown),
    }
}

fn names_of(card: &PendingSignIn, identified: &Identified) -> Names {
    let (bot, channel) = (card.account.holder.to_string(), card.account.realm.channel().cloned());
    Names { bot, account: identified.account_name.clone(), channel }
}
