//! `AppUsers`: what a sign-out ends. `app_users.rs` has the type.

use super::app_users::AppUsers;
use crate::domain::{CountFuture, EndFuture, EndedAtSignOut, Realm, RecordKey, TokenSlot, UserKey};
use crate::records::RecordError;

impl AppUsers {
    /// Notes that the persons of these records were signed out. The caller has their turn.
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
            let _turn = self.turns.begin(account.subject.as_str()).await?;
            Ok(self.note_sign_out(vec![self.person_key(&app, account.subject.as_str())]).await?)
        })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            // A person whose first sign-in is being written is listed when it is this one's turn.
            let _turn = self.turns.begin(&user.to_string()).await?;
            let persons = self.persons.members(self.persons.index([user.issuer(), user.subject()])).await?;
            let count = persons.len();
            self.note_sign_out(persons.into_iter().map(|stored| stored.key()).collect()).await?;
            Ok(count)
        })
    }
}
