use std::borrow::Cow;
use std::sync::Arc;

use super::{BotName, ChannelId, ChannelKind, ConnectionName, HolderName, SubjectId, UserKey};

/// The party that issues a user id. The same id in two realms means two different users.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Realm {
    /// A channel. Its user ids are the ids in its activities.
    Channel(ChannelId),
    /// A parent bot that states the ids of a channel's users. A token that was obtained through one parent is available
    /// only through that parent.
    Parent {
        /// The parent's app id, a lower-case GUID.
        app_id: Arc<str>,
        /// The channel that the parent received the user's activity from.
        channel: ChannelId,
    },
    /// The person's own key, as a validated token states it: of Office add-ins and other back ends.
    BackEnd,
    /// The person's own key, as a sign-in in a browser has shown it: of apps with a service role.
    App,
    /// A browser whose user signs in to a directory at another identity provider. No token is kept for it.
    Directory,
}

/// A user id of one realm at one holder. Tokens, pending sign-ins and other records belong to an account, not to a person:
/// a person who talks to two bots has two accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// The party that issues the user id.
    pub realm: Realm,
    /// The bot that the user talks to, or the add-in, back end or app that acts for the user.
    pub holder: HolderName,
    /// The user's id in the realm.
    pub subject: SubjectId,
}

/// The place of one token: one account and one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenSlot {
    /// The account that the token belongs to.
    pub account: Account,
    /// The connection that the token was obtained through.
    pub connection: ConnectionName,
}

impl Realm {
    /// The channel that the user writes from; for a parent bot, the channel that the parent names.
    #[must_use]
    pub const fn channel(&self) -> Option<&ChannelId> {
        match self {
            Self::Channel(channel) | Self::Parent { channel, .. } => Some(channel),
            Self::BackEnd | Self::App | Self::Directory => None,
        }
    }

    /// Reads what [`Realm::key_part`] writes. `None` for any other text.
    fn from_key_part(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => Some(Self::Channel(ChannelId::new(text))),
            Some(("channel", channel)) => Some(Self::Channel(ChannelId::new(channel))),
            Some(("parent", rest)) => {
                let (app_id, channel) = rest.split_once('/')?;
                Some(Self::Parent { app_id: Arc::from(app_id), channel: ChannelId::new(channel) })
            }
            Some(("back_end", "")) => Some(Self::BackEnd),
            Some(("app", "")) => Some(Self::App),
            Some(_) => None,
        }
    }

    /// The realm as one part of a record's name. The format must never change, because stored records are found by it.
    /// The id of a channel contains no `/`, and the text of every other realm contains one.
    fn key_part(&self) -> Cow<'_, str> {
        match self {
            Self::Channel(channel) if channel.as_str().contains('/') => Cow::Owned(format!("channel/{channel}")),
            Self::Channel(channel) => Cow::Borrowed(channel.as_str()),
            Self::Parent { app_id, channel } => Cow::Owned(format!("parent/{app_id}/{channel}")),
            Self::BackEnd => Cow::Borrowed("back_end/"),
            Self::App => Cow::Borrowed("app/"),
            Self::Directory => Cow::Borrowed("directory/"),
        }
    }
}

impl Account {
    /// The account of the user `subject` of `channel` at `bot`.
    #[must_use]
    pub fn of_channel(bot: &BotName, channel: ChannelId, subject: &str) -> Self {
        Self { realm: Realm::Channel(channel), holder: HolderName::from(bot), subject: SubjectId::new(subject) }
    }

    /// The account of the person `user` at an add-in or at another back end. Nothing but a token of that person opens it.
    #[must_use]
    pub fn of_back_end(holder: HolderName, user: &UserKey) -> Self {
        Self { realm: Realm::BackEnd, holder, subject: SubjectId::new(&user.to_string()) }
    }

    /// The account of the person `user` at an app.
    #[must_use]
    pub fn of_app(holder: HolderName, user: &UserKey) -> Self {
        Self { realm: Realm::App, holder, subject: SubjectId::new(&user.to_string()) }
    }

    /// The account of the same user id when the parent bot `app_id` states it. Proof of identity for this account is no
    /// proof for the channel's account or for another parent's account.
    #[must_use]
    pub fn as_parent_account(&self, app_id: &str) -> Self {
        let Some(channel) = self.realm.channel().cloned() else { return self.clone() };
        Self { realm: Realm::Parent { app_id: Arc::from(app_id), channel }, ..self.clone() }
    }

