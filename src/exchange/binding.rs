use super::outcome::{Reason, Refusal};
use super::request::{Caller, ExchangeRequest};
use crate::domain::{ChannelAccount, ChannelId, VerifiedUserIds};

/// What ties the token's user to the activity's user.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// The channel itself vouches for the Entra identity.
    ByChannel,
    /// This account is to be pinned to the first identity that succeeds.
    ByPin(ChannelAccount),
    /// The account is pinned to this very identity already.
    Pinned,
}

/// Decides how the token's user is bound to the activity's user, and refuses where they cannot be the same
/// (DESIGN §5.5). No lookup happens here.
pub(super) fn bind(request: &ExchangeRequest) -> Result<Binding, Refusal> {
    if let Caller::Parent { app_id } = &request.caller {
        let account = &request.account;
        let channel = ChannelId::base_of(&format!("parent/{app_id}/{}", account.channel));
        return Ok(Binding::ByPin(ChannelAccount { channel, ..account.clone() }));
    }
    if request.caller == Caller::Bot {
        return Ok(Binding::ByPin(request.account.clone()));
    }
    match request.account.channel.as_str() {
        "msteams" => bind_teams_user(request),
        "directline" | "webchat" => bind_verified_id(request),
        _ => Ok(Binding::ByPin(request.account.clone())),
    }
}

fn bind_teams_user(request: &ExchangeRequest) -> Result<Binding, Refusal> {
    let identity = &request.bot.identity;
    let token = &request.token;
    let object_id = request.aad_object_id.as_deref();
    if object_id.is_some_and(|id| !id.eq_ignore_ascii_case(&token.object_id)) {
        return Err(mismatch("oid", "the token's oid is not the activity's from.aadObjectId"));
    }
    let allowed_tenant = identity.cross_tenants.contains(&token.tenant_id);
    let foreign = |tenant: &String| !tenant.eq_ignore_ascii_case(&token.tenant_id);
    if !allowed_tenant && request.conversation.tenant_ids.iter().any(foreign) {
        return Err(mismatch("tid", "the token's tid is not the conversation's tenant: see identity.cross_tenants"));
    }
    if object_id.is_some() && !request.conversation.tenant_ids.is_empty() {
        return Ok(Binding::ByChannel);
    }
    if identity.allow_unidentified_teams_users {
        return Ok(Binding::ByPin(request.account.clone()));
    }
    Err(mismatch(
        "unidentified",
        "the Teams activity has no aadObjectId or no tenant: see identity.allow_unidentified_teams_users",
    ))
}

fn bind_verified_id(request: &ExchangeRequest) -> Result<Binding, Refusal> {
    let user = request.account.user.as_str();
    let verified = match &request.bot.identity.verified_user_ids {
        VerifiedUserIds::All => true,
        VerifiedUserIds::Prefixes(prefixes) => prefixes.iter().any(|prefix| user.starts_with(prefix.as_str())),
    };
    if verified {
        Ok(Binding::ByPin(request.account.clone()))
    } else {
        Err(mismatch(
            "unverified_id",
            "from.id is not one of identity.verified_user_ids: the client may have chosen it",
        ))
    }
}

pub(super) fn mismatch(check: &'static str, hint: &'static str) -> Refusal {
    Refusal::local(Reason::IdentityMismatch(check), hint)
}
