//! A bot, and the settings that decide how the gateway and the Token Service treat it.

mod agent_365;
mod sdk;
mod skill;

use super::{Account, BotName, ChannelId};

pub use agent_365::Agent365;
pub use sdk::Sdk;
pub use skill::Skill;

/// What the gateway does after a token exchange has succeeded (docs/architecture.md §Life of a silent sign-in).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ContinuationMode {
    /// Answers 200 and then sends the bot one `tokens/response` event.
    #[default]
    Notify,
    /// Forwards the invoke to the bot and answers with the bot's status.
    Forward,
    /// Answers 200 and sends the bot nothing; the bot gets the token from the Token Service.
    None,
}

impl ContinuationMode {
    /// The value of the configuration key `after_exchange`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Forward => "forward",
            Self::None => "none",
        }
    }
}

/// The user ids (`from.id`) of Direct Line and Web Chat that count as proof of identity
/// (docs/architecture.md §Security rules, rule 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedUserIds {
    /// Every id counts. The operator states that the bot's page obtains Direct Line tokens that are bound to verified
    /// ids.
    All,
    /// Only ids that start with one of these prefixes count (default: `dl_`).
    Prefixes(Vec<String>),
}

impl VerifiedUserIds {
    /// Whether the user id `user` counts as proof of identity.
    #[must_use]
    pub fn contains(&self, user: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| user.starts_with(prefix.as_str())),
        }
    }
}

/// The rules by which the user of a token must match the user of the activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityBinding {
    /// Whether a Teams activity without `aadObjectId` or without a tenant is accepted.
    pub allow_unidentified_teams_users: bool,
    /// Tenants (lower-case GUIDs) whose users may speak in another tenant's conversation.
    pub cross_tenants: Vec<String>,
    /// The Direct Line and Web Chat user ids that count as proof of identity.
    pub verified_user_ids: VerifiedUserIds,
}

/// A parent bot that may call this bot (default deny, docs/architecture.md §Security rules, rule 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerEntry {
    /// The parent bot's app id, a lower-case GUID.
    pub app_id: String,
    /// The tenant that must have issued the parent bot's token, a lower-case GUID.
    pub tenant_id: String,
    /// The `serviceUrl` of the parent bot's activities must start with one of these prefixes.
    pub service_url_prefixes: Vec<String>,
    /// The base channels that the parent bot's activities may name, in lower case.
    pub channels: Vec<String>,
    /// Whether the operator trusts the user ids in the parent bot's activities as the channel's own: then the parent
    /// speaks for the channel's accounts (docs/security.md §Parent bots).
    pub vouches_for_channel_users: bool,
}

/// The form of the Token Service's answer to a refused exchange. No single form works for every SDK
/// (docs/protocols/token-service-api.md §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RefusalStyle {
    /// 400 with a JSON error object, as the hosted service answers.
    #[default]
    Json400,
    /// 400 with the JSON error object sent as `text/plain`, for botbuilder-python: its prompt fails on a parsed object.
    Text400,
    /// 200 with a `TokenResponse` without a token, for the Agents SDK for JavaScript: it throws on every other status.
    OkWithoutToken,
}

impl RefusalStyle {
    /// The value of the configuration key `refusal_style`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json400 => "json400",
            Self::Text400 => "text400",
            Self::OkWithoutToken => "ok_without_token",
        }
    }
}

/// Invokes other than `signin/…` that carry a client's token for a sign-in. For a bot that lists a kind, the gateway exchanges the
/// token and takes it out (docs/protocols/sign-in-invokes.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInInvoke {
    /// Universal actions of Adaptive Cards.
    AdaptiveCard,
    /// Queries and links of message extensions.
    MessageExtension,
}

impl SignInInvoke {
    /// The value in the configuration key `sign_in_invokes`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AdaptiveCard => "adaptive_card",
            Self::MessageExtension => "message_extension",
        }
    }
}

/// A configured bot, whose incoming activities pass through bot-sso.
#[derive(Clone, Debug)]
pub struct Bot {
    /// The bot's name in the configuration and in URL paths.
    pub name: BotName,
    /// The bot's app id, a lower-case GUID. Every token that a caller sends to this bot has it as its audience.
    pub app_id: String,
    /// The URL of the bot's messages endpoint.
    pub endpoint: url::Url,
    /// The SDK that the bot is built on, if the configuration names it.
    pub sdk: Option<Sdk>,
    /// What the gateway does after a token exchange has succeeded.
    pub continuation: ContinuationMode,
    /// The rules by which the user of a token must match the user of the activity.
    pub identity: IdentityBinding,
    /// The parent bots that may call this bot.
    pub callers: Vec<CallerEntry>,
    /// The Agent 365 platform as a caller of this bot, whose app id then is that of an agent identity blueprint; `None` if
    /// the platform may not call it.
    pub agent_365: Option<Agent365>,
    /// Tenants (lower-case GUIDs) whose tokens the Bot Framework Emulator may use to call this bot. If the list is
    /// empty, the Emulator may not call it.
    pub emulator_tenants: Vec<String>,
    /// The form of the answer to a refused exchange that the bot's SDK understands.
    pub refusal_style: RefusalStyle,
    /// The invokes other than `signin/…` whose tokens the gateway exchanges; usually none.
    pub sign_in_invokes: Vec<SignInInvoke>,
    /// Prefixes of the `serviceUrl` of what this bot sends to its skills. A skill's answers go to such addresses only.
    pub skill_host_urls: Vec<String>,
}

impl Bot {
    /// Whether parent bots may call this bot.
    #[must_use]
    pub fn has_parents(&self) -> bool {
        !self.callers.is_empty()
    }

    /// Whether some parent bot has accounts apart from the channel's. If so, a user id that the bot states may come from
    /// that parent and not from a channel.
    #[must_use]
    pub fn keeps_parents_apart(&self) -> bool {
        self.callers.iter().any(|entry| !entry.vouches_for_channel_users)
    }

    /// Whether the parent bot `app_id` may speak for users of `channel`.
    #[must_use]
    pub fn lists_parent(&self, app_id: &str, channel: &ChannelId) -> bool {
        self.find_entries(app_id, channel).next().is_some()
    }

    /// Whether the accounts for which the parent bot `app_id` speaks on `channel` are the channel's: the parent is listed,
    /// and no entry of it for this channel leaves out that it vouches.
    #[must_use]
    pub fn trusts_parent(&self, app_id: &str, channel: &ChannelId) -> bool {
        self.lists_parent(app_id, channel)
            && self.find_entries(app_id, channel).all(|entry| entry.vouches_for_channel_users)
    }

    fn find_entries<'a>(&'a self, app_id: &'a str, channel: &'a ChannelId) -> impl Iterator<Item = &'a CallerEntry> {
        self.callers.iter().filter(move |entry| {
            entry.app_id.eq_ignore_ascii_case(app_id) && entry.channels.iter().any(|listed| listed == channel.as_str())
        })
    }

    /// Whether the user id of `account` is not chosen by a client: the channel assigns it, or the operator lists it as
    /// verified.
    #[must_use]
    pub fn has_verified_id(&self, account: &Account) -> bool {
        !account.channel_kind().lets_clients_choose_user_ids()
            || self.identity.verified_user_ids.contains(account.subject.as_str())
    }
}