    /// The channel's account of the same user id. The bot names this account when it requests a card or a token. An account
    /// without a channel is returned as it is.
    #[must_use]
    pub fn as_channel_account(&self) -> Cow<'_, Self> {
        match &self.realm {
            Realm::Channel(_) | Realm::BackEnd | Realm::App | Realm::Directory => Cow::Borrowed(self),
            Realm::Parent { channel, .. } => {
                Cow::Owned(Self { realm: Realm::Channel(channel.clone()), ..self.clone() })
            }
        }
    }

    /// The app id of the parent bot that states the user id; `None` for a channel's account.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        match &self.realm {
            Realm::Parent { app_id, .. } => Some(app_id),
            Realm::Channel(_) | Realm::BackEnd | Realm::App | Realm::Directory => None,
        }
    }

    /// The kind of the channel that the user writes from; [`ChannelKind::Other`] if the realm has no channel.
    #[must_use]
    pub fn channel_kind(&self) -> ChannelKind {
        self.realm.channel().map_or(ChannelKind::Other, ChannelId::kind)
    }

    /// The name of the channel that the user writes from, for logs.
    #[must_use]
    pub fn channel_name(&self) -> Option<&str> {
        self.realm.channel().map(ChannelId::as_str)
    }

    /// Restores an account from the values of [`Account::key_parts`]. `None` for other texts.
    #[must_use]
    pub fn from_key_parts(holder: &str, realm: &str, subject: &str) -> Option<Self> {
        let realm = Realm::from_key_part(realm)?;
        Some(Self { realm, holder: HolderName::new(holder), subject: SubjectId::new(subject) })
    }

    /// The parts from which the keys of the account's records are computed.
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

    /// The slot of the channel's account. Cards, codes and requirements belong to it.
    #[must_use]
    pub fn as_channel_slot(&self) -> Cow<'_, Self> {
        match self.account.as_channel_account() {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(account) => Cow::Owned(Self { account, connection: self.connection.clone() }),
        }
    }

    /// The parts from which the keys of the slot's records are computed.
    #[must_use]
    pub fn key_parts(&self) -> [Cow<'_, str>; 4] {
        let [holder, realm, subject] = self.account.key_parts();
        [holder, realm, subject, self.connection.as_str().into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AddInName, AppId, BackEndName};

    fn account(channel: &str) -> Account {
        Account::of_channel(&BotName::new("bot"), ChannelId::new(channel), "29:ada")
    }

    #[test]
    fn the_key_parts_of_a_channel_account_never_change() {
        assert_eq!(account("msteams").key_parts(), ["bot", "msteams", "29:ada"]);
        let slot = TokenSlot::new(&account("msteams"), &ConnectionName::new("graph"));
        assert_eq!(slot.key_parts(), ["bot", "msteams", "29:ada", "graph"]);
    }

    #[test]
    fn a_parent_account_differs_from_the_channel_account_and_from_another_parent_account() {
        let channel = account("msteams");
        let parent = channel.as_parent_account("a");
        assert_eq!(parent.key_parts(), ["bot", "parent/a/msteams", "29:ada"]);
        assert_ne!(parent, channel.as_parent_account("b"));
        assert_eq!(*parent.as_channel_account(), channel);
        assert_eq!(parent.channel_name(), Some("msteams"));
    }

    #[test]
    fn the_key_parts_of_accounts_of_back_ends_and_apps_never_change() {
        let (oid, tid) = ("aaaaaaaa-0000-4000-8000-000000000001", "22222222-2222-4222-8222-222222222222");
        let user = UserKey::entra(oid, tid);
        let subject = format!("{oid}@{tid}");
        let add_in = Account::of_back_end(HolderName::from(&AddInName::new("files")), &user);
        assert_eq!(add_in.key_parts(), ["add-in/files", "back_end/", subject.as_str()]);
        let back_end = Account::of_back_end(HolderName::from(&BackEndName::new("orders")), &user);
        assert_eq!(back_end.key_parts(), ["back-end/orders", "back_end/", subject.as_str()]);
        let app = Account::of_app(HolderName::from(&AppId::new("app1")), &user);
        assert_eq!(app.key_parts(), ["app/app1", "app/", subject.as_str()]);
    }

    #[test]
    fn an_account_is_restored_from_its_key_parts() {
        let user = UserKey::from_parts("https://issuer.example", "a/b");
        let accounts = [
            account("msteams"),
            account("parent/a/msteams"),
            account("msteams").as_parent_account("a"),
            account("odd/channel").as_parent_account("a"),
            Account::of_back_end(HolderName::from(&AddInName::new("files")), &user),
            Account::of_app(HolderName::from(&AppId::new("app1")), &user),
        ];
        for account in accounts {
            let [holder, realm, subject] = account.key_parts();
            assert_eq!(Account::from_key_parts(&holder, &realm, &subject), Some(account.clone()));
        }
        assert_eq!(Account::from_key_parts("bot", "other/", "29:ada"), None);
    }

    #[test]
    fn a_channel_id_cannot_imitate_the_key_of_another_realm() {
        assert_eq!(account("parent/a/msteams").key_parts(), ["bot", "channel/parent/a/msteams", "29:ada"]);
        assert_eq!(account("app/").key_parts(), ["bot", "channel/app/", "29:ada"]);
    }
}
