use std::borrow::Cow;
use std::sync::Arc;

use super::binding::parent_accounts;
use crate::domain::{Bot, Connection, TokenSlot, UserKey, UserToken};
use crate::vault::{TokenVault, VaultError};

/// The slots in which parent bots may have brought a token of the user whose channel slot is `slot`.
pub(super) fn parent_slots<'a>(bot: &'a Bot, slot: &'a TokenSlot) -> impl Iterator<Item = TokenSlot> + 'a {
    parent_accounts(bot, &slot.account).map(|account| TokenSlot { account, connection: slot.connection.clone() })
}

/// Where the token is that a bot asks for when it names the channel's `slot`: in that slot, else in the first parent's that
/// holds one. A parent's token counts only while the channel's account is not pinned to another user.
pub(super) async fn find_slot_in_use(
    vault: &TokenVault,
    bot: &Bot,
    slot: &TokenSlot,
    connection: &Connection,
) -> Result<TokenSlot, VaultError> {
    let revision = connection.revision;
    if vault.find(slot, revision).await?.is_some() || vault.read(slot, revision).await?.is_some() {
        return Ok(slot.clone());
    }
    let pinned = vault.find_pin(&slot.account).await?;
    for parent_slot in parent_slots(bot, slot) {
        let kept = vault.read(&parent_slot, revision).await?;
        let fits = |user: &UserKey| pinned.as_ref().is_none_or(|pinned| pinned == user);
        if kept.is_some_and(|record| fits(&record.token.user)) {
            return Ok(parent_slot);
        }
    }
    Ok(slot.clone())
}

/// Whether `user` has a token that an exchange for `slot` could have brought: no more after a sign-out. Where a parent has
/// brought the token, the channel's own counts as well.
pub(super) async fn is_kept(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
    user: &UserKey,
) -> Result<bool, VaultError> {
    let is_users = |token: Arc<UserToken>| token.user == *user;
    if vault.find(slot, connection.revision).await?.is_some_and(is_users) {
        return Ok(true);
    }
    match slot.as_channel_slot() {
        Cow::Borrowed(_) => Ok(false),
        Cow::Owned(slot) => Ok(vault.find(&slot, connection.revision).await?.is_some_and(is_users)),
    }
}

/// After a token of `user` was kept in the channel's `slot`: ends what parents have brought there of other users, so that
/// the account never goes over to another person when the channel's token ends. Nothing happens for a parent's slot.
///
/// # Errors
/// [`VaultError`] if the store fails.
pub async fn end_tokens_of_others(
    vault: &TokenVault,
    bot: &Bot,
    slot: &TokenSlot,
    connection: &Connection,
    user: &UserKey,
) -> Result<(), VaultError> {
    if matches!(slot.as_channel_slot(), Cow::Owned(_)) {
        return Ok(());
    }
    for parent_slot in parent_slots(bot, slot) {
        let kept = vault.read(&parent_slot, connection.revision).await?;
        if let Some(record) = kept.filter(|record| record.token.user != *user) {
            vault.remove(record).await?;
        }
    }
    Ok(())
}
