use super::is_app_user_id;
use super::link_records::{LinkRecord, PersonRecord};
use super::person_turns::{PersonTurn, PersonTurns};
use crate::domain::{AppId, RecordKey, SharedEntropy, UserKey};
use crate::records::{Collection, RecordError, Records, StoredRecord};

/// The most user ids of one app that one person may be linked to.
const MAX_IDS_PER_PERSON: usize = 32;
/// A page of users is complete when it has this many; it may have more, because a part of the index is never divided.
const PAGE_SIZE: usize = 100;

/// How often the person is looked up whose id is unlinked, if other replicas link the id to another person each time.
const MOST_TRIES: usize = 8;

/// The users of all apps. Clones share the same state.
#[derive(Clone)]
pub struct AppUsers {
    pub(super) links: Collection<LinkRecord>,
    pub(super) persons: Collection<PersonRecord>,
    entropy: SharedEntropy,
    /// Each change writes two records, so changes of one person run one after the other. Reads need no turn, because one record decides.
    pub(super) turns: PersonTurns,
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

/// The person that an id is linked to, whose ids do not change meanwhile.
struct LinkTurn {
    user: UserKey,
    _turn: PersonTurn,
}

impl AppUsers {
    /// Keeps links in `records` and draws user ids from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        let (links, persons) = (Collection::new(records), Collection::new(records));
        Self { links, persons, entropy, turns: PersonTurns::new(records) }
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
        let _turn = self.turns.begin(&user.to_string()).await?;
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
        if !self.put_link(app, &person, &user_id, None).await? {
            return Err(RecordError::Held);
        }
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
        let _turn = self.turns.begin(&user.to_string()).await?;
        let present = self.links.get(self.link_key(app, user_id)).await?;
        if present.as_ref().is_some_and(|link| !link.content.names(user)) {
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
        let is_linked = self.put_link(app, &person, user_id, present.map(|link| link.stored)).await?;
        Ok(if is_linked { LinkOutcome::Linked } else { LinkOutcome::LinkedToAnother })
    }

    /// Removes the link of `user_id` of `app`. Returns the person that it was linked to; `None` if there was no link.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The link may then still exist: call again.
    pub async fn unlink(&self, app: &AppId, user_id: &str) -> Result<Option<UserKey>, RecordError> {
        let Some(LinkTurn { user, _turn }) = self.begin_unlinking(app, user_id).await? else { return Ok(None) };
        let key = self.link_key(app, user_id);
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

    /// Finds the person that `user_id` is linked to, and waits for the turn of that person.
    async fn begin_unlinking(&self, app: &AppId, user_id: &str) -> Result<Option<LinkTurn>, RecordError> {
        let mut person = String::new();
        for _ in 0..MOST_TRIES {
            if self.turns.are_shared() {
                let Some(user) = self.find(app, user_id).await? else { return Ok(None) };
                person = user.to_string();
            }
            let turn = self.turns.begin(&person).await?;
            let Some(user) = self.find(app, user_id).await? else { return Ok(None) };
            if !self.turns.are_shared() || user.to_string() == person {
                return Ok(Some(LinkTurn { user, _turn: turn }));
            }
        }
        Err(RecordError::Held)
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

    pub(super) async fn put_person(&self, key: RecordKey, person: &PersonRecord) -> Result<(), RecordError> {
        let user = person.user();
        let index = self.persons.index([user.issuer(), user.subject()]);
        self.persons.put(self.persons.seal(key, person)?.listed_by(index)).await
    }

    /// Writes the list of the person's ids, and then the link. After a crash in between, the listed id counts for nothing. `present` is
    /// the link that the caller has found. Returns whether the link is written: not if another replica has linked the id meanwhile.
    async fn put_link(
        &self,
        app: &AppId,
        person: &PersonRecord,
        user_id: &str,
        present: Option<StoredRecord<LinkRecord>>,
    ) -> Result<bool, RecordError> {
        let user = &person.user();
        self.put_person(self.person_key(app, &user.to_string()), person).await?;
        let key = self.link_key(app, user_id);
        let [part, ..] = key.0;
        let link = self.links.seal(key, &LinkRecord::new(user_id, user))?.listed_by(self.index(app, part));
        if self.turns.are_shared() {
            return self.links.compare_and_put(present, link).await;
        }
        self.links.put(link).await?;
        Ok(true)
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
