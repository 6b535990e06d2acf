use serde::{Deserialize, Serialize};

/// The channel as which a conversation appears to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChatChannel {
    #[serde(rename = "webchat")]
    WebChat,
    #[serde(rename = "directline")]
    DirectLine,
    /// A personal conversation in Teams: activities state the user's Entra identity.
    #[serde(rename = "msteams")]
    Teams,
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
