use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::engine::ExchangeParts;
use super::resource_tokens::resource_slots;
use super::storage_failure::StorageFailure;
use crate::domain::{Account, Connection, ConnectionName, Directory, TokenSlot, UserKey};

/// What [`EndedAtSignOut::end`] returns.
pub type EndFuture<'a> = Pin<Box<dyn Future<Output = Result<(), StorageFailure>> + Send + 'a>>;

/// Something kept elsewhere that a token could still come of, and that a sign-out of its slot therefore ends.
pub trait EndedAtSignOut: Send + Sync {
    /// Ends what is kept for these slots.
    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a>;
}

/// Signs users out: of one connection, of all that an account has, or everywhere. What is being exchanged or refreshed at
/// that moment comes too late and is dropped. Nothing is revoked at the identity provider.
#[derive(Clone)]
pub struct SignOut {
    parts: ExchangeParts,
    directory: Arc<Directory>,
    others: Vec<Arc<dyn EndedAtSignOut>>,
}

impl SignOut {
    /// Out of these parts' vault and of `others`, for the bots and connections in `directory`.
    #[must_use]
    pub fn new(parts: ExchangeParts, directory: Arc<Directory>, others: Vec<Arc<dyn EndedAtSignOut>>) -> Self {
        Self { parts, directory, others }
    }

    /// Signs the account out of `connection`; without one, of all connections of its bot, and then whoever signs in next
    /// may be another person. Nothing to sign out of is no error.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails; some tokens may then still be there: call again.
    pub async fn of_account(
        &self,
        account: &Account,
        connection: Option<&ConnectionName>,
    ) -> Result<(), StorageFailure> {
        let known = self.directory.connections_of(account.holder.as_str()).iter();
        let ending: Vec<_> = known.filter(|known| connection.is_none_or(|name| known.name == *name)).collect();
        let slot = |known: &Connection| TokenSlot { account: account.clone(), connection: known.name.clone() };
        let slots: Vec<TokenSlot> = ending.iter().map(|known| slot(known)).collect();
        self.end(&slots).await?;
        // After the slots: who still found the user signed in had drawn the permit that this takes back.
        for (slot, connection) in slots.iter().zip(&ending) {
            for had_with_it in resource_slots(slot, connection) {
                self.parts.vault.forget(&had_with_it).await?;
            }
        }
        if connection.is_none() {
            // After the slots: an exchange under way finds its slot signed out and takes its pin back.
            self.unpin(account).await?;
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
    /// [`StorageFailure`] if the store fails. No token is handed out any more all the same; call again for the rest.
    pub async fn everywhere(&self, user: &UserKey) -> Result<usize, StorageFailure> {
        let tokens_removed = self.parts.vault.raise_epoch(user).await?;
        self.parts.challenges.end_all_of(user).await?;
        tracing::info!(%user, tokens_removed, security = true, "a user was signed out everywhere");
        Ok(tokens_removed)
    }

    /// Tokens, and what tokens could come of. In this order nothing that is under way slips through: who looked at a card
    /// before it ended had drawn its permit before the first `forget`, so that the code issued with it is either there to
    /// be ended or taken back by its issuer; and who redeemed a code before it ended had drawn its turn before the second.
    async fn end(&self, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        self.parts.pending.end(slots).await?;
        for slot in slots {
            self.parts.vault.forget(slot).await?;
        }
        for other in &self.others {
            other.end(slots).await?;
        }
        if !self.others.is_empty() {
            for slot in slots {
                self.parts.vault.forget(slot).await?;
            }
        }
        self.parts.challenges.end(slots).await?;
        self.parts.needs.end(slots).await?;
        Ok(())
    }

    /// The account itself, and as parent bots may have brought it.
    async fn unpin(&self, account: &Account) -> Result<(), StorageFailure> {
        self.parts.vault.unpin(account).await?;
        let bot = self.directory.find_bot(account.holder.as_str());
        for caller in bot.iter().flat_map(|bot| &bot.callers) {
            self.parts.vault.unpin(&account.as_parent_account(&caller.app_id)).await?;
        }
        Ok(())
    }
}
