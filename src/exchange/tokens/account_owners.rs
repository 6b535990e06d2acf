use std::sync::Arc;

use crate::domain::{Account, Bot, ChannelId, Registrations, TokenSlot, UserKey};
use crate::exchange::StorageFailure;
use crate::exchange::parent_slots::parent_accounts;
use crate::vault::TokenVault;

/// Finds who owns the accounts of a channel, as tokens and pins show. The store is asked for the names of
/// the records alone: its index lists the records of a person, and not those of an account.
#[derive(Clone)]
pub struct AccountOwners {
    vault: Arc<TokenVault>,
    registrations: Arc<Registrations>,
}

/// An account and its persons.
#[derive(Clone, Debug)]
pub struct OwnedAccount {
    /// The account.
    pub account: Account,
    /// The persons: the one of Entra, and at most one of each other issuer.
    pub users: Vec<UserKey>,
}

impl AccountOwners {
    /// Asks `vault` about the bots and connections in `registrations`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, registrations: Arc<Registrations>) -> Self {
        Self { vault, registrations }
    }

    /// Finds the persons who have the id `subject` in `channel`, at each bot, and at each parent of a bot. An account without a
    /// person is left out.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn find(&self, channel: &ChannelId, subject: &str) -> Result<Vec<OwnedAccount>, StorageFailure> {
        let mut owned = Vec::new();
        for bot in self.registrations.bots() {
            let at_channel = Account::of_channel(&bot.name, channel.clone(), subject);
            let at_parents: Vec<_> = parent_accounts(bot, &at_channel).collect();
            for account in std::iter::once(at_channel).chain(at_parents) {
                let users = self.list_users(bot, &account).await?;
                if !users.is_empty() {
                    owned.push(OwnedAccount { account, users });
                }
            }
        }
        Ok(owned)
    }

    async fn list_users(&self, bot: &Bot, account: &Account) -> Result<Vec<UserKey>, StorageFailure> {
        let connections = self.registrations.list_connections(bot.name.as_str());
        let issuers = connections.iter().filter_map(|connection| connection.exchange.own_issuer());
        let issuers: Vec<String> = issuers.map(str::to_owned).collect();
        let mut users = self.vault.find_pins(account, &issuers).await?;
        for connection in connections {
            let slot = TokenSlot::new(account, &connection.name);
            let owner = self.vault.find_owner(&slot).await?.filter(|owner| !users.contains(owner));
            users.extend(owner);
        }
        Ok(users)
    }
}
