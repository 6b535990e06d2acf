use super::BotName;

/// What happens once a token is kept (DESIGN §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ContinuationMode {
    /// Answer 200, then send the bot one `tokens/response` event.
    #[default]
    Notify,
    /// Pass the invoke on to the bot; its status is the answer.
    Forward,
    /// Answer only; the bot asks the Token Service.
    None,
}

/// Which `from.id`s of Direct Line and Web Chat are accepted as proof of who speaks (DESIGN §5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedUserIds {
    /// The bot states that every id is verified (its page mints the Direct Line tokens).
    All,
    /// Only ids that start with one of these (default: `dl_`).
    Prefixes(Vec<String>),
}

impl VerifiedUserIds {
    /// Whether `user` counts.
    #[must_use]
    pub fn contains(&self, user: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| user.starts_with(prefix.as_str())),
        }
    }
}

/// How strictly a token's user is held against the activity's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityBinding {
    /// Accept a Teams activity that carries no `aadObjectId` or no tenant.
    pub allow_unidentified_teams_users: bool,
    /// Tenants (lower-case GUIDs) whose users may speak in another tenant's conversation.
    pub cross_tenants: Vec<String>,
    /// Which Direct Line and Web Chat ids count.
    pub verified_user_ids: VerifiedUserIds,
}

/// A parent bot that may call this bot (default deny, DESIGN §5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerEntry {
    /// Its app id, a lower-case GUID.
    pub app_id: String,
    /// The tenant that must have issued its token, a lower-case GUID.
    pub tenant_id: String,
    /// Its activities' `serviceUrl` must start with one of these.
    pub service_url_prefixes: Vec<String>,
    /// The base channels it may speak for.
    pub channels: Vec<String>,
}

/// How the Token Service answers an exchange that it refuses, since no single answer suits every SDK
/// (token-service-api §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RefusalStyle {
    /// 400 with a JSON error object, as the hosted service.
    #[default]
    Json400,
    /// The same as `text/plain`, for botbuilder-python, whose prompt fails over the object.
    Text400,
    /// 200 with a `TokenResponse` that has no token, for the Agents SDK for JavaScript, which throws on every other status.
    OkWithoutToken,
}

/// A bot that bot-sso stands in front of.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Its name in configuration and paths.
    pub name: BotName,
    /// Its app id, a lower-case GUID: the audience of every token sent to it.
    pub app_id: String,
    /// Where its messages endpoint is.
    pub endpoint: url::Url,
    /// What happens once a token is kept.
    pub continuation: ContinuationMode,
    /// How users are bound to tokens.
    pub identity: IdentityBinding,
    /// Parent bots that may call.
    pub callers: Vec<CallerEntry>,
    /// Tenants (lower-case GUIDs) whose tokens let the Bot Framework Emulator call as this bot; empty: it may not.
    pub emulator_tenants: Vec<String>,
    /// What its SDK makes of a refused exchange.
    pub refusal_style: RefusalStyle,
}

impl Bot {
    /// Whether parent bots may call: what the bot says of a user may then come from one of them, which is no channel.
    #[must_use]
    pub fn has_parents(&self) -> bool {
        !self.callers.is_empty()
    }
}
