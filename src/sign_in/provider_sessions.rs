use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::{CountFuture, DataSubject, ExportFuture, PersonalData, RecordKey, UserKey};
use crate::records::{
    Collection, Content, Kind, Plaintext, RecordError, Records, StoredRecord, catalogue, encode_json,
};
use crate::token_validation::IdentifiedUser;

/// The persons whose sessions at identity providers are known, by the issuer and the session's id (`sid` of ID tokens). A provider
/// that ends a session names it by that id (OpenID Connect Back-Channel Logout 1.0 §2.4).
#[derive(Clone)]
pub struct ProviderSessions {
    sessions: Collection<SessionUser>,
}

/// The person of a session. The issuer is a part of the record's key.
#[derive(Serialize, Deserialize)]
struct SessionUser {
    issuer: String,
    subject: String,
}

impl Content for SessionUser {
    const KIND: &'static Kind = &catalogue::PROVIDER_SESSION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl ProviderSessions {
    /// Keeps sessions in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { sessions: Collection::new(records) }
    }

    /// Notes whose the session is that the ID token of `identified` names, if it names one.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub(super) async fn note(&self, identified: &IdentifiedUser) -> Result<(), RecordError> {
        let Some(session_id) = &identified.session_id else { return Ok(()) };
        let (issuer, subject) = (identified.user.issuer(), identified.user.subject());
        let user = SessionUser { issuer: issuer.to_owned(), subject: subject.to_owned() };
        let sealed = self.sessions.seal(self.key(issuer, session_id), &user)?;
        self.sessions.put(sealed.listed_by(self.index(&identified.user))).await
    }

    /// The person whose session at `issuer` (as in [`UserKey::issuer`]) has this id.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, issuer: &str, session_id: &str) -> Result<Option<UserKey>, RecordError> {
        let found = self.sessions.get(self.key(issuer, session_id)).await?;
        Ok(found.map(|found| UserKey::from_parts(&found.content.issuer, &found.content.subject)))
    }

    fn index(&self, user: &UserKey) -> RecordKey {
        self.sessions.index([user.issuer(), user.subject()])
    }

    fn key(&self, issuer: &str, session_id: &str) -> RecordKey {
        self.sessions.key(&[issuer, session_id].map(str::as_bytes))
    }
}

impl PersonalData for ProviderSessions {
    fn name(&self) -> &'static str {
        "providerSessions"
    }

    /// The id of a session is a part of the record's key, and not known here.
    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let mut exported = Vec::new();
            for stored in self.sessions.members(self.index(&person.user)).await? {
                exported.push(json!({ "issuer": self.sessions.open(&stored)?.issuer }));
            }
            Ok(exported)
        })
    }

    /// A logout token of the provider that names a session by its id alone is then passed over: everything has ended before.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let members = self.sessions.members(self.index(&person.user)).await?;
            self.sessions.remove(members.iter().map(StoredRecord::key).collect()).await?;
            Ok(members.len())
        })
    }
}
