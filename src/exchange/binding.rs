use super::evidence::Evidence;
use super::outcome::{Reason, Refusal};
use crate::cards::StatedIdentity;
use crate::domain::{Account, Bot, ChannelKind, ExchangeableToken};

/// What ties the token's user to the account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The channel itself states the Entra identity: what the account was pinned to before does not matter.
    pub(super) by_channel: bool,
    /// Accounts that must not be pinned to anybody else.
    pub(super) held_to: Vec<Account>,
    /// Accounts that are pinned to this identity once it succeeds, until sign-out.
    pub(super) pins: Vec<Account>,
    /// Accounts of the same user id, none of which may hold another identity's token: of a parent's account the channel's
    /// and the other parents', of the account that a bot names the parents'.
    pub(super) siblings: Vec<Account>,
}

/// How the token's user is bound to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The channel states the user's Entra identity in full, and that is the proof.
    StatedByChannel,
    /// The account belongs to who succeeds first, until sign-out.
    FirstSuccess,
    /// The same, but this exchange pins nobody.
    FirstSuccessOfAnother,
    /// The parent's account belongs to who succeeds first, and must fit the channel's account.
    FirstSuccessAtParent,
    /// The two cannot be the same.
    Refused(Unbound),
}

/// Why a token cannot be bound to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unbound {
    Emulator,
    Unidentified,
    UnverifiedId,
}

/// Who vouches, by the kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voucher {
    Channel,
    Parent,
    Bot,
}

/// What is stated of the user's Entra identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statement {
    /// Object id and tenant.
    InFull,
    /// Less than that, which the operator allows of Teams.
    Lacking,
    /// Less than that, which Teams must not do.
    NotAllowed,
}

/// What the rules are chosen by.
#[derive(Clone, Copy, Debug)]
struct Facts {
    voucher: Voucher,
    channel: ChannelKind,
    /// Parent bots may call the bot.
    has_parents: bool,
    statement: Statement,
    /// The bot says that ids as this one are verified.
    id_is_verified: bool,
}

/// The table: which rule binds, the first row that fits (DESIGN §5.5).
#[rustfmt::skip]
const fn rule_of(facts: Facts) -> Rule {
    use ChannelKind::{DirectLine, Emulator, Teams, WebChat};
    let Facts { voucher, channel, has_parents, statement, id_is_verified } = facts;
    match (voucher, channel) {
        (_, Emulator)                                                        => Rule::Refused(Unbound::Emulator),
        (Voucher::Parent, _)                                                 => Rule::FirstSuccessAtParent,
        // What the bot states it may have from a parent, which is no channel.
        (Voucher::Bot, Teams) if has_parents                                 => Rule::FirstSuccessOfAnother,
        (_, Teams) if matches!(statement, Statement::InFull)                 => Rule::StatedByChannel,
        // A bot that states nothing of its user vouches for the id alone; a channel has to state more.
        (Voucher::Channel, Teams) if matches!(statement, Statement::NotAllowed) => Rule::Refused(Unbound::Unidentified),
        (_, DirectLine | WebChat) if !id_is_verified                         => Rule::Refused(Unbound::UnverifiedId),
        _                                                                    => Rule::FirstSuccess,
    }
}

/// Whether what is stated of the user's Entra identity must fit the token. Channels other than Teams state none.
const fn must_fit_statement(facts: Facts) -> bool {
    !matches!(facts.voucher, Voucher::Channel) || facts.channel.is_teams()
}

