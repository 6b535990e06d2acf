//! The forms of Teams: the ids of its conversations, and what its activities state about them (docs/playground.md §Teams).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::Timestamp;

/// The members of `channelData` that Teams writes. A client does not choose them.
const TEAMS_MEMBERS: [&str; 5] = ["tenant", "team", "channel", "teamsTeamId", "teamsChannelId"];

/// The kind of a conversation in Teams. Conversations of other channels are personal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ConversationKind {
    /// One user and the bot.
    #[default]
    Personal,
    /// A group chat.
    Group,
    /// A thread in a channel of a team.
    Channel,
}

impl ConversationKind {
    /// A new conversation's id in the form of Teams; `unique` is drawn at random. A thread in a channel has the id of the
    /// channel and the time of its first message.
    pub(super) fn new_id(self, unique: &str, at: Timestamp) -> String {
        match self {
            Self::Personal => format!("a:{unique}"),
            Self::Group => format!("19:{unique}@thread.v2"),
            Self::Channel => format!("19:{unique}@thread.tacv2;messageid={}", at.unix_millis()),
        }
    }

    /// `conversation` of the activities.
    pub(super) fn reference(self, id: &str, tenant: &str) -> Value {
        match self {
            Self::Personal => json!({"id": id, "conversationType": "personal", "tenantId": tenant}),
            Self::Group => json!({"id": id, "conversationType": "groupChat", "isGroup": true, "tenantId": tenant}),
            Self::Channel => json!({"id": id, "conversationType": "channel", "isGroup": true, "tenantId": tenant}),
        }
    }

    /// Writes what Teams states into `channelData`: the tenant, and in a channel also channel and team. The stage has one
    /// team per tenant.
    pub(super) fn write_channel_data(self, data: &mut Map<String, Value>, id: &str, tenant: &str) {
        // A bot may read members in another letter case, so none of them stays.
        data.retain(|name, _| !TEAMS_MEMBERS.iter().any(|stated| stated.eq_ignore_ascii_case(name)));
        data.insert("tenant".to_owned(), json!({ "id": tenant }));
        if self == Self::Channel {
            let channel = id.split(';').next().unwrap_or(id);
            let team = format!("19:{}@thread.tacv2", tenant.replace('-', ""));
            data.insert("channel".to_owned(), json!({ "id": channel }));
            data.insert("team".to_owned(), json!({ "id": team }));
            data.insert("teamsChannelId".to_owned(), json!(channel));
            data.insert("teamsTeamId".to_owned(), json!(team));
        }
    }
}
