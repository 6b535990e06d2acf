use std::fmt;
use std::sync::Arc;

/// The name of a channel without its sub-channel: `msteams` for `msteams:COPILOT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(Arc<str>);

impl ChannelId {
    /// Makes the base channel of `channel_id`: the text before the first `:`, in lower case
    /// (docs/protocols/token-service-api.md §3.1).
    #[must_use]
    pub fn new(channel_id: &str) -> Self {
        let base = base_channel(channel_id);
        // Most channels send their ids in lower case, which needs no conversion.
        if base.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Self(Arc::from(base.to_ascii_lowercase()));
        }
        Self(Arc::from(base))
    }

    /// The channel's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind of this channel.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        ChannelKind::from_name(&self.0)
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The part of `channel_id` that names the channel: `a:b` is a sub-channel of `a`.
#[must_use]
pub fn base_channel(channel_id: &str) -> &str {
    let end = channel_id.bytes().position(|byte| byte == b':');
    end.and_then(|end| channel_id.get(..end)).unwrap_or(channel_id)
}

/// The kinds of channels that bot-sso treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Microsoft Teams, including Microsoft 365 Copilot in Teams.
    Teams,
    /// The channel of agents: mail, documents and events in their lives (docs/protocols/agent-identity.md §4).
    Agents,
    /// Direct Line and Direct Line Speech. The client is a page or an app of the bot's owner.
    DirectLine,
    /// The hosted Web Chat.
    WebChat,
    /// The Bot Framework Emulator.
    Emulator,
    /// The channel of the App Service Extension. No caller token may name it
    /// (docs/protocols/bot-auth-and-skills.md §2 rule 25).
    AppServiceExtension,
    /// Cortana and Skype. Their clients do not support the OAuth card (docs/protocols/invoke-protocol.md §1.6).
    WithoutOAuthCard,
    /// Any other channel.
    Other,
}

impl ChannelKind {
    /// The kind of the base channel `name`, which is compared ignoring ASCII case.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        const NAMES: [(&str, ChannelKind); 10] = [
            (ChannelKind::TEAMS, ChannelKind::Teams),
            ("agents", ChannelKind::Agents),
            ("webchat", ChannelKind::WebChat),
            ("directline", ChannelKind::DirectLine),
            ("directlinespeech", ChannelKind::DirectLine),
            ("emulator", ChannelKind::Emulator),
            ("asechannel", ChannelKind::AppServiceExtension),
            ("cortana", ChannelKind::WithoutOAuthCard),
            ("skype", ChannelKind::WithoutOAuthCard),
            ("skypeforbusiness", ChannelKind::WithoutOAuthCard),
        ];
        NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(Self::Other, |(_, kind)| kind)
    }

    /// The base name of Microsoft Teams. A Token Service call that names no channel means Teams: the only client that
    /// sends such calls works with no other channel (docs/protocols/token-service-api.md §4.1).
    pub const TEAMS: &'static str = "msteams";

    /// Whether the channel is Teams. Teams states the Entra identity of the user in each activity, and shows our pages
    /// inside its own frame with its own script library.
    #[must_use]
    pub const fn is_teams(self) -> bool {
        matches!(self, Self::Teams)
    }

    /// Whether the channel states the Entra identity of the user in each activity. A sign-in has to be of that identity.
    #[must_use]
    pub const fn states_identities(self) -> bool {
        matches!(self, Self::Teams | Self::Agents)
    }

    /// Whether the channel's clients choose their user ids. Such an id is proof of identity only if the bot's
    /// configuration says that it is verified (docs/architecture.md §Security rules, rule 5).
    #[must_use]
    pub const fn lets_clients_choose_user_ids(self) -> bool {
        matches!(self, Self::DirectLine | Self::WebChat)
    }

    /// Whether the activities of a parent bot may name this channel.
    #[must_use]
    pub const fn allows_parent_bots(self) -> bool {
        !matches!(self, Self::Emulator | Self::AppServiceExtension)
    }

    /// Whether the channel's clients support the OAuth card (docs/protocols/invoke-protocol.md §1.6).
    #[must_use]
    pub const fn supports_oauth_card(self) -> bool {
        !matches!(self, Self::WithoutOAuthCard)
    }

    /// The channel's name for people; `None` if the channel id is the best name there is.
    #[must_use]
    pub const fn display_name(self) -> Option<&'static str> {
        match self {
            Self::Teams => Some("Microsoft Teams"),
            Self::WebChat => Some("Web Chat"),
            Self::DirectLine => Some("a web page"),
            Self::Emulator => Some("the Bot Framework Emulator"),
            Self::Agents | Self::AppServiceExtension | Self::WithoutOAuthCard | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_kind_follows_from_the_base_name_in_any_case() {
        for (text, base, kind) in [
            ("msteams", "msteams", ChannelKind::Teams),
            ("MSTeams:COPILOT", "msteams", ChannelKind::Teams),
            ("DirectLineSpeech", "directlinespeech", ChannelKind::DirectLine),
            ("webchat", "webchat", ChannelKind::WebChat),
            ("agents:email", "agents", ChannelKind::Agents),
            ("Emulator", "emulator", ChannelKind::Emulator),
            ("AseChannel", "asechannel", ChannelKind::AppServiceExtension),
            ("skypeforbusiness", "skypeforbusiness", ChannelKind::WithoutOAuthCard),
            ("msteams2", "msteams2", ChannelKind::Other),
            ("", "", ChannelKind::Other),
        ] {
            let channel = ChannelId::new(text);
            assert_eq!((channel.as_str(), channel.kind()), (base, kind), "{text}");
        }
    }
}
