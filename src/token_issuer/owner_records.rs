//! The records of tokens and codes: the user of each.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::UserKey;
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// Whom a token or a code stands for. Its app is a part of the record's key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct OwnerJson {
    pub(super) user_id: String,
    issuer: String,
    subject: String,
    /// The person's epoch at the app when the sign-in was answered.
    pub(super) epoch: u64,
}

/// The content of a token's record.
pub(super) struct TokenOwnerRecord(pub(super) OwnerJson);

/// The content of a code's record.
#[derive(Serialize, Deserialize)]
pub(super) struct CodeRecord {
    pub(super) owner: OwnerJson,
    pub(super) is_new_user: bool,
}

impl OwnerJson {
    pub(super) fn new(user_id: &str, user: &UserKey, epoch: u64) -> Self {
        let (issuer, subject) = (user.issuer().to_owned(), user.subject().to_owned());
        Self { user_id: user_id.to_owned(), issuer, subject, epoch }
    }

    pub(super) fn user(&self) -> UserKey {
        UserKey::from_parts(&self.issuer, &self.subject)
    }
}

impl Content for TokenOwnerRecord {
    const KIND: &'static Kind = &catalogue::APP_TOKEN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&self.0)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND).map(Self)
    }
}

impl Content for CodeRecord {
    const KIND: &'static Kind = &catalogue::APP_CODE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
