use super::evidence::Evidence;
use super::outcome::{Reason, Refusal};
use crate::cards::StatedIdentity;
use crate::domain::{Account, Bot, ChannelKind, Connection, ExchangeableToken, Realm, UserKey, VerifiedUserIds};
use crate::observability::{to_log_list, to_log_text};

/// What the engine must check and pin so that the token's user is bound to the account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The channel itself states the Entra identity, so an earlier pin of the account to another user does not matter.
    pub(super) by_channel: bool,
    /// The exchange is refused if one of these accounts is pinned to another user.
    pub(super) accounts_to_check: Vec<Account>,
    /// The exchange pins these accounts to the token's user when it succeeds. A pin lasts until sign-out.
    pub(super) accounts_to_pin: Vec<Account>,
}

/// The rule by which the token's user is bound to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The channel states the user's complete Entra identity, which is proof enough.
    StatedByChannel,
    /// The account is pinned to the first user whose exchange succeeds, until sign-out.
    FirstSuccess,
    /// As `FirstSuccess`, but this exchange sets no pin.
    FirstSuccessWithoutPin,
    /// As `FirstSuccess` for the parent's account; a pin of the channel's account must name the same user.
    FirstSuccessAtParent,
    /// The token's user cannot be proven to be the account's user.
    Refused(Unbound),
}

/// Why a token cannot be bound to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unbound {
    Emulator,
    /// The token names its user by an id of its own issuer, and the channel states Entra's.
    OtherIssuer,
    Unidentified,
    UnverifiedId,
}

/// Which party vouches for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voucher {
    Channel,
    /// A parent bot, for an account of its own.
    Parent,
    /// A parent bot whose user ids count as the channel's, for the channel's account.
    TrustedParent,
    /// The bot, for the channel's account.
    Bot,
}

/// How completely the evidence states the user's Entra identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statement {
    /// Object id and tenant.
    Complete,
    /// Object id or tenant is missing, and the operator allows that for Teams.
    Incomplete,
    /// Object id or tenant is missing, and the operator does not allow that for Teams.
    Insufficient,
}

/// The input of [`choose_rule`].
#[derive(Clone, Copy, Debug)]
struct Facts {
    voucher: Voucher,
    channel: ChannelKind,
    /// Some parent bot has accounts of its own.
    keeps_parents_apart: bool,
    statement: Statement,
    /// The client cannot have chosen the user id: the channel assigns it, or the operator lists it as verified.
    id_is_verified: bool,
    /// The token names its user by Entra's ids, which channels may state.
    is_of_entra: bool,
}

/// The table of binding rules; the first row that matches applies (docs/architecture.md §Security rules, rule 5).
#[rustfmt::skip]
const fn choose_rule(facts: Facts) -> Rule {
    use ChannelKind::{Agents, DirectLine, Emulator, Teams, WebChat};
    let Facts { voucher, channel, keeps_parents_apart, statement, id_is_verified, is_of_entra } = facts;
    match (voucher, channel) {
        (_, Emulator)                                                        => Rule::Refused(Unbound::Emulator),
        // A token of another issuer has nothing but the user id: no statement fits it, and a parent's word does not make an
        // id verified that the client may have chosen.
        (_, Teams | Agents) if !is_of_entra                                  => Rule::Refused(Unbound::OtherIssuer),
        (_, DirectLine | WebChat) if !is_of_entra && !id_is_verified         => Rule::Refused(Unbound::UnverifiedId),
        (Voucher::Parent, _)                                                 => Rule::FirstSuccessAtParent,
        // The bot may repeat what a parent bot told it, and a parent is not a channel: the exchange sets no pin.
        (Voucher::Bot, Teams | Agents) if keeps_parents_apart                => Rule::FirstSuccessWithoutPin,
        (_, Teams | Agents) if matches!(statement, Statement::Complete)        => Rule::StatedByChannel,
        // A bot or a trusted parent that states no Entra identity vouches for the user id alone. Teams has to state the
        // identity as well.
        (Voucher::Channel, Teams | Agents) if matches!(statement, Statement::Insufficient) => Rule::Refused(Unbound::Unidentified),
        (_, DirectLine | WebChat) if !id_is_verified                         => Rule::Refused(Unbound::UnverifiedId),
        _                                                                    => Rule::FirstSuccess,
    }
}

