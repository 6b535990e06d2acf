use std::borrow::Cow;
use std::sync::Arc;

use super::binding::parent_accounts;
use crate::domain::{Bot, Connection, Timestamp, TokenSlot, UserKey, UserToken};
use crate::vault::{TokenVault, VaultError};

/// A token that a bot asks for: it names the user as the channel does.
#[derive(Clone, Copy)]
pub struct WantedToken<'a> {
    /// The bot.
    pub bot: &'a Arc<Bot>,
    /// The channel's slot.
    pub slot: &'a TokenSlot,
    /// The connection of the slot.
    pub connection: &'a Arc<Connection>,
}

/// The slots in which parent bots may have brought a token of the user whose channel slot is `slot`.
pub(super) fn parent_slots<'a>(bot: &'a Bot, slot: &'a TokenSlot) -> impl Iterator<Item = TokenSlot> + 'a {
    parent_accounts(bot, &slot.account).map(|account| TokenSlot { account, connection: slot.connection.clone() })
}

/// Where the wanted token is: of the slots with a usable token the one that was obtained last, else the first with a token
/// that can be refreshed, else the channel's. A parent's token counts only while the channel's account is not pinned to
/// another user. Costs nothing where no parent may call the bot.
pub(super) async fn find_slot_in_use<'a>(
    vault: &TokenVault,
    wanted: WantedToken<'a>,
) -> Result<Cow<'a, TokenSlot>, VaultError> {
    let WantedToken { bot, slot, connection } = wanted;
    if !bot.has_parents() {
        return Ok(Cow::Borrowed(slot));
    }
    let of_channel = vault.find(slot, connection.revision).await?;
    let pinned = vault.find_pin(&slot.account).await?;
    let mut latest = of_channel.map(|token| (token.obtained_at, Cow::Borrowed(slot)));
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

/// When the wanted token was obtained last, if it is usable.
///
/// # Errors
/// [`VaultError`] if the store fails.
pub async fn last_obtained(vault: &TokenVault, wanted: WantedToken<'_>) -> Result<Option<Timestamp>, VaultError> {
    let slot = find_slot_in_use(vault, wanted).await?;
    Ok(vault.find(&slot, wanted.connection.revision).await?.map(|token| token.obtained_at))
}

/// Without a usable token: the first slot with one that can be refreshed, else the channel's.
async fn find_refreshable_slot<'a>(
    vault: &TokenVault,
    wanted: WantedToken<'a>,
    pinned: Option<&UserKey>,
) -> Result<Cow<'a, TokenSlot>, VaultError> {
    let WantedToken { bot, slot, connection } = wanted;
    if !connection.asks_offline_access() || refreshable_user(vault, slot, connection).await?.is_some() {
        return Ok(Cow::Borrowed(slot));
    }
    for parent_slot in parent_slots(bot, slot) {
        let user = refreshable_user(vault, &parent_slot, connection).await?;
        if user.is_some_and(|user| pinned.is_none_or(|pinned| *pinned == user)) {
            return Ok(Cow::Owned(parent_slot));
        }
    }
    Ok(Cow::Borrowed(slot))
}

/// Whose token in `slot` can be refreshed, if one can.
async fn refreshable_user(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
) -> Result<Option<UserKey>, VaultError> {
    let record = vault.read(slot, connection.revision).await?;
    Ok(record.filter(|record| record.token.refresh_token.is_some()).map(|record| record.token.user))
}

/// Whether `slot` holds a token of another user than `user`, which is usable or can be refreshed.
pub(super) async fn is_held_by_another(
    vault: &TokenVault,
    slot: &TokenSlot,
    connection: &Connection,
    user: &UserKey,
) -> Result<bool, VaultError> {
    if let Some(token) = vault.find(slot, connection.revision).await? {
        return Ok(token.user != *user);
    }
    if !connection.asks_offline_access() {
        return Ok(false);
    }
    Ok(refreshable_user(vault, slot, connection).await?.is_some_and(|holder| holder != *user))
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
    if !slot.account.is_parent_account() {
        return Ok(false);
    }
    Ok(vault.find(&slot.as_channel_slot(), connection.revision).await?.is_some_and(is_users))
}

/// Ends what parent bots have brought of other users than `user` for a channel's slot, so that the account never goes over
/// to another person. To be called before a token of `user` is kept there, since a failure must leave nothing half done,
/// and after it, since a parent may have brought one meanwhile.
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