/// Decides how the token's user is bound to `account`, and refuses where they cannot be the same. No lookup happens here.
pub(super) fn bind(
    bot: &Bot,
    account: &Account,
    evidence: &Evidence,
    token: &ExchangeableToken,
) -> Result<Binding, Refusal> {
    let facts = facts_of(bot, account, evidence);
    let rule = rule_of(facts);
    if rule != Rule::Refused(Unbound::Emulator) && must_fit_statement(facts) {
        check_statement(bot, evidence.stated(), token)?;
    }
    let own = || vec![account.clone()];
    let siblings = match evidence {
        // What a parent has brought does not hinder the channel itself.
        Evidence::Activity(_) => Vec::new(),
        Evidence::Bot(_) => parent_accounts(bot, account).collect(),
        Evidence::Parent(_) => siblings_of_parent(bot, account),
    };
    let plain = Binding { by_channel: false, held_to: Vec::new(), pins: Vec::new(), siblings };
    Ok(match rule {
        // Only a parent bot's exchange looks for this pin.
        Rule::StatedByChannel if bot.has_parents() => Binding { by_channel: true, pins: own(), ..plain },
        Rule::StatedByChannel => Binding { by_channel: true, ..plain },
        Rule::FirstSuccess => Binding { held_to: own(), pins: own(), ..plain },
        Rule::FirstSuccessOfAnother => Binding { held_to: own(), ..plain },
        Rule::FirstSuccessAtParent => {
            let of_channel = account.as_channel_account().into_owned();
            Binding { held_to: vec![account.clone(), of_channel], pins: own(), ..plain }
        }
        Rule::Refused(unbound) => return Err(refusal_of(unbound)),
    })
}

/// The channel's account of the same user, and those under the other parents.
fn siblings_of_parent(bot: &Bot, account: &Account) -> Vec<Account> {
    let of_channel = account.as_channel_account().into_owned();
    let other_parents: Vec<_> = parent_accounts(bot, &of_channel).filter(|other| other != account).collect();
    std::iter::once(of_channel).chain(other_parents).collect()
}

/// The accounts of the same user under each parent bot that may call `bot`; `account` is the channel's.
pub(super) fn parent_accounts<'a>(bot: &'a Bot, account: &'a Account) -> impl Iterator<Item = Account> + 'a {
    bot.callers.iter().map(|parent| account.as_parent_account(&parent.app_id))
}

/// Whether a token that `account` sends to `bot` may ever be bound: where it cannot, a card must not ask a client for one.
/// A parent vouches for ids that its channel's clients choose.
#[must_use]
pub fn may_be_bound(bot: &Bot, account: &Account) -> bool {
    let channel = account.channel_kind();
    let is_verified = bot.identity.verified_user_ids.contains(account.subject.as_str());
    channel != ChannelKind::Emulator && (!channel.lets_clients_choose_user_ids() || is_verified || bot.has_parents())
}

fn facts_of(bot: &Bot, account: &Account, evidence: &Evidence) -> Facts {
    let stated = evidence.stated();
    let channel = account.channel_kind();
    Facts {
        voucher: match evidence {
            Evidence::Activity(_) => Voucher::Channel,
            Evidence::Parent(_) => Voucher::Parent,
            Evidence::Bot(_) => Voucher::Bot,
        },
        channel,
        has_parents: bot.has_parents(),
        statement: match stated {
            StatedIdentity { object_id: Some(_), tenant_ids } if !tenant_ids.is_empty() => Statement::InFull,
            _ if bot.identity.allow_unidentified_teams_users => Statement::Lacking,
            _ => Statement::NotAllowed,
        },
        id_is_verified: !channel.lets_clients_choose_user_ids()
            || bot.identity.verified_user_ids.contains(account.subject.as_str()),
    }
}

/// What is stated of the user's Entra identity must fit the token.
fn check_statement(bot: &Bot, stated: &StatedIdentity, token: &ExchangeableToken) -> Result<(), Refusal> {
    if stated.object_id.as_deref().is_some_and(|id| !id.eq_ignore_ascii_case(&token.object_id)) {
        return Err(mismatch("oid", "the token's oid is not the activity's from.aadObjectId"));
    }
    let is_foreign = |tenant: &String| !tenant.eq_ignore_ascii_case(&token.tenant_id);
    if !bot.identity.cross_tenants.contains(&token.tenant_id) && stated.tenant_ids.iter().any(is_foreign) {
        return Err(mismatch("tid", "the token's tid is not the conversation's tenant: see identity.cross_tenants"));
    }
    Ok(())
}

