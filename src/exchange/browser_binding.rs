use super::parent_slots::WantedToken;
use crate::cards::StatedIdentity;
use crate::domain::{Account, Bot, ChannelKind, UserKey};

/// What a browser sign-in proves about the account that its card was issued to
/// (docs/architecture.md §Security rules, rule 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserBinding {
    /// The channel stated the same Entra identity that signed in: the account gets the token at once.
    Proven,
    /// As [`BrowserBinding::Proven`] if the channel's own traffic has pinned the account to this user and no parent bot
    /// spoke last; otherwise as [`BrowserBinding::CodeByHand`].
    ProvenIfPinned,
    /// The page may pass the code to the chat client that shows it: no stated identity contradicts the user who signed
    /// in.
    CodeByPage,
    /// The user types the code into the chat.
    CodeByHand,
    /// As [`BrowserBinding::NoCode`] if a silent exchange has shown that the account belongs to another person;
    /// otherwise as [`BrowserBinding::CodeByHand`].
    CodeUnlessOwnerIsKnown,
    /// The channel states the identity of its user in full, and another person has signed in: no code is issued, and
    /// none is redeemed.
    NoCode,
}

/// The Entra identity of the user who signed in in a browser, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct ProvenIdentity<'a> {
    /// The object id, if Entra is the issuer.
    pub object_id: Option<&'a str>,
    /// The tenant, if Entra is the issuer.
    pub tenant_id: Option<&'a str>,
}

impl<'a> ProvenIdentity<'a> {
    /// The identity of `user`.
    #[must_use]
    pub fn of_user(user: &'a UserKey) -> Self {
        let tenant_id = user.tenant_id();
        Self { object_id: tenant_id.map(|_| user.subject()), tenant_id }
    }

    fn is_object(&self, object_id: &str) -> bool {
        self.object_id.is_some_and(|proven| proven.eq_ignore_ascii_case(object_id))
    }

    fn is_of_tenant(&self, tenant_id: &str) -> bool {
        self.tenant_id.is_some_and(|proven| proven.eq_ignore_ascii_case(tenant_id))
    }
}

/// How the identity that a card states compares with the user who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdentityFit {
    /// Object id and tenant are stated, and all match.
    Full,
    /// Everything that is stated matches, but not enough is stated for a proof.
    NotContradicted,
    /// The stated object id or tenant is another one.
    Contradicted,
    /// The stated object id is another one, in a conversation whose tenant may not be the user's.
    ContradictedInGroup,
    /// Object id and tenant are stated in full, and they are another person's.
    AnotherPerson,
}

/// The table for browser sign-ins. Only Teams states the Entra identity of its users. A bot that keeps parents apart may
/// repeat what a parent told it, and a parent is not a channel, so its statement needs a pin.
#[rustfmt::skip]
const fn choose_browser_rule(channel: ChannelKind, keeps_parents_apart: bool, fit: IdentityFit) -> BrowserBinding {
    match (channel, fit) {
        (ChannelKind::Teams, IdentityFit::AnotherPerson)               => BrowserBinding::NoCode,
        (ChannelKind::Teams, IdentityFit::ContradictedInGroup)         => BrowserBinding::CodeUnlessOwnerIsKnown,
        (ChannelKind::Teams, IdentityFit::Full) if keeps_parents_apart => BrowserBinding::ProvenIfPinned,
        (ChannelKind::Teams, IdentityFit::Full)                        => BrowserBinding::Proven,
        (ChannelKind::Teams, IdentityFit::NotContradicted) if !keeps_parents_apart => BrowserBinding::CodeByPage,
        _                                                              => BrowserBinding::CodeByHand,
    }
}

/// Decides how the browser sign-in of `proven` is bound to the account of the wanted slot, which is that of the card or
/// of the activity that brings the code. `stated` is what the card or the activity states about its user.
#[must_use]
pub fn bind_browser_sign_in(
    wanted: WantedToken<'_>,
    stated: &StatedIdentity,
    proven: ProvenIdentity<'_>,
) -> BrowserBinding {
    let fit = match compare_identity(wanted.bot, stated, proven) {
        IdentityFit::AnotherPerson | IdentityFit::ContradictedInGroup if wanted.connection.allow_other_accounts => {
            IdentityFit::Contradicted
        }
        fit => fit,
    };
    choose_browser_rule(wanted.slot.account.channel_kind(), wanted.bot.keeps_parents_apart(), fit)
}