/// Whether the stated Entra identity must match the token. Most channels state none, and a token of another issuer has none.
const fn must_fit_statement(facts: Facts) -> bool {
    facts.is_of_entra && (!matches!(facts.voucher, Voucher::Channel) || facts.channel.states_identities())
}

/// Decides how the token's user is bound to `account`, or refuses. Reads no store: the caller looks up the pins.
pub(super) fn bind(
    bot: &Bot,
    account: &Account,
    evidence: &Evidence,
    token: &ExchangeableToken,
) -> Result<Binding, Refusal> {
    let facts = collect_facts(bot, account, evidence, &token.user);
    let rule = choose_rule(facts);
    if rule != Rule::Refused(Unbound::Emulator) && must_fit_statement(facts) {
        check_statement(bot, evidence.stated(), token)?;
    }
    let own = || vec![account.clone()];
    let base = Binding { by_channel: false, accounts_to_check: Vec::new(), accounts_to_pin: Vec::new() };
    Ok(match rule {
        // Only the exchange of a parent bot reads this pin, so a bot without parents needs none.
        Rule::StatedByChannel if bot.has_parents() => Binding { by_channel: true, accounts_to_pin: own(), ..base },
        Rule::StatedByChannel => Binding { by_channel: true, ..base },
        Rule::FirstSuccess => Binding { accounts_to_check: own(), accounts_to_pin: own(), ..base },
        Rule::FirstSuccessWithoutPin => Binding { accounts_to_check: own(), ..base },
        Rule::FirstSuccessAtParent => {
            let channel_account = account.as_channel_account().into_owned();
            Binding { accounts_to_check: vec![account.clone(), channel_account], accounts_to_pin: own(), ..base }
        }
        Rule::Refused(unbound) => return Err(build_refusal(unbound, bot, account)),
    })
}

/// Binds the token that an add-in or a back end presents. Its account is the token's own user, so nothing is pinned; `account`
/// is compared so that no other account ever gets the token.
pub(super) fn bind_assertion(account: &Account, token: &ExchangeableToken) -> Result<Binding, Refusal> {
    if account.realm != Realm::BackEnd || account.subject.as_str() != token.user.to_string() {
        return Err(mismatch("assertion", "the account is not that of the token's user"));
    }
    Ok(Binding { by_channel: true, accounts_to_check: Vec::new(), accounts_to_pin: Vec::new() })
}

/// Whether any rule can bind a token that `account` sends to `bot` for `connection`. If none can, a card must not ask the
/// client for a token.
/// Where clients choose user ids, a parent bot vouches for the id in its own account, so a bot with such accounts passes.
/// The own tokens of a provider other than Entra need a verified id, and are bound neither on Teams nor to agents' users.
#[must_use]
pub fn may_be_bound(bot: &Bot, account: &Account, connection: &Connection) -> bool {
    let channel = account.channel_kind();
    if connection.exchange.own_issuer().is_some() {
        return channel != ChannelKind::Emulator && !channel.states_identities() && bot.has_verified_id(account);
    }
    channel != ChannelKind::Emulator && (bot.has_verified_id(account) || bot.keeps_parents_apart())
}

fn collect_facts(bot: &Bot, account: &Account, evidence: &Evidence, user: &UserKey) -> Facts {
    let stated = evidence.stated();
    Facts {
        voucher: match evidence {
            // The bot repeats what the parent told it.
            Evidence::Parent(_) | Evidence::Bot(_) if account.parent().is_some() => Voucher::Parent,
            Evidence::Activity(_) | Evidence::Channel(_) => Voucher::Channel,
            Evidence::Parent(_) => Voucher::TrustedParent,
            Evidence::Bot(_) => Voucher::Bot,
        },
        channel: account.channel_kind(),
        keeps_parents_apart: bot.keeps_parents_apart(),
        statement: match stated {
            StatedIdentity { object_id: Some(_), tenant_ids, .. } if !tenant_ids.is_empty() => Statement::Complete,
            _ if bot.identity.allow_unidentified_teams_users => Statement::Incomplete,
            _ => Statement::Insufficient,
        },
        id_is_verified: bot.has_verified_id(account),
        is_of_entra: user.namespace().is_none(),
    }
}

