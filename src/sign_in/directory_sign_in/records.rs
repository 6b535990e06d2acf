use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::IdentifiedAtProvider;
use crate::domain::{
    Connection, ConnectionName, ConnectionRevision, HolderName, Secret, Timestamp, UserKey, UserNames,
};
use crate::records::{Kind, Plaintext, catalogue, encode_json};
use crate::sign_in::browser_sign_ins::BrowserStep;
use crate::sign_in::flow::ProviderRequest;
use crate::vault::SignOutMark;

/// The provider of a directory that a sign-in is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoginPlace {
    holder: HolderName,
    connection: ConnectionName,
    revision: ConnectionRevision,
}

/// What is kept while a browser is at the identity provider.
#[derive(Clone)]
pub(super) struct DirectoryAtProvider {
    pub(super) place: LoginPlace,
    pub(super) redirect_uri: Url,
    pub(super) return_to: String,
    pub(super) nonce: Secret,
    pub(super) code_verifier: Secret,
    pub(super) asks_anew: bool,
    pub(super) begun_at: Timestamp,
    /// [`SignOutMark::stored`] when the browser was sent.
    pub(super) sign_outs: Option<u64>,
}

/// What is kept of a person who was identified.
#[derive(Clone)]
pub(super) struct DirectoryIdentified {
    pub(super) place: LoginPlace,
    user: UserKey,
    names: UserNames,
    account_name: Option<String>,
    authenticated_at: Option<Timestamp>,
    return_to: String,
    outcome: Option<String>,
    /// [`SignOutMark::stored`] when the browser was sent.
    sign_outs: Option<u64>,
}

/// The stored form of [`LoginPlace`].
#[derive(Serialize, Deserialize)]
struct StoredPlace {
    holder: String,
    connection: String,
    revision: [u8; 16],
}

/// The stored form of [`DirectoryAtProvider`]. Times are milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct StoredAtProvider {
    place: StoredPlace,
    redirect_uri: String,
    return_to: String,
    nonce: String,
    code_verifier: String,
    asks_anew: bool,
    begun_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sign_outs: Option<u64>,
}

/// The stored form of [`DirectoryIdentified`].
#[derive(Serialize, Deserialize)]
struct StoredIdentified {
    place: StoredPlace,
    issuer: String,
    subject: String,
    names: UserNames,
    account_name: Option<String>,
    authenticated_at: Option<i64>,
    return_to: String,
    outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sign_outs: Option<u64>,
}

impl LoginPlace {
    pub(super) fn of(connection: &Connection) -> Self {
        let Connection { holder, name, revision, .. } = connection;
        Self { holder: holder.clone(), connection: name.clone(), revision: *revision }
    }

    /// Whether the place is at `connection`, as it is configured now.
    pub(super) fn is_at(&self, connection: &Connection) -> bool {
        *self == Self::of(connection)
    }

    fn to_stored(&self) -> StoredPlace {
        let (holder, connection) = (self.holder.to_string(), self.connection.to_string());
        StoredPlace { holder, connection, revision: self.revision.0 }
    }
}

impl From<StoredPlace> for LoginPlace {
    fn from(stored: StoredPlace) -> Self {
        Self {
            holder: HolderName::new(&stored.holder),
            connection: ConnectionName::new(&stored.connection),
            revision: ConnectionRevision(stored.revision),
        }
    }
}

impl DirectoryAtProvider {
    /// What the browser is sent to the provider with.
    pub(super) fn request(&self) -> ProviderRequest<'_> {
        let Self { nonce, code_verifier, asks_anew, .. } = self;
        ProviderRequest { redirect_uri: &self.redirect_uri, nonce, code_verifier, tenant: None, asks_anew: *asks_anew }
    }
}

impl DirectoryIdentified {
    pub(super) fn of(connection: &Connection, identified: &IdentifiedAtProvider, outcome: Option<String>) -> Self {
        let IdentifiedAtProvider { user, names, account_name, authenticated_at, return_to, .. } = identified.clone();
        let (place, sign_outs) = (LoginPlace::of(connection), identified.begun.and_then(SignOutMark::stored));
        Self { place, user, names, account_name, authenticated_at, return_to, outcome, sign_outs }
    }

    /// What a door gets of the person whom it finds again by `handle`.
    pub(super) fn describe(self, handle: Secret) -> IdentifiedAtProvider {
        let Self { user, names, account_name, authenticated_at, return_to, outcome, sign_outs, .. } = self;
        let begun = sign_outs.map(SignOutMark::from_stored);
        IdentifiedAtProvider { user, names, account_name, authenticated_at, return_to, outcome, handle, begun }
    }
}

impl BrowserStep for DirectoryAtProvider {
    const KIND: &'static Kind = &catalogue::DIRECTORY_AT_PROVIDER;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&StoredAtProvider {
            place: self.place.to_stored(),
            redirect_uri: self.redirect_uri.to_string(),
            return_to: self.return_to.clone(),
            nonce: self.nonce.expose().to_owned(),
            code_verifier: self.code_verifier.expose().to_owned(),
            asks_anew: self.asks_anew,
            begun_at: self.begun_at.unix_millis(),
            sign_outs: self.sign_outs,
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: StoredAtProvider = plain.json(Self::KIND)?;
        Some(Self {
            place: plain.place.into(),
            redirect_uri: Url::parse(&plain.redirect_uri).ok()?,
            return_to: plain.return_to,
            nonce: Secret::new(plain.nonce),
            code_verifier: Secret::new(plain.code_verifier),
            asks_anew: plain.asks_anew,
            begun_at: Timestamp::from_unix_millis(plain.begun_at),
            sign_outs: plain.sign_outs,
        })
    }
}

impl BrowserStep for DirectoryIdentified {
    const KIND: &'static Kind = &catalogue::DIRECTORY_IDENTIFIED;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&StoredIdentified {
            place: self.place.to_stored(),
            issuer: self.user.issuer().to_owned(),
            subject: self.user.subject().to_owned(),
            names: self.names.clone(),
            account_name: self.account_name.clone(),
            authenticated_at: self.authenticated_at.map(Timestamp::unix_millis),
            return_to: self.return_to.clone(),
            outcome: self.outcome.clone(),
            sign_outs: self.sign_outs,
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: StoredIdentified = plain.json(Self::KIND)?;
        Some(Self {
            place: plain.place.into(),
            user: UserKey::from_parts(&plain.issuer, &plain.subject),
            names: plain.names,
            account_name: plain.account_name,
            authenticated_at: plain.authenticated_at.map(Timestamp::from_unix_millis),
            return_to: plain.return_to,
            outcome: plain.outcome,
            sign_outs: plain.sign_outs,
        })
    }
}
