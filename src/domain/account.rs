use std::borrow::Cow;
use std::sync::Arc;

use super::{BotName, ChannelId, ChannelKind, ConnectionName, HolderName, SubjectId};

/// Where a user id means something: whoever issues the id is the realm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Realm {
    /// A channel: its users are known by the ids in its activities.
    Channel(ChannelId),
    /// A parent bot: what it says of a channel's user counts for this parent alone.
    Parent {
        /// The parent's app id, a lower-case GUID.
        app_id: Arc<str>,
        /// The channel whose users it speaks for.
        channel: ChannelId,
    },
}

/// A user as one holder sees them: this realm, this bot, this id. What is kept for a user is kept for an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// Who issues the id.
    pub realm: Realm,
    /// The bot that the user talks to.
    pub holder: HolderName,
    /// The user's id in the realm.
    pub subject: SubjectId,
}

/// Where one user's token for one connection lives: the vault's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenSlot {
    /// Whose token.
    pub account: Account,
    /// For which connection.
    pub connection: ConnectionName,
}

impl Realm {
    /// The channel that the user sits at, if there is one.
    #[must_use]
    pub const fn channel(&self) -> Option<&ChannelId> {
        match self {
            Self::Channel(channel) | Self::Parent { channel, .. } => Some(channel),
        }
    }

    /// The realm as one part of a record's name. It never changes: records are found by it. A channel is named as it
    /// names itself, which has no `/`; every other realm has one.
    fn key_part(&self) -> Cow<'_, str> {
        match self {
            Self::Channel(channel) if channel.as_str().contains('/') => Cow::Owned(format!("channel/{channel}")),
            Self::Channel(channel) => Cow::Borrowed(channel.as_str()),
            Self::Parent { app_id, channel } => Cow::Owned(format!("parent/{app_id}/{channel}")),
        }
    }
}

impl Account {
    /// The account of `bot` for the user that `channel` calls `subject`.
    #[must_use]
    pub fn of_channel(bot: &BotName, channel: ChannelId, subject: &str) -> Self {
        Self { realm: Realm::Channel(channel), holder: HolderName::from(bot), subject: SubjectId::new(subject) }
    }

    /// The same user as the parent bot `app_id` speaks for them: what one parent proves is proven neither for the channel
    /// nor for another parent.
    #[must_use]
    pub fn as_parent_account(&self, app_id: &str) -> Self {
        let Some(channel) = self.realm.channel().cloned() else { return self.clone() };
        Self { realm: Realm::Parent { app_id: Arc::from(app_id), channel }, ..self.clone() }
    }

    /// The same user as the channel knows them: the account that the bot names when it asks for a card or a token.
    #[must_use]
    pub fn as_channel_account(&self) -> Cow<'_, Self> {
        match &self.realm {
            Realm::Channel(_) => Cow::Borrowed(self),
            Realm::Parent { channel, .. } => {
                Cow::Owned(Self { realm: Realm::Channel(channel.clone()), ..self.clone() })
            }
        }
    }

    /// Whether a parent bot speaks for the user.
    #[must_use]
    pub const fn is_of_parent(&self) -> bool {
        matches!(self.realm, Realm::Parent { .. })
    }

    /// What is known of the channel that the user sits at; [`ChannelKind::Other`] where there is none.
    #[must_use]
    pub fn channel_kind(&self) -> ChannelKind {
        self.realm.channel().map_or(ChannelKind::Other, ChannelId::kind)
    }

    /// The channel's name for logs, if there is a channel.
    #[must_use]
    pub fn channel_name(&self) -> Option<&str> {
        self.realm.channel().map(ChannelId::as_str)
    }

    /// The parts that name the account's records.
    #[must_use]
    pub fn key_parts(&self) -> [Cow<'_, str>; 3] {
        [self.holder.as_str().into(), self.realm.key_part(), self.subject.as_str().into()]
    }
}

impl TokenSlot {
    /// The slot of `account` for `connection`.
    #[must_use]
    pub fn new(account: &Account, connection: &ConnectionName) -> Self {
        Self { account: account.clone(), connection: connection.clone() }
    }

    /// The slot of the channel's account: what a browser signs in to.
    #[must_use]
    pub fn as_channel_slot(&self) -> Cow<'_, Self> {
        match self.account.as_channel_account() {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(account) => Cow::Owned(Self { account, connection: self.connection.clone() }),
        }
    }

    /// The parts that name the slot's records.
    #[must_use]
    pub fn key_parts(&self) -> [Cow<'_, str>; 4] {
        let [holder, realm, subject] = self.account.key_parts();
        [holder, realm, subject, self.connection.as_str().into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(channel: &str) -> Account {
        Account::of_channel(&BotName::new("bot"), ChannelId::base_of(channel), "29:ada")
    }

    #[test]
    fn a_channels_account_keeps_the_name_that_its_records_have_always_had() {
        assert_eq!(account("msteams").key_parts(), ["bot", "msteams", "29:ada"]);
        let slot = TokenSlot::new(&account("msteams"), &ConnectionName::new("graph"));
        assert_eq!(slot.key_parts(), ["bot", "msteams", "29:ada", "graph"]);
    }

    #[test]
    fn a_parents_account_is_neither_the_channels_nor_another_parents() {
        let channel = account("msteams");
        let parent = channel.as_parent_account("a");
        assert_eq!(parent.key_parts(), ["bot", "parent/a/msteams", "29:ada"]);
        assert_ne!(parent, channel.as_parent_account("b"));
        assert_eq!(*parent.as_channel_account(), channel);
        assert_eq!(parent.channel_name(), Some("msteams"));
    }

    #[test]
    fn no_channel_id_names_a_parents_account() {
        assert_eq!(account("parent/a/msteams").key_parts(), ["bot", "channel/parent/a/msteams", "29:ada"]);
    }
}
