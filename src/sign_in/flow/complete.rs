use super::records::Identified;
use super::{BrowserSecret, SignInError, SignInFailure, SignInFlow, is_handle, is_teams, slot_of};
use crate::domain::{ChannelId, Connection, Secret};
use crate::pending::{BrowserStep, Found, PendingSignIn};
use crate::vault::Permit;

/// What a page says of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The bot that asks.
    pub bot: String,
    /// The account that has signed in, as its identity provider shows it.
    pub account: String,
    /// The channel of the chat.
    pub channel: ChannelId,
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
        let found = self.parts.browsers.find(BrowserStep::Identified, &handle, &browser.0).await?;
        let identified = Identified::decode(&here(found)?)?;
        let card = self.card_of(&identified).await?;
        if !is_verified(&card, &identified) {
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
        let card = self.card_of(&identified).await?;
        let completed = self.complete(&card, &identified, correlation_id).await;
        completed.map_err(|failure| failure.on(&card.account.channel))
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

    async fn complete(
        &self,
        card: &PendingSignIn,
        identified: &Identified,
        correlation_id: &str,
    ) -> Result<Completion, SignInFailure> {
        let (vault, codes) = (&self.parts.exchange.vault, &self.parts.codes);
        let grant = &identified.grant;
        let user = &grant.token.user;
        let slot = slot_of(card);
        let permit = vault.permit(&slot, user).await?;
        // Looked at again: a sign-out ends cards first, so that one which comes after this ends the permit.
        let card = self.card_of(identified).await?;
        let connection = self.connection_of(&card).filter(|connection| connection.revision == grant.revision);
        let connection = connection.ok_or(SignInError::LinkUnknown)?;
        if permit.epoch() != grant.epoch {
            return Err(SignInError::LinkUnknown.into());
        }
        let verified = is_verified(&card, identified);
        if verified {
            self.keep((&card, identified), connection, &permit).await?;
        }
        let issued = codes.issue(&slot, grant).await?;
        if !vault.holds(&permit, user).await? {
            codes.withdraw(issued).await?;
            return Err(SignInError::LinkUnknown.into());
        }
        tracing::info!(
            correlation_id,
            bot = slot.account.bot.as_str(),
            channel = slot.account.channel.as_str(),
            connection = slot.connection.as_str(),
            %user,
            verified,
            "a browser sign-in was completed"
        );
        let names = names_of(&card, identified);
        Ok(Completion { code: issued.code, verified, names, final_redirect: card.final_redirect })
    }

    /// The channel vouches for the user as it does in a silent exchange, so the token is the bot's at once.
    async fn keep(
        &self,
        (card, identified): (&PendingSignIn, &Identified),
        connection: &Connection,
        permit: &Permit,
    ) -> Result<(), SignInFailure> {
        let (exchange, token) = (&self.parts.exchange, &identified.grant.token);
        // Nobody but a parent bot asks for this pin.
        if self.parts.directory.find_bot(card.account.bot.as_str()).is_some_and(|bot| !bot.callers.is_empty()) {
            exchange.vault.pin(&card.account, &token.user, permit).await?;
        }
        exchange.vault.keep(permit.clone(), connection.revision, token.clone()).await?;
        exchange.challenges.end(&[slot_of(card)]).await?;
        Ok(())
    }

    async fn take(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<Identified, SignInFailure> {
        let (handle, browser) = presented(handle, browser)?;
        let taken = self.parts.browsers.take(BrowserStep::Identified, &handle, &browser.0).await?;
        Ok(Identified::decode(&here(taken)?)?)
    }

    async fn card_of(&self, identified: &Identified) -> Result<PendingSignIn, SignInFailure> {
        let card = self.parts.exchange.pending.find_held(&identified.grant.card_id).await?;
        Ok(card.ok_or(SignInError::LinkUnknown)?)
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

/// Whether the channel itself has said that its user is who has signed in. Teams alone does, in the Entra object id and
/// the tenants of its activities; whatever else a bot may state proves nothing.
fn is_verified(card: &PendingSignIn, identified: &Identified) -> bool {
    let same = |stated: &str, proven: Option<&str>| proven.is_some_and(|proven| proven.eq_ignore_ascii_case(stated));
    let tenants = &card.stated.tenant_ids;
    is_teams(&card.account.channel)
        && card.stated.object_id.as_deref().is_some_and(|stated| same(stated, identified.object_id.as_deref()))
        && !tenants.is_empty()
        && tenants.iter().all(|stated| same(stated, identified.tenant_id.as_deref()))
}

fn names_of(card: &PendingSignIn, identified: &Identified) -> Names {
    let (bot, channel) = (card.account.bot.to_string(), card.account.channel.clone());
    Names { bot, account: identified.account_name.clone(), channel }
}
