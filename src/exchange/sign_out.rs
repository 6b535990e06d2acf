use std::sync::Arc;

use super::binding::account_of_parent;
use super::resource_tokens::resource_slots;
use super::storage_failure::StorageFailure;
use crate::domain::{ChannelAccount, ConnectionName, Directory, TokenSlot, UserKey};
use crate::pending::ClaimsChallenges;
use crate::vault::TokenVault;

/// Signs users out: of one connection, of all that an account has, or everywhere. What is being exchanged or refreshed at
/// that moment comes too late and is dropped. Nothing is revoked at the identity provider.
#[derive(Clone)]
pub struct SignOut {
    vault: Arc<TokenVault>,
    challenges: Arc<ClaimsChallenges>,
    directory: Arc<Directory>,
}

impl SignOut {
    /// Out of this vault, for the bots and connections in `directory`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, challenges: Arc<ClaimsChallenges>, directory: Arc<Directory>) -> Self {
        Self { vault, challenges, directory }
    }

    /// Signs the account out of `connection`; without one, of all connections of its bot, and then whoever signs in next
    /// may be another person. Nothing to sign out of is no error.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails; some tokens may then still be there: call again.
    pub async fn of_account(
        &self,
        account: &ChannelAccount,
        connection: Option<&ConnectionName>,
    ) -> Result<(), StorageFailure> {
        let slots = self.slots_of(account, connection);
        for slot in &slots {
            self.vault.forget(slot).await?;
        }
        if connection.is_none() {
            // After the slots: an exchange under way finds its slot signed out and takes its pin back.
            self.unpin(account).await?;
        }
        self.challenges.end(&slots).await?;
        tracing::info!(
            bot = account.bot.as_str(),
            channel = account.channel.as_str(),
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
        let tokens_removed = self.vault.raise_epoch(user).await?;
        self.challenges.end_all_of(user).await?;
        tracing::info!(%user, tokens_removed, security = true, "a user was signed out everywhere");
        Ok(tokens_removed)
    }

    /// A connection's own token, and those had with it.
    fn slots_of(&self, account: &ChannelAccount, connection: Option<&ConnectionName>) -> Vec<TokenSlot> {
        let known = self.directory.connections_of(&account.bot).iter();
        let ending = known.filter(|known| connection.is_none_or(|name| known.name == *name));
        let slots = ending.flat_map(|connection| {
            let slot = TokenSlot { account: account.clone(), connection: connection.name.clone() };
            let others: Vec<_> = resource_slots(&slot, connection).collect();
            std::iter::once(slot).chain(others)
        });
        slots.collect()
    }

    /// The account itself, and as parent bots may have brought it.
    async fn unpin(&self, account: &ChannelAccount) -> Result<(), StorageFailure> {
        self.vault.unpin(account).await?;
        let bot = self.directory.find_bot(account.bot.as_str());
        for caller in bot.iter().flat_map(|bot| &bot.callers) {
            self.vault.unpin(&account_of_parent(account, &caller.app_id)).await?;
        }
        Ok(())
    }
}
