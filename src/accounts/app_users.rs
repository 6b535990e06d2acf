use std::sync::Arc;

use tokio::sync::Mutex;

use super::is_app_user_id;
use super::link_records::{LinkRecord, PersonRecord};
use crate::domain::{
    AppId, CountFuture, EndFuture, EndedAtSignOut, Realm, RecordKey, SharedEntropy, TokenSlot, UserKey,
};
use crate::records::{Collection, RecordError, Records, SingleWriter};

/// The most user ids of one app that one person may be linked to.
const MAX_IDS_PER_PERSON: usize = 32;
/// A page of users is complete when it has this many; it may have more, because a part of the index is never divided.
const PAGE_SIZE: usize = 100;

/// The users of all apps. Clones share the same state.
#[derive(Clone)]
pub struct AppUsers {
    pub(super) links: Collection<LinkRecord>,
    pub(super) persons: Collection<PersonRecord>,
    entropy: SharedEntropy,
    /// Serializes the changes, each of which writes two records. Reads need no lock, because one record decides.
    pub(super) changes: Arc<Mutex<()>>,
}

/// A person's user id at an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUser {
    /// The id: 24 lower-case hexadecimal digits if it was drawn, else as the operator has linked it.
    pub user_id: String,
    /// Whether the id was drawn just now.
    pub is_new: bool,
}

/// A user id of an app, and the person that it is linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUserLink {
    /// The user id.
    pub user_id: String,
    /// The person.
    pub user: UserKey,
}

/// Some of the users of an app.
#[derive(Clone, Debug, Default)]
pub struct AppUserPage {
    /// The users, ordered by id.
    pub users: Vec<AppUserLink>,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<u8>,
}

/// The result of [`AppUsers::link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The user id was linked to the person.
    Linked,
    /// The user id is linked to this person already.
    AlreadyLinked,
    /// The user id is linked to another person, and stays so.
    LinkedToAnother,
    /// The person has as many user ids at the app as one may have.
    TooManyIds,
    /// The text cannot be a user id.
    NoUserId,
}

impl AppUsers {
    /// Keeps links in `records` and draws user ids from `entropy`. `SingleWriter` proves that the changes of this process
    /// are the only ones.
    #[must_use]
    pub fn new(records: &Records, _: SingleWriter, entropy: SharedEntropy) -> Self {
        let (links, persons) = (Collection::new(records), Collection::new(records));
        Self { links, persons, entropy, changes: Arc::default() }
    }

