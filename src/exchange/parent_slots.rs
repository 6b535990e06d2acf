use std::borrow::Cow;
use std::sync::Arc;

use super::binding::parent_accounts;
use crate::domain::{Bot, Connection, Timestamp, TokenSlot, UserKey, UserToken};
use crate::vault::{TokenVault, VaultError};

/// A token that a bot asks for. A bot names the user by the channel's user id, so the slot is the channel's.
#[derive(Clone, Copy)]
pub struct WantedToken<'a> {
    /// The bot that asks.
    pub bot: &'a Arc<Bot>,
    /// The slot of the channel's account. The token may lie in the slot of a parent's account instead.
    pub slot: &'a TokenSlot,
    /// The connection of the slot.
    pub connection: &'a Arc<Connection>,
}

/// For each parent bot: the slot where a token lies that the parent brought for the user id of the channel's `slot`.
pub(super) fn parent_slots<'a>(bot: &'a Bot, slot: &'a TokenSlot) -> impl Iterator<Item = TokenSlot> + 'a {
    parent_accounts(bot, &slot.account).map(|account| TokenSlot { account, connection: slot.connection.clone() })
}

/// Finds the slot of the wanted token: the slot whose usable token was obtained last, else the first slot with a token
/// that can be refreshed, else the channel's slot. A parent's token is passed over if the channel's account is pinned
/// to another user. Reads nothing if no parent may call the bot.
pub(super) async fn find_slot_in_use<'a>(
    vault: &TokenVault,
    wanted: WantedToken<'a>,
) -> Result<Cow<'a, TokenSlot>, VaultError> {
    let WantedToken { bot, slot, connection } = wanted;
    if !bot.has_parents() {
        return Ok(Cow::Borrowed(slot));
    }
    let channel_token = vault.find(slot, connection.revision).await?;
    let pinned = vault.find_pin(&slot.account).await?;
    let mut latest = channel_token.map(|token| (token.obtained_at, Cow::Borrowed(slot)));
    for parent_slot in parent_slots(bot, slot) {
        let token = vault.find(&parent_slot, connection.revision).await?;
        let token = token.filter(|token| pinned.as_ref().is_none_or(|pinned| *pinned == token.user));
        let Some(token) = token else { continue };
        if latest.as_ref().is_none_or(|(obtained_at, _)| *obtained_at < token.obtained_at) {
            latest = Some((token.obtained_at, Cow::Owned(parent_slot)));
        }
    }
    if let Some((_, slot)) = latest {
        return Ok(slot);
    }
    find_refreshable_slot(vault, wanted, pinned.as_ref()).await
}

/// When the wanted token was obtained, if there is a usable one.
///
/// # Errors
/// [`VaultError`] if the store fails.
pub async fn last_obtained(vault: &TokenVault, wanted: WantedToken<'_>) -> Result<Option<Timestamp>, VaultError> {
    let slot = find_slot_in_use(vault, wanted).await?;
    Ok(vault.find(&slot, wanted.connection.revision).await?.map(|token| token.obtained_at))
}

/// Finds the slot with a token that can be refreshed, else the channel's slot. Of several slots the first with a token that
/// has not ended is found, because that token serves while its refresh fails.
async fn find_refreshable_slot<'a>(
    vault: &TokenVault,
    wanted: WantedToken<'a>,
    pinned: Option<&UserKey>,
) -> Result<Cow<'a, TokenSlot>, VaultError> {
    let WantedToken { bot, slot, connection } = wanted;
    if !connection.keeps_refresh_token() {
        return Ok(Cow::Borrowed(slot));
    }
    let channel_token = find_refreshable(vault, slot, connection).await?;
    if channel_token.as_ref().is_some_and(|token| !vault.has_ended(token)) {
        return Ok(Cow::Borrowed(slot));
    }
    let mut first_ended = channel_token.map(|_| Cow::Borrowed(slot));
    for parent_slot in parent_slots(bot, slot) {
        let token = find_refreshable(vault, &parent_slot, connection).await?;
        let token = token.filter(|token| pinned.is_none_or(|pinned| *pinned == token.user));
        let Some(token) = token else { continue };
        if !vault.has_ended(&token) {
            return Ok(Cow::Owned(parent_slot));
        }
        first_ended.get_or_insert(Cow::Owned(parent_slot));
    }
    Ok(first_ended.unwrap_or(Cow::Borrowed(slot)))
}

/// The token in `slot`, if it can be refreshed.
async fn find_refreshable(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
) -> Result<Option<UserToken>, VaultError> {
    let record = vault.read(slot, connection.revision).await?;
    Ok(record.map(|record| record.token).filter(|token| token.refresh_token.is_some()))
}

/// Whether `slot` holds a token of a user other than `user` that is usable or can be refreshed.
pub(super) async fn is_held_by_another(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
    user: &UserKey,
) -> Result<bool, VaultError> {
    if let Some(token) = vault.find(slot, connection.revision).await? {
        return Ok(token.user != *user);
    }
    if !connection.keeps_refresh_token() {
        return Ok(false);
    }
    Ok(find_refreshable(vault, slot, connection).await?.is_some_and(|token| token.user != *user))
}

/// Whether `slot` holds a usable token of `user`. False after a sign-out. For the slot of a parent's account, a token
/// in the channel's slot counts as well.
pub(super) async fn is_kept(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
    user: &UserKey,
) -> Result<bool, VaultError> {
    let belongs_to_user = |token: Arc<UserToken>| token.user == *user;
    if vault.find(slot, connection.revision).await?.is_some_and(belongs_to_user) {
        return Ok(true);
    }
    if !slot.account.is_parent_account() {
        return Ok(false);
    }
    Ok(vault.find(&slot.as_channel_slot(), connection.revision).await?.is_some_and(belongs_to_user))
}

/// Removes the tokens of users other than `user` that parent bots brought for the wanted slot's user id, so that one
/// user id never serves tokens of two people. Call it before a token of `user` is kept, so that a failure leaves
/// nothing half done, and again after it, because a parent may have brought another token in between.
///
/// # Errors
/// [`VaultError`] if the store fails.
pub async fn end_tokens_of_others(
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
