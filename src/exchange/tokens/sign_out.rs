use std::sync::Arc;

use super::resource::resource_slots;
use super::revocation::TokenRevocation;
use super::unkept::UnkeptTokens;
use crate::cards::PendingSignIns;
use crate::domain::{Account, Bot, Connection, TokenSlot, UserKey};
use crate::exchange::parent_slots::{parent_accounts, parent_slots};
use crate::exchange::{SignInRequirements, StorageFailure};
use crate::observability::{AuditEntry, AuditEvent};
use crate::vault::TokenVault;

/// The parts of a sign-out that this room owns: tokens, pins, pending cards, and the requirements of the next sign-in.
#[derive(Clone)]
pub struct TokenSignOut {
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    requirements: SignInRequirements,
    revocation: TokenRevocation,
    unkept: UnkeptTokens,
}

impl TokenSignOut {
    /// Removes tokens and pins from `vault`, cards from `cards`, needs and challenges from `requirements`, and the tokens
    /// that the store did not take from `unkept`. `revocation` revokes the removed tokens where the provider supports it.
    #[must_use]
    pub fn new(
        vault: Arc<TokenVault>,
        cards: Arc<PendingSignIns>,
        requirements: SignInRequirements,
        revocation: TokenRevocation,
        unkept: UnkeptTokens,
    ) -> Self {
        Self { vault, cards, requirements, revocation, unkept }
    }

    /// Ends the tokens in memory that the store did not take, as [`TokenSignOut::forget`] does the stored ones. It needs no
    /// store, so it comes first. Those of other replicas end there by their permits, which the sign-out revokes.
    pub fn end_unkept(&self, bot: Option<&Bot>, slots: &[TokenSlot]) {
        for slot in slots {
            let slots_of_parents = bot.into_iter().flat_map(|bot| parent_slots(bot, slot));
            for slot in std::iter::once(slot.clone()).chain(slots_of_parents) {
                self.revocation.begin(self.unkept.take(&slot));
            }
        }
    }

    /// Ends the pending cards of these slots, which belong to one account. Cards are sent to accounts of channels only.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn end_cards(&self, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        Ok(self.cards.end(slots).await?)
    }

    /// Removes the tokens in these slots of one account, and the tokens that parent bots of `bot` brought for the same user
    /// id. Revokes every permit that was drawn for one of these slots before.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails; some tokens may then still be there.
    pub async fn forget(&self, bot: Option<&Bot>, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        for slot in slots {
            let slots_of_parents = bot.into_iter().flat_map(|bot| parent_slots(bot, slot));
            for slot in std::iter::once(slot.clone()).chain(slots_of_parents) {
                let removed = self.vault.take(&slot).await;
                // A refresh that found the user signed in may have held its token meanwhile.
                self.revocation.begin(self.unkept.take(&slot));
                let removed = removed?;
                if let Some(removed) = &removed {
                    AuditEntry::new(AuditEvent::SignedOut).slot(&slot).user(&removed.token.user).write();
                }
                self.revocation.begin(removed);
            }
        }
        Ok(())
    }

    /// Removes the tokens for other resources that were obtained with the token of `slot`.
    ///
    /// # Errors
    /// As [`TokenSignOut::forget`].
    pub async fn forget_resources(
        &self,
        bot: Option<&Bot>,
        slot: &TokenSlot,
        connection: &Connection,
    ) -> Result<(), StorageFailure> {
        let slots_of_parents = bot.into_iter().flat_map(|bot| parent_slots(bot, slot));
        for slot in std::iter::once(slot.clone()).chain(slots_of_parents) {
            for resource_slot in resource_slots(&slot, connection) {
                self.vault.forget(&resource_slot).await?;
            }
        }
        Ok(())
    }

    /// Removes the needs and challenges of these slots.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn end_requirements(&self, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        Ok(self.requirements.end(slots).await?)
    }

    /// Removes the pins of `account` and of the same user id under each parent bot of `bot`, so that another person may
    /// sign in next. `connections` are those of the account's holder: their issuers are those that an account can have pins
    /// of, beside Entra.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn unpin(
        &self,
        bot: Option<&Bot>,
        account: &Account,
        connections: &[Arc<Connection>],
    ) -> Result<(), StorageFailure> {
        let issuers = connections.iter().filter_map(|connection| connection.exchange.own_issuer());
        let issuers: Vec<String> = issuers.map(str::to_owned).collect();
        self.vault.unpin(account, &issuers).await?;
        for parent_account in bot.into_iter().flat_map(|bot| parent_accounts(bot, account)) {
            self.vault.unpin(&parent_account, &issuers).await?;
        }
        Ok(())
    }

    /// Removes every token of `user` for all bots, channels and connections, and the user's pins and challenges.
    /// Returns how many tokens were removed.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails. Call again to remove the rest; no token is handed out in the meantime.
    pub async fn everywhere(&self, user: &UserKey) -> Result<usize, StorageFailure> {
        let removed = self.vault.raise_epoch(user).await;
        self.revocation.begin(self.unkept.take_of_user(user));
        let removed = removed?;
        self.revocation.begin(removed.tokens);
        self.requirements.end_challenges_of_user(user).await?;
        Ok(removed.count)
    }
}