    /// Finds the person that `user_id` of `app` is linked to. A text that cannot be a user id finds none.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, app: &AppId, user_id: &str) -> Result<Option<UserKey>, RecordError> {
        if !is_app_user_id(user_id) {
            return Ok(None);
        }
        let link = self.links.get(self.link_key(app, user_id)).await?;
        Ok(link.map(|link| link.content.user()))
    }

    /// Finds the user id of the person `user`, who has signed in to `app`, the oldest if there are several, or draws one and
    /// links it. If two sign-ins of one new person call this at the same time, both get the same id.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. An id that was drawn is then not linked, or linked and found by the next call.
    pub async fn find_or_create(&self, app: &AppId, user: &UserKey) -> Result<AppUser, RecordError> {
        let person = self.read_person(app, user).await?;
        if let (Some(user_id), true) = (person.user_ids.into_iter().next(), person.has_signed_in) {
            return Ok(AppUser { user_id, is_new: false });
        }
        let _change = self.changes.lock().await;
        let mut person = self.read_person(app, user).await?;
        person.has_signed_in = true;
        if let Some(user_id) = person.user_ids.first().cloned() {
            self.put_person(self.person_key(app, &user.to_string()), &person).await?;
            return Ok(AppUser { user_id, is_new: false });
        }
        let mut user_id = self.draw_id();
        while self.links.contains(self.link_key(app, &user_id)).await? {
            user_id = self.draw_id();
        }
        person.user_ids.push(user_id.clone());
        self.put_link(app, &person, &user_id).await?;
        Ok(AppUser { user_id, is_new: true })
    }

    /// Whether the person `user` has signed in to `app` and was not signed out since. The token of that sign-in may have
    /// ended.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn has_signed_in(&self, app: &AppId, user: &UserKey) -> Result<bool, RecordError> {
        let person = self.persons.get(self.person_key(app, &user.to_string())).await?;
        Ok(person.is_some_and(|person| person.content.has_signed_in))
    }

    /// Whether `user_id` of `app` is linked to `user`, who has signed in there and was not signed out since.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn is_signed_in(&self, app: &AppId, user_id: &str, user: &UserKey) -> Result<bool, RecordError> {
        Ok(self.find(app, user_id).await?.as_ref() == Some(user) && self.has_signed_in(app, user).await?)
    }

    /// Links `user_id` of `app` to the person `user`. A link to another person is not replaced: unlink it first, which the
    /// caller completes with a sign-out of that person at the app.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The id may then be linked or not: call again.
    pub async fn link(&self, app: &AppId, user_id: &str, user: &UserKey) -> Result<LinkOutcome, RecordError> {
        if !is_app_user_id(user_id) {
            return Ok(LinkOutcome::NoUserId);
        }
        let _change = self.changes.lock().await;
        let present = self.links.get(self.link_key(app, user_id)).await?.map(|link| link.content);
        if present.as_ref().is_some_and(|link| !link.names(user)) {
            return Ok(LinkOutcome::LinkedToAnother);
        }
        let mut person = self.read_person(app, user).await?;
        if person.user_ids.iter().any(|known| known == user_id) {
            return Ok(LinkOutcome::AlreadyLinked);
        }
        if person.user_ids.len() >= MAX_IDS_PER_PERSON {
            return Ok(LinkOutcome::TooManyIds);
        }
        person.user_ids.push(user_id.to_owned());
        self.put_link(app, &person, user_id).await?;
        Ok(LinkOutcome::Linked)
    }

    /// Removes the link of `user_id` of `app`. Returns the person that it was linked to; `None` if there was no link.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The link may then still exist: call again.
    pub async fn unlink(&self, app: &AppId, user_id: &str) -> Result<Option<UserKey>, RecordError> {
        let _change = self.changes.lock().await;
        let key = self.link_key(app, user_id);
        let Some(link) = self.links.get(key).await? else { return Ok(None) };
        let user = link.content.user();
        let mut person = self.read_person(app, &user).await?;
        person.user_ids.retain(|known| known != user_id);
        // The link goes last: after a crash in between it still exists, so that the caller can repeat the call.
        let person_key = self.person_key(app, &user.to_string());
        if person.user_ids.is_empty() {
            self.persons.remove(vec![person_key]).await?;
        } else {
            self.put_person(person_key, &person).await?;
        }
        self.links.remove(vec![key]).await?;
        Ok(Some(user))
    }

    /// Lists users of `app`: the first page, or the one that begins at `from`, which the page before has named.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list(&self, app: &AppId, from: Option<u8>) -> Result<AppUserPage, RecordError> {
        let mut page = AppUserPage::default();
        for part in from.unwrap_or(0)..=u8::MAX {
            if page.users.len() >= PAGE_SIZE {
                page.next = Some(part);
                break;
            }
            for stored in self.links.members(self.index(app, part)).await? {
                let link = self.links.open(&stored)?;
                page.users.push(AppUserLink { user: link.user(), user_id: link.user_id });
            }
        }
        page.users.sort_by(|one, other| one.user_id.cmp(&other.user_id));
        Ok(page)
    }

    /// What is known of `user` at `app`, with those user ids that are linked to `user`.
    async fn read_person(&self, app: &AppId, user: &UserKey) -> Result<PersonRecord, RecordError> {
        let stored = self.persons.get(self.person_key(app, &user.to_string())).await?;
        let Some(mut person) = stored.map(|stored| stored.content) else {
            return Ok(PersonRecord::new(app, user));
        };
        person.app.get_or_insert_with(|| app.to_string());
        for user_id in std::mem::take(&mut person.user_ids) {
            let link = self.links.get(self.link_key(app, &user_id)).await?;
            if link.is_some_and(|link| link.content.names(user)) {
                person.user_ids.push(user_id);
            }
        }
        Ok(person)
    }

    async fn put_person(&self, key: RecordKey, person: &PersonRecord) -> Result<(), RecordError> {
        let user = person.user();
        let index = self.persons.index([user.issuer(), user.subject()]);
        self.persons.put(self.persons.seal(key, person)?.listed_by(index)).await
    }

    /// Writes the list of the person's ids, and then the link. After a crash in between, the listed id counts for nothing.
    async fn put_link(&self, app: &AppId, person: &PersonRecord, user_id: &str) -> Result<(), RecordError> {
        let user = &person.user();
        self.put_person(self.person_key(app, &user.to_string()), person).await?;
        let key = self.link_key(app, user_id);
        let [part, ..] = key.0;
        let link = self.links.seal(key, &LinkRecord::new(user_id, user))?.listed_by(self.index(app, part));
        self.links.put(link).await
    }

    /// Notes that the persons of these records were signed out. The caller has locked the changes.
    async fn note_sign_out(&self, persons: Vec<RecordKey>) -> Result<(), RecordError> {
        for key in persons {
            let stored = self.persons.get(key).await?.map(|stored| stored.content);
            if let Some(mut person) = stored.filter(|person| person.has_signed_in) {
                person.has_signed_in = false;
                self.put_person(key, &person).await?;
            }
        }
        Ok(())
    }

    fn draw_id(&self) -> String {
        let mut bytes = [0; 12];
        self.entropy.fill(&mut bytes);
        bytes.iter().fold(String::with_capacity(24), |text, byte| format!("{text}{byte:02x}"))
    }

    pub(super) fn link_key(&self, app: &AppId, user_id: &str) -> RecordKey {
        self.links.key(&[app.as_str().as_bytes(), user_id.as_bytes()])
    }

    /// The key of the record of the person whose account has this subject.
    pub(super) fn person_key(&self, app: &AppId, subject: &str) -> RecordKey {
        self.persons.key(&[app.as_str(), subject].map(str::as_bytes))
    }

    /// The index of an app's users has 256 parts, so that a page reads a bounded part of them.
    fn index(&self, app: &AppId, part: u8) -> RecordKey {
        self.links.index([app.as_str(), &format!("{part:02x}")])
    }
}

/// A link stays at a sign-out: the person keeps the id, and gets a token there by the next sign-in.
impl EndedAtSignOut for AppUsers {
    fn record_name(&self) -> &'static str {
        "app users"
    }

    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            // All slots of a sign-out belong to one account.
            let account = slots.first().map(|slot| &slot.account).filter(|account| account.realm == Realm::App);
            let Some((account, app)) = account.and_then(|account| Some((account, account.holder.find_app()?))) else {
                return Ok(());
            };
            let _change = self.changes.lock().await;
            Ok(self.note_sign_out(vec![self.person_key(&app, account.subject.as_str())]).await?)
        })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            // A person whose first sign-in is being written is listed when the lock is free.
            let _change = self.changes.lock().await;
            let persons = self.persons.members(self.persons.index([user.issuer(), user.subject()])).await?;
            let count = persons.len();
            self.note_sign_out(persons.into_iter().map(|stored| stored.key()).collect()).await?;
            Ok(count)
        })
    }
}
