use serde::{Deserialize, Serialize};

use crate::dev::channel::teams::ConversationKind;

/// Where a conversation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChatPlace {
    pub(super) channel: ChatChannel,
    pub(super) kind: ConversationKind,
}

/// The channel as which a conversation appears to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChatChannel {
    #[serde(rename = "webchat")]
    WebChat,
    #[serde(rename = "directline")]
    DirectLine,
    /// A conversation in Teams: activities state the user's Entra identity.
    #[serde(rename = "msteams")]
    Teams,
}

impl ChatPlace {
    /// A conversation of one user with the bot.
    pub(super) const fn personal(channel: ChatChannel) -> Self {
        Self { channel, kind: ConversationKind::Personal }
    }
}

impl ChatChannel {
    /// `channelId` of the activities.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::WebChat => "webchat",
            Self::DirectLine => "directline",
            Self::Teams => "msteams",
        }
    }
}