fn refusal_of(unbound: Unbound) -> Refusal {
    match unbound {
        Unbound::Emulator => {
            mismatch("emulator", "an emulator's user is whoever its operator writes: they can sign in by code only")
        }
        Unbound::Unidentified => mismatch(
            "unidentified",
            "the Teams activity has no aadObjectId or no tenant: see identity.allow_unidentified_teams_users",
        ),
        Unbound::UnverifiedId => {
            mismatch("unverified_id", "from.id is not one of identity.verified_user_ids: the client may have chosen it")
        }
    }
}

pub(super) fn mismatch(check: &'static str, hint: &'static str) -> Refusal {
    Refusal::local(Reason::IdentityMismatch(check), hint)
}

/// What a browser sign-in proves for the account that its card was for (DESIGN §5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserBinding {
    /// The channel itself has said that its user is who has signed in: the token is the account's at once.
    Proven,
    /// The same, if the channel's own traffic has pinned the account to this user; else as [`BrowserBinding::CodeByHand`].
    ProvenIfPinned,
    /// The page may hand the code to the client that shows it: nothing says that another person has signed in.
    CodeByPage,
    /// The user carries the code into the chat by hand, past what asks for it.
    CodeByHand,
}

/// Who has signed in in a browser, as far as an Entra identity is known.
#[derive(Clone, Copy, Debug)]
pub struct ProvenIdentity<'a> {
    /// The object id, if Entra is the issuer.
    pub object_id: Option<&'a str>,
    /// The tenant, if Entra is the issuer.
    pub tenant_id: Option<&'a str>,
}

/// How what a card states of its user fits who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// Object id and every tenant are stated, and all are this user's.
    InFull,
    /// Nothing that is stated speaks against it.
    NotContradicted,
    /// Something that is stated is another user's.
    Contradicted,
}

/// The table for browsers. Teams alone states the Entra identity of its users; what a bot states of them may also come from
/// a parent, which is no channel.
#[rustfmt::skip]
const fn browser_rule_of(channel: ChannelKind, has_parents: bool, fit: Fit) -> BrowserBinding {
    match (channel, fit) {
        (ChannelKind::Teams, Fit::InFull) if has_parents  => BrowserBinding::ProvenIfPinned,
        (ChannelKind::Teams, Fit::InFull)                 => BrowserBinding::Proven,
        (ChannelKind::Teams, Fit::NotContradicted) if !has_parents => BrowserBinding::CodeByPage,
        _                                                 => BrowserBinding::CodeByHand,
    }
}

/// Decides how a browser sign-in of `proven` is bound to the account of the card, of which `stated` was said.
#[must_use]
pub fn bind_browser_sign_in(
    bot: &Bot,
    account: &Account,
    stated: &StatedIdentity,
    proven: ProvenIdentity<'_>,
) -> BrowserBinding {
    browser_rule_of(account.channel_kind(), bot.has_parents(), fit_of(bot, stated, proven))
}

