use super::outcome::{Reason, Refusal};
use super::request::{Caller, ExchangeRequest};
use crate::domain::{Account, Bot, ChannelKind};

/// What ties the token's user to the activity's user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The channel itself states the Entra identity: what an account was pinned to before does not matter.
    pub(super) by_channel: bool,
    /// Accounts that must not be pinned to anybody else.
    pub(super) held_to: Vec<Account>,
    /// Accounts that are pinned to this identity once it succeeds, until sign-out.
    pub(super) pins: Vec<Account>,
}

/// Decides how the token's user is bound to the activity's user, and refuses where they cannot be the same
/// (DESIGN §5.5). No lookup happens here.
pub(super) fn bind(request: &ExchangeRequest) -> Result<Binding, Refusal> {
    let account = &request.account;
    let channel = account.channel_kind();
    if channel == ChannelKind::Emulator {
        return Err(mismatch(
            "emulator",
            "an emulator's user is whoever its operator writes: they can sign in by code only",
        ));
    }
    if let Caller::Parent { app_id } = &request.caller {
        // A parent seldom knows the Entra identity, but what it states must be true. The token lands in the channel
        // account's slot, so whom the channel's own traffic is pinned to counts as well.
        check_stated_identity(request)?;
        let of_parent = account.as_parent_account(app_id);
        let held_to = vec![of_parent.clone(), account.clone()];
        return Ok(Binding { by_channel: false, held_to, pins: vec![of_parent] });
    }
    if request.caller == Caller::Bot {
        // What the bot's card said of the user: the bot has it from its channel.
        check_stated_identity(request)?;
    }
    match channel {
        ChannelKind::Teams => bind_teams_user(request),
        channel if channel.lets_clients_choose_user_ids() => bind_verified_id(request),
        _ => Ok(by_pin(request)),
    }
}

/// Whether a token that `account` sends to `bot` may ever be bound: where it cannot, a card must not ask a client for one.
/// A parent vouches for ids that its channel's clients choose.
#[must_use]
pub fn may_be_bound(bot: &Bot, account: &Account) -> bool {
    match account.channel_kind() {
        ChannelKind::Emulator => false,
        channel if channel.lets_clients_choose_user_ids() => {
            bot.identity.verified_user_ids.contains(account.subject.as_str()) || bot.has_parents()
        }
        _ => true,
    }
}

fn by_pin(request: &ExchangeRequest) -> Binding {
    let account = request.account.clone();
    Binding { by_channel: false, held_to: vec![account.clone()], pins: vec![account] }
}

fn bind_teams_user(request: &ExchangeRequest) -> Result<Binding, Refusal> {
    check_stated_identity(request)?;
    let identity = &request.bot.identity;
    if request.caller == Caller::Bot && request.bot.has_parents() {
        // What the bot states it may have from a parent, which is no channel: nobody is pinned by that.
        return Ok(Binding { pins: Vec::new(), ..by_pin(request) });
    }
    if request.aad_object_id.is_some() && !request.conversation.tenant_ids.is_empty() {
        // Nobody but a parent bot asks for this pin.
        let pins = if request.bot.has_parents() { vec![request.account.clone()] } else { Vec::new() };
        return Ok(Binding { by_channel: true, held_to: Vec::new(), pins });
    }
    // A bot that states nothing of its user vouches for the id alone.
    if identity.allow_unidentified_teams_users || request.caller == Caller::Bot {
        return Ok(by_pin(request));
    }
    Err(mismatch(
        "unidentified",
        "the Teams activity has no aadObjectId or no tenant: see identity.allow_unidentified_teams_users",
    ))
}

/// What the activity says of the user's Entra identity must fit the token.
fn check_stated_identity(request: &ExchangeRequest) -> Result<(), Refusal> {
    let token = &request.token;
    if request.aad_object_id.as_deref().is_some_and(|id| !id.eq_ignore_ascii_case(&token.object_id)) {
        return Err(mismatch("oid", "the token's oid is not the activity's from.aadObjectId"));
    }
    let allowed_tenant = request.bot.identity.cross_tenants.contains(&token.tenant_id);
    let foreign = |tenant: &String| !tenant.eq_ignore_ascii_case(&token.tenant_id);
    if !allowed_tenant && request.conversation.tenant_ids.iter().any(foreign) {
        return Err(mismatch("tid", "the token's tid is not the conversation's tenant: see identity.cross_tenants"));
    }
    Ok(())
}

fn bind_verified_id(request: &ExchangeRequest) -> Result<Binding, Refusal> {
    if request.bot.identity.verified_user_ids.contains(request.account.subject.as_str()) {
        return Ok(by_pin(request));
    }
    Err(mismatch("unverified_id", "from.id is not one of identity.verified_user_ids: the client may have chosen it"))
}

pub(super) fn mismatch(check: &'static str, hint: &'static str) -> Refusal {
    Refusal::local(Reason::IdentityMismatch(check), hint)
}
