use std::sync::{Arc, Mutex, Weak};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::watch;

use super::activity_log::{ActivityBatch, ActivityLog};
use super::chat_channel::{ChatChannel, ChatPlace};
use super::chat_users::ChatUser;
use crate::dev::channel::members::member_json;
use crate::dev::channel::teams::ConversationKind;
use crate::dev::lock::lock_ignoring_poison;
use crate::dev::tenant::{BotEntry, Directory, User, UserScenario};
use crate::domain::{SharedClock, Timestamp};

/// The end of a stage user's conversation with a bot that clients see.
pub(in crate::dev::channel) struct Conversation {
    pub(in crate::dev::channel) id: String,
    pub(in crate::dev::channel) bot: BotEntry,
    pub(super) user: ChatUser,
    pub(super) place: ChatPlace,
    log: Mutex<ActivityLog>,
    marks: watch::Sender<StreamMarks>,
    clock: SharedClock,
}

/// What the stream of a conversation watches.
#[derive(Clone, Copy, Default)]
struct StreamMarks {
    /// The position of the newest activity.
    newest: u64,
    /// The number of the latest stream. A conversation has one stream: a later one ends it.
    stream: u64,
}

impl Conversation {
    /// A conversation whose activities have positions and ids after `earlier`.
    pub(super) fn new(identity: ConversationIdentity, earlier: u64, clock: SharedClock) -> Self {
        let ConversationIdentity { id, bot, user, place } = identity;
        let log = Mutex::new(ActivityLog::starting_after(earlier));
        Self { id, bot, user, place, log, marks: watch::Sender::default(), clock }
    }

    /// The highest position and id of its activities.
    pub(super) fn last_number(&self) -> u64 {
        lock_ignoring_poison(&self.log).last_number()
    }

    /// A new activity id, in the form of the real service.
    pub(super) fn next_activity_id(&self) -> String {
        format!("{}|{:07}", self.id, lock_ignoring_poison(&self.log).next_id())
    }

    /// Writes the members that the channel decides in every activity.
    pub(super) fn stamp(&self, activity: &mut Map<String, Value>, id: &str) {
        activity.insert("id".to_owned(), json!(id));
        activity.insert("timestamp".to_owned(), json!(format_timestamp(self.clock.now())));
        activity.insert("channelId".to_owned(), json!(self.place.channel.id()));
        activity.insert("conversation".to_owned(), self.reference());
    }

    /// Makes an activity visible to clients.
    pub(super) fn append(&self, activity: Map<String, Value>) {
        let newest = lock_ignoring_poison(&self.log).append(activity);
        self.marks.send_modify(|marks| marks.newest = marks.newest.max(newest));
    }

    /// Replaces an activity for clients that have not read it yet. Direct Line has no message that changes one that was
    /// read. `false` if the conversation does not have the activity.
    pub(super) fn replace(&self, id: &str, activity: Map<String, Value>) -> bool {
        lock_ignoring_poison(&self.log).replace(id, activity)
    }

    /// Removes an activity for clients that have not read it yet; `false` if the conversation does not have it.
    pub(in crate::dev::channel) fn remove(&self, id: &str) -> bool {
        lock_ignoring_poison(&self.log).remove(id)
    }

    /// The activities after the position `watermark`.
    pub(super) fn after(&self, watermark: u64) -> ActivityBatch {
        lock_ignoring_poison(&self.log).after(watermark)
    }

    /// Begins a stream of the activities after `watermark`, and ends the one before it.
    pub(super) fn open_stream(self: &Arc<Self>, watermark: u64) -> ActivityStream {
        self.marks.send_modify(|marks| marks.stream += 1);
        let marks = self.marks.subscribe();
        let number = marks.borrow().stream;
        ActivityStream { conversation: Arc::downgrade(self), marks, number, watermark }
    }

    /// `conversation` of the activities.
    fn reference(&self) -> Value {
        match self.find_teams_tenant() {
            Some(tenant) => self.place.kind.reference(&self.id, tenant),
            None => json!({ "id": self.id }),
        }
    }

    /// The bot as activities name it. Teams puts `28:` before the app id.
    pub(super) fn bot_account(&self) -> Map<String, Value> {
        let prefix = if self.place.channel == ChatChannel::Teams { "28:" } else { "" };
        let mut account = Map::new();
        account.insert("id".to_owned(), json!(format!("{prefix}{}", self.bot.app_id)));
        account.insert("name".to_owned(), json!(self.bot.name));
        account.insert("role".to_owned(), json!("bot"));
        account
    }

    /// The members as the connector lists them: the user, and in a group or a channel all other people of the tenant.
    pub(in crate::dev::channel) fn members(&self, directory: &Directory) -> Vec<Value> {
        let is_other = |user: &&User| {
            let own = self.user.entry.as_ref();
            let is_person = user.scenario != UserScenario::AgentUser;
            is_person && own.is_some_and(|own| own.tid == user.tid && own.oid != user.oid)
        };
        let others = if self.is_personal() { &[] } else { directory.users.as_slice() };
        let others = others.iter().filter(is_other).map(member_json);
        [self.user.member(self.place.channel)].into_iter().chain(others).collect()
    }

    /// Whether the user is alone with the bot.
    pub(in crate::dev::channel) fn is_personal(&self) -> bool {
        self.place.kind == ConversationKind::Personal
    }

    /// The user's tenant, if this is a conversation in Teams.
    fn find_teams_tenant(&self) -> Option<&'static str> {
        let entry = self.user.entry.as_ref().filter(|_| self.place.channel == ChatChannel::Teams);
        entry.map(|entry| entry.tid)
    }

    /// Writes what Teams states about the conversation into `channelData`; in other channels nothing.
    pub(super) fn state_teams_data(&self, activity: &mut Map<String, Value>) {
        let Some(tenant) = self.find_teams_tenant() else { return };
        let mut data = match activity.remove("channelData") {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        self.place.kind.write_channel_data(&mut data, &self.id, tenant);
        activity.insert("channelData".to_owned(), Value::Object(data));
    }
}

/// The bot and the user of a conversation.
pub(super) struct ConversationIdentity {
    pub(super) id: String,
    pub(super) bot: BotEntry,
    pub(super) user: ChatUser,
    pub(super) place: ChatPlace,
}

/// The activities of a conversation as they come. It does not keep the conversation alive.
pub(super) struct ActivityStream {
    conversation: Weak<Conversation>,
    marks: watch::Receiver<StreamMarks>,
    number: u64,
    /// The position of the last activity that was given.
    watermark: u64,
}

impl ActivityStream {
    /// Waits for activities. `None` when the conversation has ended or a later stream was opened.
    pub(super) async fn next(&mut self) -> Option<ActivityBatch> {
        loop {
            let marks = *self.marks.borrow_and_update();
            if marks.stream != self.number {
                return None;
            }
            if marks.newest > self.watermark {
                let batch = self.conversation.upgrade()?.after(self.watermark);
                self.watermark = batch.watermark;
                return Some(batch);
            }
            self.marks.changed().await.ok()?;
        }
    }
}

/// A time as activities carry it, in UTC with milliseconds.
fn format_timestamp(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.unix_millis()) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
}