fn fit_of(bot: &Bot, stated: &StatedIdentity, proven: ProvenIdentity<'_>) -> Fit {
    let StatedIdentity { object_id, tenant_ids } = stated;
    let is = |proven: Option<&str>, stated: &str| proven.is_some_and(|proven| proven.eq_ignore_ascii_case(stated));
    let differs = |proven: Option<&str>, stated: &str| proven.is_some() && !is(proven, stated);
    let tenants_fit = !tenant_ids.is_empty() && tenant_ids.iter().all(|stated| is(proven.tenant_id, stated));
    if tenants_fit && object_id.as_deref().is_some_and(|stated| is(proven.object_id, stated)) {
        return Fit::InFull;
    }
    let is_cross_tenant =
        proven.tenant_id.is_some_and(|tenant| bot.identity.cross_tenants.iter().any(|listed| listed == tenant));
    let is_foreign = !is_cross_tenant && tenant_ids.iter().any(|stated| differs(proven.tenant_id, stated));
    if is_foreign || object_id.as_deref().is_some_and(|stated| differs(proven.object_id, stated)) {
        return Fit::Contradicted;
    }
    Fit::NotContradicted
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: Facts = Facts {
        voucher: Voucher::Channel,
        channel: ChannelKind::Teams,
        has_parents: false,
        statement: Statement::InFull,
        id_is_verified: true,
    };

    #[test]
    fn each_kind_of_evidence_binds_by_the_row_of_its_channel() {
        use ChannelKind::{DirectLine, Emulator, Other, Teams, WebChat};
        let unstated = Facts { statement: Statement::NotAllowed, ..EVERYTHING };
        let of = |voucher, channel| Facts { voucher, channel, ..unstated };
        for (facts, rule) in [
            (EVERYTHING, Rule::StatedByChannel),
            (Facts { has_parents: true, ..EVERYTHING }, Rule::StatedByChannel),
            (unstated, Rule::Refused(Unbound::Unidentified)),
            (Facts { statement: Statement::Lacking, ..unstated }, Rule::FirstSuccess),
            (Facts { voucher: Voucher::Bot, ..EVERYTHING }, Rule::StatedByChannel),
            (of(Voucher::Bot, Teams), Rule::FirstSuccess),
            (Facts { has_parents: true, voucher: Voucher::Bot, ..EVERYTHING }, Rule::FirstSuccessOfAnother),
            (Facts { has_parents: true, ..of(Voucher::Bot, Teams) }, Rule::FirstSuccessOfAnother),
            (Facts { voucher: Voucher::Parent, ..EVERYTHING }, Rule::FirstSuccessAtParent),
            (of(Voucher::Parent, WebChat), Rule::FirstSuccessAtParent),
            (Facts { id_is_verified: false, ..of(Voucher::Parent, DirectLine) }, Rule::FirstSuccessAtParent),
            (of(Voucher::Channel, DirectLine), Rule::FirstSuccess),
            (of(Voucher::Bot, WebChat), Rule::FirstSuccess),
            (Facts { id_is_verified: false, ..of(Voucher::Channel, DirectLine) }, Rule::Refused(Unbound::UnverifiedId)),
            (Facts { id_is_verified: false, ..of(Voucher::Bot, WebChat) }, Rule::Refused(Unbound::UnverifiedId)),
            (of(Voucher::Channel, Other), Rule::FirstSuccess),
            (of(Voucher::Bot, Other), Rule::FirstSuccess),
            (of(Voucher::Channel, Emulator), Rule::Refused(Unbound::Emulator)),
            (of(Voucher::Parent, Emulator), Rule::Refused(Unbound::Emulator)),
            (of(Voucher::Bot, Emulator), Rule::Refused(Unbound::Emulator)),
        ] {
            assert_eq!(rule_of(facts), rule, "{facts:?}");
        }
    }

    #[test]
    fn a_statement_must_fit_wherever_one_is_made() {
        for (voucher, channel, must_fit) in [
            (Voucher::Channel, ChannelKind::Teams, true),
            (Voucher::Channel, ChannelKind::WebChat, false),
            (Voucher::Channel, ChannelKind::Other, false),
            (Voucher::Bot, ChannelKind::WebChat, true),
            (Voucher::Parent, ChannelKind::Other, true),
        ] {
            let facts = Facts { voucher, channel, ..EVERYTHING };
            assert_eq!(must_fit_statement(facts), must_fit, "{facts:?}");
        }
    }

    #[test]
    fn a_browser_needs_a_code_unless_teams_itself_has_stated_its_user() {
        for (channel, has_parents, fit, binding) in [
            (ChannelKind::Teams, false, Fit::InFull, BrowserBinding::Proven),
            (ChannelKind::Teams, true, Fit::InFull, BrowserBinding::ProvenIfPinned),
            (ChannelKind::Teams, false, Fit::NotContradicted, BrowserBinding::CodeByPage),
            (ChannelKind::Teams, true, Fit::NotContradicted, BrowserBinding::CodeByHand),
            (ChannelKind::Teams, false, Fit::Contradicted, BrowserBinding::CodeByHand),
            (ChannelKind::WebChat, false, Fit::InFull, BrowserBinding::CodeByHand),
            (ChannelKind::Emulator, false, Fit::NotContradicted, BrowserBinding::CodeByHand),
            (ChannelKind::Other, false, Fit::InFull, BrowserBinding::CodeByHand),
        ] {
            assert_eq!(browser_rule_of(channel, has_parents, fit), binding, "{channel:?} {has_parents} {fit:?}");
        }
    }
}
