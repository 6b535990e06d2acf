//! The records of the links between user ids of apps and persons.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{AppId, UserKey};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// The person that a user id of an app is linked to. This record decides; [`PersonRecord`] only finds it.
#[derive(Serialize, Deserialize)]
pub(super) struct LinkRecord {
    pub(super) user_id: String,
    issuer: String,
    subject: String,
}

/// The user ids of one app that a person may be linked to, the oldest first. An id counts only if its [`LinkRecord`] names
/// the person.
#[derive(Serialize, Deserialize)]
pub(super) struct PersonRecord {
    issuer: String,
    subject: String,
    pub(super) user_ids: Vec<String>,
    /// Whether the person has signed in to the app, and was not signed out since.
    #[serde(default)]
    pub(super) has_signed_in: bool,
    /// The app. `None` in a record of an earlier version.
    #[serde(default)]
    pub(super) app: Option<String>,
}

impl LinkRecord {
    pub(super) fn new(user_id: &str, user: &UserKey) -> Self {
        let (issuer, subject) = (user.issuer().to_owned(), user.subject().to_owned());
        Self { user_id: user_id.to_owned(), issuer, subject }
    }

    pub(super) fn user(&self) -> UserKey {
        UserKey::from_parts(&self.issuer, &self.subject)
    }

    pub(super) fn names(&self, user: &UserKey) -> bool {
        self.issuer == user.issuer() && self.subject == user.subject()
    }
}

impl PersonRecord {
    /// A person without ids, who has not signed in.
    pub(super) fn new(app: &AppId, user: &UserKey) -> Self {
        let (issuer, subject) = (user.issuer().to_owned(), user.subject().to_owned());
        Self { issuer, subject, user_ids: Vec::new(), has_signed_in: false, app: Some(app.to_string()) }
    }

    pub(super) fn user(&self) -> UserKey {
        UserKey::from_parts(&self.issuer, &self.subject)
    }
}

impl Content for LinkRecord {
    const KIND: &'static Kind = &catalogue::APP_USER;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl Content for PersonRecord {
    const KIND: &'static Kind = &catalogue::APP_PERSON;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
