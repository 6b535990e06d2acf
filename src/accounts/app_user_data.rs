use serde_json::json;

use super::app_users::AppUsers;
use super::link_records::PersonRecord;
use crate::domain::{AppId, CountFuture, DataSubject, ExportFuture, PersonalData, RecordKey, UserKey};
use crate::records::{RecordError, StoredRecord};

/// What is kept of a person as a user of apps.
#[derive(Clone)]
pub struct AppUserData {
    users: AppUsers,
    /// The configured apps, to which records of earlier versions may belong.
    apps: Vec<AppId>,
}

/// The user ids of a person at one app.
struct FoundPerson {
    key: RecordKey,
    /// `None` if the app is configured no more, and an earlier version wrote the record.
    app: Option<AppId>,
    record: PersonRecord,
}

impl AppUserData {
    /// The data of `users` at `apps`, and at apps that were configured before.
    #[must_use]
    pub fn new(users: AppUsers, apps: Vec<AppId>) -> Self {
        Self { users, apps }
    }

    async fn find(&self, user: &UserKey) -> Result<Vec<FoundPerson>, RecordError> {
        let persons = &self.users.persons;
        let members = persons.members(persons.index([user.issuer(), user.subject()])).await?;
        members.iter().map(|stored| self.open(user, stored)).collect()
    }

    fn open(&self, user: &UserKey, stored: &StoredRecord<PersonRecord>) -> Result<FoundPerson, RecordError> {
        let (key, record) = (stored.key(), self.users.persons.open(stored)?);
        let subject = user.to_string();
        let configured = || self.apps.iter().find(|app| self.users.person_key(app, &subject) == key).cloned();
        let app = record.app.as_deref().map(AppId::new).or_else(configured);
        Ok(FoundPerson { key, app, record })
    }

    async fn remove(&self, user: &UserKey) -> Result<usize, RecordError> {
        let _turn = self.users.turns.begin(&user.to_string()).await?;
        let mut count = 0;
        for FoundPerson { key, app, record } in self.find(user).await? {
            for user_id in &record.user_ids {
                let Some(link) = app.as_ref().map(|app| self.users.link_key(app, user_id)) else { continue };
                // A listed id counts only if its link names the person.
                if self.users.links.get(link).await?.is_some_and(|link| link.content.names(user)) {
                    self.users.links.remove(vec![link]).await?;
                    count += 1;
                }
            }
            // The list goes last: after a crash in between, a repetition finds the rest.
            self.users.persons.remove(vec![key]).await?;
            count += 1;
        }
        Ok(count)
    }
}

impl PersonalData for AppUserData {
    fn name(&self) -> &'static str {
        "appUsers"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let found = self.find(&person.user).await?.into_iter();
            let objects = found.map(|FoundPerson { app, record, .. }| {
                let app = app.as_ref().map(AppId::as_str);
                json!({ "app": app, "userIds": record.user_ids, "isSignedIn": record.has_signed_in })
            });
            Ok(objects.collect())
        })
    }

    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move { Ok(self.remove(&person.user).await?) })
    }
}
