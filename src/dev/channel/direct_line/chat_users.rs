use std::sync::Arc;

use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use super::chat_channel::ChatChannel;
use crate::dev::channel::members::{channel_user_id, member_json};
use crate::dev::tenant::{Directory, User};
use crate::domain::Entropy;

/// How many bytes of a digest make up a user id.
const USER_ID_BYTES: usize = 16;

/// The user of a conversation.
#[derive(Clone)]
pub(super) struct ChatUser {
    /// The id in the channel, as in `from.id`.
    pub(super) id: String,
    /// The stage's user with this id. A site may also choose ids of users that the stage does not know.
    pub(super) entry: Option<User>,
}

impl ChatUser {
    /// The user as activities name the user.
    pub(super) fn account(&self, channel: ChatChannel) -> Map<String, Value> {
        let mut account = Map::new();
        account.insert("id".to_owned(), json!(self.id));
        account.insert("role".to_owned(), json!("user"));
        if let Some(entry) = &self.entry {
            account.insert("name".to_owned(), json!(entry.display_name));
            if channel == ChatChannel::Teams {
                account.insert("aadObjectId".to_owned(), json!(entry.oid));
            }
        }
        account
    }

    /// The user as the connector lists the members of a conversation.
    pub(super) fn member(&self, channel: ChatChannel) -> Value {
        match &self.entry {
            Some(entry) if channel == ChatChannel::Teams => member_json(entry),
            _ => Value::Object(self.account(channel)),
        }
    }
}

/// The channel ids of the stage's users. An id is the same in every conversation of the process, and cannot be guessed,
/// because a client that knows another user's id could act as that user (docs/protocols/bot-auth-and-skills.md §6.1).
pub(in crate::dev) struct ChatUsers {
    pub(super) directory: Arc<Directory>,
    /// The key from which ids are derived, drawn per process.
    key: hmac::Key,
}

impl ChatUsers {
    pub(in crate::dev) fn new(directory: Arc<Directory>, entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self { directory, key: hmac::Key::new(hmac::HMAC_SHA256, &key) }
    }

    /// The id of a stage user in `channel`. Web Chat and Direct Line have verified ids, which begin with `dl_`.
    pub(super) fn id_of(&self, user: &User, channel: ChatChannel) -> String {
        if channel == ChatChannel::Teams {
            return channel_user_id(user);
        }
        let digest = hmac::sign(&self.key, user.oid.as_bytes());
        let digits = digest.as_ref().iter().take(USER_ID_BYTES).map(|byte| format!("{byte:02x}"));
        format!("dl_{}", digits.collect::<String>())
    }

    /// The user with the id `id` in `channel`.
    pub(super) fn describe(&self, id: &str, channel: ChatChannel) -> ChatUser {
        let entry = self.directory.users.iter().find(|user| self.id_of(user, channel) == id).cloned();
        ChatUser { id: id.to_owned(), entry }
    }
}
