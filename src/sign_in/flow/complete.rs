use super::records::Identified;
use super::{BrowserSecret, SignInError, SignInFailure, SignInFlow, is_handle, slot_of};
use crate::cards::{PendingSignIn, StatedIdentity};
use crate::domain::{ChannelId, Connection, Secret, TokenSlot};
use crate::sign_in::browser_sign_ins::Found;
use crate::vault::Permit;

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
    pub is_told: bool,
    /// Whose it is.
    pub names: Names,
    /// Where the browser goes at the end, in the place of a page.
    pub final_redirect: Option<String>,
}

impl SignInFlow {
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
        let (handle, browser) = presented(handle, browser)?;
        let identified: Identified = here(self.parts.browsers.find(&handle, &browser.0).await?)?;
        let card = self.card_of(&identified).await?;
        let verified = self.is_verified(&card, &identified).await;
        if !verified.map_err(|failure| failure.on(identified.channel.as_ref()))? {
            return Ok(Review::Confirm(names_of(&card, &identified)));
        }
        self.confirm(handle.expose(), Some(browser), correlation_id).await.map(Review::Completed)
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
        let (vault, codes) = (&self.parts.exchange.vault, &self.parts.codes);
        let grant = &identified.grant;
        let user = &grant.token.user;
        let slot = slot_of(&self.card_of(identified).await?);
        let permit = vault.permit(&slot, user).await?;
        // Looked at again: a sign-out ends cards first, so that one which comes after this ends the permit.
        let card = self.card_of(identified).await?;
        let connection = self.connection_of(&card).filter(|connection| connection.revision == grant.revision);
        let connection = connection.ok_or(SignInError::LinkUnknown)?;
        if permit.epoch() != grant.epoch {
            return Err(SignInError::LinkUnknown.into());
        }
        let verified = self.is_verified(&card, identified).await?;
        if verified {
            self.keep(&slot, (identified, connection), &permit).await?;
        }
        let issued = codes.issue(&slot, grant).await?;
        if !vault.holds(&permit, user).await? {
            codes.end_one(issued.record).await?;
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
        let is_told = verified || (is_on_teams(&card) && !self.is_in_doubt(&card, identified));
        Ok(Completion { code: issued.code, verified, is_told, names, final_redirect: card.offer.final_redirect })
    }

    /// The channel vouches for the user as it does in a silent exchange, so the token is the bot's at once.
    async fn keep(
        &self,
        slot: &TokenSlot,
        (identified, connection): (&Identified, &Connection),
        permit: &Permit,
    ) -> Result<(), SignInFailure> {
        let (exchange, slots) = (&self.parts.exchange, std::slice::from_ref(slot));
        exchange.vault.keep(permit.clone(), connection.revision, identified.grant.token.clone()).await?;
        Ok(exchange.challenges.end(slots).await?)
    }

    /// Whether the channel itself has said that its user is who has signed in. Teams alone does, in the Entra object id
    /// and the tenants of its activities; whatever else a bot may state proves nothing. What a bot states may also come
    /// from a parent, which is no channel: where there are parents, the channel's own traffic must have proven it before
    /// (DESIGN §5.5).
    async fn is_verified(&self, card: &PendingSignIn, identified: &Identified) -> Result<bool, SignInFailure> {
        if !is_stated(card, identified) {
            return Ok(false);
        }
        if !self.has_parents(card) {
            return Ok(true);
        }
        let pinned = self.parts.exchange.vault.find_pin(&card.account).await?;
        Ok(pinned.is_some_and(|user| user == identified.grant.token.user))
    }

    /// Whether another person has signed in than the card was for, as far as that can be told: of users of other providers
    /// Teams knows nothing.
    fn is_in_doubt(&self, card: &PendingSignIn, identified: &Identified) -> bool {
        let Some(bot) = self.parts.directory.find_bot(card.account.holder.as_str()) else { return true };
        let StatedIdentity { object_id, tenant_ids } = &card.stated;
        let differs = |stated: &String, proven: &String| !proven.eq_ignore_ascii_case(stated);
        let is_another = object_id.iter().zip(&identified.object_id).any(|(stated, proven)| differs(stated, proven));
        let is_foreign = identified.tenant_id.as_ref().is_some_and(|proven| {
            !bot.identity.cross_tenants.contains(proven) && tenant_ids.iter().any(|stated| differs(stated, proven))
        });
        bot.has_parents() || is_another || is_foreign
    }

    fn has_parents(&self, card: &PendingSignIn) -> bool {
        let bot = self.parts.directory.find_bot(card.account.holder.as_str());
        bot.is_none_or(|bot| bot.has_parents())
    }

    async fn take(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<Identified, SignInFailure> {
        let (handle, browser) = presented(handle, browser)?;
        Ok(here(self.parts.browsers.take(&handle, &browser.0).await?)?)
    }

    async fn card_of(&self, identified: &Identified) -> Result<PendingSignIn, SignInFailure> {
        let card = self.parts.exchange.pending.find_held(&identified.grant.card_id).await?;
        card.ok_or_else(|| SignInFailure::from(SignInError::LinkUnknown).on(identified.channel.as_ref()))
    }
}

fn presented<'b>(handle: &str, browser: Option<&'b BrowserSecret>) -> Result<(Secret, &'b BrowserSecret), SignInError> {
    if !is_handle(handle) {
        return Err(SignInError::StateUnknown);
    }
    Ok((Secret::from(handle), browser.ok_or(SignInError::OtherBrowser)?))
}

fn here<T>(found: Found<T>) -> Result<T, SignInError> {
    match found {
        Found::Here(content) => Ok(content),
        Found::OfAnotherBrowser => Err(SignInError::OtherBrowser),
        Found::Nothing => Err(SignInError::StateUnknown),
    }
}

/// Whether a Teams card states an Entra identity in full, and it is who has signed in.
fn is_stated(card: &PendingSignIn, identified: &Identified) -> bool {
    let is = |stated: &String, proven: &Option<String>| {
        proven.as_ref().is_some_and(|proven| proven.eq_ignore_ascii_case(stated))
    };
    let StatedIdentity { object_id, tenant_ids } = &card.stated;
    is_on_teams(card)
        && object_id.as_ref().is_some_and(|stated| is(stated, &identified.object_id))
        && !tenant_ids.is_empty()
        && tenant_ids.iter().all(|stated| is(stated, &identified.tenant_id))
}

fn names_of(card: &PendingSignIn, identified: &Identified) -> Names {
    let (bot, channel) = (card.account.holder.to_string(), card.account.realm.channel().cloned());
    Names { bot, account: identified.account_name.clone(), channel }
}

fn is_on_teams(card: &PendingSignIn) -> bool {
    card.account.channel_kind().is_teams()
}