/// Refuses a token whose object id or tenant differs from the stated one.
fn check_statement(bot: &Bot, stated: &StatedIdentity, token: &ExchangeableToken) -> Result<(), Refusal> {
    let (object_id, tenant_id) =
        (token.user.object_id().unwrap_or_default(), token.user.tenant_id().unwrap_or_default());
    // Ids that are spelled alike, as nearly all are, are compared at less cost.
    let differ = |one: &str, other: &str| one != other && !one.eq_ignore_ascii_case(other);
    if stated.object_id.as_deref().is_some_and(|id| differ(id, object_id)) {
        let hint =
            "the token's user (oid) is not the user of the activity (from.aadObjectId): another account signed in";
        let expected = stated.object_id.as_deref().map(shown);
        return Err(mismatch("oid", hint).comparing(Some(object_id.to_owned()), expected));
    }
    let is_foreign = |tenant: &String| differ(tenant, tenant_id);
    let is_listed = bot.identity.cross_tenants.iter().any(|listed| listed == tenant_id);
    if !is_listed && stated.tenant_ids.iter().any(is_foreign) {
        let hint = "the token's tenant is not the conversation's: list it in bots.*.identity.cross_tenants if its users may \
            sign in there";
        let expected = stated.tenant_ids.iter().chain(&bot.identity.cross_tenants).map(|tenant| shown(tenant));
        return Err(mismatch("tid", hint).comparing(Some(tenant_id.to_owned()), Some(to_log_list(expected))));
    }
    Ok(())
}

fn build_refusal(unbound: Unbound, bot: &Bot, account: &Account) -> Refusal {
    match unbound {
        Unbound::Emulator => {
            mismatch("emulator", "the operator of an emulator chooses its user id: its users can sign in by code only")
        }
        Unbound::OtherIssuer => mismatch(
            "other_issuer",
            "Teams and agents state their users by Entra's ids, and this token is of a provider that is not Entra, so that \
                nothing shows whose it is: the connection's users sign in by the card there, or write subject = \"entra\" in \
                token_exchange",
        ),
        Unbound::Unidentified => mismatch(
            "unidentified",
            "the activity has no aadObjectId or no tenant, which Teams and agents state: see bots.*.identity.allow_unidentified_teams_users",
        ),
        Unbound::UnverifiedId => {
            let hint = "from.id is not one of bots.*.identity.verified_user_ids, so the client may have chosen it: let the \
                page get its Direct Line token for a verified id";
            let expected = match &bot.identity.verified_user_ids {
                VerifiedUserIds::All => "all".to_owned(),
                VerifiedUserIds::Prefixes(prefixes) => prefixes.join(", "),
            };
            mismatch("unverified_id", hint).comparing(Some(shown(account.subject.as_str())), Some(expected))
        }
    }
}

/// An id from outside, for the log.
fn shown(id: &str) -> String {
    to_log_text(id, 128)
}

