use std::sync::Arc;

use crate::domain::{Account, Bot, Connection, TokenSlot, UserKey};
use crate::vault::{TokenVault, VaultError};

/// A token that is asked for.
#[derive(Clone, Copy)]
pub struct WantedToken<'a> {
    /// The bot that asks.
    pub bot: &'a Arc<Bot>,
    /// The slot of the token.
    pub slot: &'a TokenSlot,
    /// The connection of the slot.
    pub connection: &'a Arc<Connection>,
}

/// The place of a token that is asked for. Its holder need not be a bot.
#[derive(Clone, Copy)]
pub struct TokenPlace<'a> {
    /// The slot of the token.
    pub slot: &'a TokenSlot,
    /// The connection of the slot.
    pub connection: &'a Arc<Connection>,
}

impl<'a> From<WantedToken<'a>> for TokenPlace<'a> {
    fn from(wanted: WantedToken<'a>) -> Self {
        Self { slot: wanted.slot, connection: wanted.connection }
    }
}

/// For each parent bot that may call `bot`: the parent's account with the user id of the channel's `account`.
pub(super) fn parent_accounts<'a>(bot: &'a Bot, account: &'a Account) -> impl Iterator<Item = Account> + 'a {
    bot.callers.iter().map(|parent| account.as_parent_account(&parent.app_id))
}

/// For each parent bot: the slot where a token lies that the parent brought for the user id of the channel's `slot`.
pub fn parent_slots<'a>(bot: &'a Bot, slot: &'a TokenSlot) -> impl Iterator<Item = TokenSlot> + 'a {
    parent_accounts(bot, &slot.account).map(|account| TokenSlot { account, connection: slot.connection.clone() })
}

/// Whether `slot` holds a usable token of `user`. False after a sign-out.
pub(super) async fn is_kept(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
    user: &UserKey,
) -> Result<bool, VaultError> {
    Ok(vault.find(slot, connection.revision).await?.is_some_and(|token| token.user == *user))
}

/// Removes the tokens of users other than `user` that parent bots brought for the user id of the channel's `slot`, because
/// the channel has shown that the id belongs to `user`.
pub(super) async fn end_tokens_of_others(
    vault: &TokenVault,
    wanted: WantedToken<'_>,
    user: &UserKey,
) -> Result<(), VaultError> {
    for parent_slot in parent_slots(wanted.bot, wanted.slot) {
        let kept = vault.read(&parent_slot, wanted.connection.revision).await?;
        if kept.is_some_and(|record| record.token.user != *user) {
            vault.forget(&parent_slot).await?;
        }
    }
    Ok(())
}
