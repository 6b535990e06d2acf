//! Sign-out: one act that ends everything of a person.
//!
//! Owns the order in which things end, so that nothing which is under way brings a token back. It deliberately knows
//! neither where tokens lie nor what else is kept: the parts join by [`EndedAtSignOut`].

use std::error::Error;
use std::sync::Arc;

use crate::domain::{Account, Connection, ConnectionName, EndedAtSignOut, Registrations, TokenSlot, UserKey};
use crate::exchange::{StorageFailure, TokenSignOut};

/// A sign-out that is not complete: call again. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SignOutFailure(Box<dyn Error + Send + Sync>);

impl From<StorageFailure> for SignOutFailure {
    fn from(failure: StorageFailure) -> Self {
        Self(failure.into())
    }
}

/// Signs users out: of one connection, of all that an account has, or everywhere. What is being exchanged or refreshed at
/// that moment comes too late and is dropped. Nothing is revoked at the identity provider.
#[derive(Clone)]
pub struct SignOut {
    tokens: TokenSignOut,
    registrations: Arc<Registrations>,
    others: Vec<Arc<dyn EndedAtSignOut>>,
}

impl SignOut {
    /// Ends `tokens` and `others`, for the bots and connections in `registrations`.
    #[must_use]
    pub fn new(tokens: TokenSignOut, registrations: Arc<Registrations>, others: Vec<Arc<dyn EndedAtSignOut>>) -> Self {
        Self { tokens, registrations, others }
    }

    /// Signs the channel's `account` out of `connection`; without one, of all connections of its bot, and then another
    /// person may sign in next. Ends what parent bots have brought for the same user as well. Nothing to sign out of is no
    /// error.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails; some tokens may then still be there: call again.
    pub async fn of_account(
        &self,
        account: &Account,
        connection: Option<&ConnectionName>,
    ) -> Result<(), SignOutFailure> {
        let bot = self.registrations.find_bot(account.holder.as_str()).map(AsRef::as_ref);
        let known = self.registrations.list_connections(account.holder.as_str()).iter();
        let ending: Vec<&Arc<Connection>> =
            known.filter(|known| connection.is_none_or(|name| known.name == *name)).collect();
        let slots: Vec<TokenSlot> = ending.iter().map(|known| TokenSlot::new(account, &known.name)).collect();
        // In this order nothing that is under way slips through: an exchange that looked at a card before it ended had drawn
        // its permit before the first `forget`, so that the code issued with it is either there to be ended or taken back by
        // its issuer; and a code that was redeemed before it ended had drawn its generation before the second.
        self.tokens.end_cards(&slots).await?;
        self.tokens.forget(bot, &slots).await?;
        for other in &self.others {
            other.end(&slots).await.map_err(SignOutFailure)?;
        }
        self.tokens.forget(bot, &slots).await?;
        self.tokens.end_requirements(&slots).await?;
        // After the slots: a request that still found the user signed in had drawn the permit that this takes back.
        for (slot, connection) in slots.iter().zip(&ending) {
            self.tokens.forget_resources(bot, slot, connection).await?;
        }
        if connection.is_none() {
            // After the slots: an exchange under way finds its slot signed out and takes its pin back.
            self.tokens.unpin(bot, account).await?;
        }
        tracing::info!(
            bot = account.holder.as_str(),
            channel = account.channel_name(),
            connection = connection.map(ConnectionName::as_str),
            "an account was signed out"
        );
        Ok(())
    }

    /// Signs `user` out everywhere: every token of every bot, channel and connection, and the accounts pinned to them.
    /// Returns how many tokens were removed; none is no error.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails. No token is handed out any more all the same; call again for the rest.
    pub async fn everywhere(&self, user: &UserKey) -> Result<usize, SignOutFailure> {
        let tokens_removed = self.tokens.everywhere(user).await?;
        tracing::info!(%user, tokens_removed, security = true, "a user was signed out everywhere");
        Ok(tokens_removed)
    }
}
