use std::sync::Arc;

use super::resource::resource_slots;
use crate::cards::PendingSignIns;
use crate::domain::{Account, Bot, Connection, TokenSlot, UserKey};
use crate::exchange::binding::parent_accounts;
use crate::exchange::parent_slots::parent_slots;
use crate::exchange::{SignInRequirements, StorageFailure};
use crate::vault::TokenVault;

/// The exchange's part of a sign-out: tokens, pins, cards that are out, and what the next sign-in was to bring.
#[derive(Clone)]
pub struct TokenSignOut {
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    requirements: SignInRequirements,
}

impl TokenSignOut {
    /// Signs out of `vault`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, cards: Arc<PendingSignIns>, requirements: SignInRequirements) -> Self {
        Self { vault, cards, requirements }
    }

    /// Ends the cards that were offered for these slots, which are of one channel's account.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn end_cards(&self, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        Ok(self.cards.end(slots).await?)
    }

    /// Removes the tokens in these channel slots, and those that parent bots of `bot` have brought for the same user. Takes
    /// back every right to keep one that was drawn before.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails; some tokens may then still be there.
    pub async fn forget(&self, bot: Option<&Bot>, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        for slot in slots {
            self.vault.forget(slot).await?;
            for parent_slot in bot.into_iter().flat_map(|bot| parent_slots(bot, slot)) {
                self.vault.forget(&parent_slot).await?;
            }
        }
        Ok(())
    }

    /// Removes the tokens for other resources of a user who is signed out of `slot`.
    ///
    /// # Errors
    /// As [`TokenSignOut::forget`].
    pub async fn forget_resources(
        &self,
        bot: Option<&Bot>,
        slot: &TokenSlot,
        connection: &Connection,
    ) -> Result<(), StorageFailure> {
        let of_parents = bot.into_iter().flat_map(|bot| parent_slots(bot, slot));
        for slot in std::iter::once(slot.clone()).chain(of_parents) {
            for resource_slot in resource_slots(&slot, connection) {
                self.vault.forget(&resource_slot).await?;
            }
        }
        Ok(())
    }

    /// Ends what the next sign-ins for these slots were to bring.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn end_requirements(&self, slots: &[TokenSlot]) -> Result<(), StorageFailure> {
        Ok(self.requirements.end(slots).await?)
    }

    /// Ends the pin of `account`, and the pins of the same user under each parent bot of `bot`: another person may sign in
    /// next.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn unpin(&self, bot: Option<&Bot>, account: &Account) -> Result<(), StorageFailure> {
        self.vault.unpin(account).await?;
        for parent_account in bot.into_iter().flat_map(|bot| parent_accounts(bot, account)) {
            self.vault.unpin(&parent_account).await?;
        }
        Ok(())
    }

    /// Ends every token of `user`, of all bots, channels and connections, and the pins and challenges of the user. Returns
    /// how many tokens were removed.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails. No token is handed out any more all the same; call again for the rest.
    pub async fn everywhere(&self, user: &UserKey) -> Result<usize, StorageFailure> {
        let tokens_removed = self.vault.raise_epoch(user).await?;
        self.requirements.end_challenges_of(user).await?;
        Ok(tokens_removed)
    }
}