pub(super) fn mismatch(check: &'static str, hint: &'static str) -> Refusal {
    Refusal::local(Reason::IdentityMismatch(check), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE_TEAMS_STATEMENT: Facts = Facts {
        voucher: Voucher::Channel,
        channel: ChannelKind::Teams,
        keeps_parents_apart: false,
        statement: Statement::Complete,
        id_is_verified: true,
        is_of_entra: true,
    };

    #[test]
    fn each_kind_of_evidence_gets_the_binding_rule_of_its_channel() {
        use ChannelKind::{DirectLine, Emulator, Other, Teams, WebChat};
        let unstated = Facts { statement: Statement::Insufficient, ..COMPLETE_TEAMS_STATEMENT };
        let of = |voucher, channel| Facts { voucher, channel, ..unstated };
        for (facts, rule) in [
            (COMPLETE_TEAMS_STATEMENT, Rule::StatedByChannel),
            (Facts { keeps_parents_apart: true, ..COMPLETE_TEAMS_STATEMENT }, Rule::StatedByChannel),
            (unstated, Rule::Refused(Unbound::Unidentified)),
            (Facts { statement: Statement::Incomplete, ..unstated }, Rule::FirstSuccess),
            (Facts { voucher: Voucher::Bot, ..COMPLETE_TEAMS_STATEMENT }, Rule::StatedByChannel),
            (of(Voucher::Bot, Teams), Rule::FirstSuccess),
            (Facts { channel: ChannelKind::Agents, ..COMPLETE_TEAMS_STATEMENT }, Rule::StatedByChannel),
            (of(Voucher::Channel, ChannelKind::Agents), Rule::Refused(Unbound::Unidentified)),
            (
                Facts { keeps_parents_apart: true, voucher: Voucher::Bot, ..COMPLETE_TEAMS_STATEMENT },
                Rule::FirstSuccessWithoutPin,
            ),
            (Facts { keeps_parents_apart: true, ..of(Voucher::Bot, Teams) }, Rule::FirstSuccessWithoutPin),
            (Facts { voucher: Voucher::Parent, ..COMPLETE_TEAMS_STATEMENT }, Rule::FirstSuccessAtParent),
            (of(Voucher::Parent, WebChat), Rule::FirstSuccessAtParent),
            (Facts { id_is_verified: false, ..of(Voucher::Parent, DirectLine) }, Rule::FirstSuccessAtParent),
            (Facts { voucher: Voucher::TrustedParent, ..COMPLETE_TEAMS_STATEMENT }, Rule::StatedByChannel),
            (of(Voucher::TrustedParent, Teams), Rule::FirstSuccess),
            (of(Voucher::TrustedParent, DirectLine), Rule::FirstSuccess),
            (
                Facts { id_is_verified: false, ..of(Voucher::TrustedParent, WebChat) },
                Rule::Refused(Unbound::UnverifiedId),
            ),
            (of(Voucher::TrustedParent, Emulator), Rule::Refused(Unbound::Emulator)),
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
            assert_eq!(choose_rule(facts), rule, "{facts:?}");
        }
    }

    #[test]
    fn a_token_of_another_issuer_is_bound_by_a_verified_user_id_alone() {
        use ChannelKind::{Agents, DirectLine, Emulator, Other, Teams, WebChat};
        let others = Facts { is_of_entra: false, ..COMPLETE_TEAMS_STATEMENT };
        for voucher in [Voucher::Channel, Voucher::Parent, Voucher::TrustedParent, Voucher::Bot] {
            let first_success =
                if voucher == Voucher::Parent { Rule::FirstSuccessAtParent } else { Rule::FirstSuccess };
            for (channel, id_is_verified, rule) in [
                (Teams, true, Rule::Refused(Unbound::OtherIssuer)),
                (Agents, true, Rule::Refused(Unbound::OtherIssuer)),
                (Emulator, true, Rule::Refused(Unbound::Emulator)),
                (DirectLine, false, Rule::Refused(Unbound::UnverifiedId)),
                (WebChat, false, Rule::Refused(Unbound::UnverifiedId)),
                (WebChat, true, first_success),
                (Other, true, first_success),
            ] {
                for keeps_parents_apart in [true, false] {
                    let facts = Facts { voucher, channel, keeps_parents_apart, id_is_verified, ..others };
                    assert_eq!(choose_rule(facts), rule, "{facts:?}");
                    assert!(!must_fit_statement(facts), "{facts:?}");
                }
            }
        }
    }

    #[test]
    fn a_stated_identity_must_match_the_token_where_the_sender_can_state_one() {
        for (voucher, channel, must_fit) in [
            (Voucher::Channel, ChannelKind::Teams, true),
            (Voucher::Channel, ChannelKind::Agents, true),
            (Voucher::Channel, ChannelKind::WebChat, false),
            (Voucher::Channel, ChannelKind::Other, false),
            (Voucher::Bot, ChannelKind::WebChat, true),
            (Voucher::Parent, ChannelKind::Other, true),
            (Voucher::TrustedParent, ChannelKind::WebChat, true),
        ] {
            let facts = Facts { voucher, channel, ..COMPLETE_TEAMS_STATEMENT };
            assert_eq!(must_fit_statement(facts), must_fit, "{facts:?}");
        }
    }
}