/// Whether the user who signed in is another person than the one whom Teams states for `account`: the object id
/// differs, or, where none is stated, the tenant. The same object id in another tenant's conversation is the same person
/// (a shared channel states the host's tenant).
#[must_use]
pub fn is_another_person(account: &Account, stated: &StatedIdentity, proven: ProvenIdentity<'_>) -> bool {
    if proven.object_id.is_none() || proven.tenant_id.is_none() {
        return false;
    }
    account.channel_kind().is_teams()
        && match &stated.object_id {
            Some(stated) => !proven.is_object(stated),
            None => stated.tenant_ids.iter().any(|stated| !proven.is_of_tenant(stated)),
        }
}

fn compare_identity(bot: &Bot, stated: &StatedIdentity, proven: ProvenIdentity<'_>) -> IdentityFit {
    let StatedIdentity { object_id, tenant_ids, in_group, .. } = stated;
    let is_object = |stated: &str| proven.is_object(stated);
    let tenants_fit = !tenant_ids.is_empty() && tenant_ids.iter().all(|stated| proven.is_of_tenant(stated));
    if tenants_fit && object_id.as_deref().is_some_and(is_object) {
        return IdentityFit::Full;
    }
    let is_other_object =
        proven.object_id.is_some() && object_id.as_deref().is_some_and(|stated| !proven.is_object(stated));
    if is_other_object {
        // The tenant of a group or a channel may be the host's, so an account of another tenant may be the same person's.
        return match in_group {
            false if !tenant_ids.is_empty() => IdentityFit::AnotherPerson,
            true if tenant_ids.iter().any(|stated| proven.is_of_tenant(stated)) => IdentityFit::AnotherPerson,
            true => IdentityFit::ContradictedInGroup,
            false => IdentityFit::Contradicted,
        };
    }
    let is_cross_tenant =
        proven.tenant_id.is_some_and(|tenant| bot.identity.cross_tenants.iter().any(|listed| listed == tenant));
    let is_foreign = proven.tenant_id.is_some() && tenant_ids.iter().any(|stated| !proven.is_of_tenant(stated));
    if is_foreign && !is_cross_tenant {
        return IdentityFit::Contradicted;
    }
    IdentityFit::NotContradicted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_sign_in_needs_a_code_unless_teams_stated_the_user() {
        for (channel, keeps_parents_apart, fit, binding) in [
            (ChannelKind::Teams, false, IdentityFit::Full, BrowserBinding::Proven),
            (ChannelKind::Teams, true, IdentityFit::Full, BrowserBinding::ProvenIfPinned),
            (ChannelKind::Teams, false, IdentityFit::NotContradicted, BrowserBinding::CodeByPage),
            (ChannelKind::Teams, true, IdentityFit::NotContradicted, BrowserBinding::CodeByHand),
            (ChannelKind::Teams, false, IdentityFit::Contradicted, BrowserBinding::CodeByHand),
            (ChannelKind::Teams, false, IdentityFit::ContradictedInGroup, BrowserBinding::CodeUnlessOwnerIsKnown),
            (ChannelKind::Teams, false, IdentityFit::AnotherPerson, BrowserBinding::NoCode),
            (ChannelKind::Teams, true, IdentityFit::AnotherPerson, BrowserBinding::NoCode),
            (ChannelKind::WebChat, false, IdentityFit::Full, BrowserBinding::CodeByHand),
            (ChannelKind::WebChat, false, IdentityFit::AnotherPerson, BrowserBinding::CodeByHand),
            (ChannelKind::Emulator, false, IdentityFit::NotContradicted, BrowserBinding::CodeByHand),
            (ChannelKind::Other, false, IdentityFit::Full, BrowserBinding::CodeByHand),
        ] {
            let chosen = choose_browser_rule(channel, keeps_parents_apart, fit);
            assert_eq!(chosen, binding, "{channel:?} {keeps_parents_apart} {fit:?}");
        }
    }
}
