use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::request::{PageRealm, PageSignInRequest};
use crate::domain::{
    ClaimsChallenge, Connection, ConnectionName, ConnectionRevision, HolderName, Secret, TokenSlot, UserKey,
};
use crate::exchange::SignInNeed;
use crate::records::{Kind, Plaintext, catalogue, encode_json};
use crate::sign_in::browser_sign_ins::BrowserStep;
use crate::sign_in::flow::ProviderRequest;
use crate::vault::Epoch;

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PagePlace {
    pub(super) realm: PageRealm,
    pub(super) holder: HolderName,
    pub(super) connection: ConnectionName,
    pub(super) revision: ConnectionRevision,
}

/// What is kept while a browser is at the identity provider.
#[derive(Clone)]
pub(super) struct PageAtProvider {
    pub(super) place: PagePlace,
    pub(super) redirect_uri: Url,
    pub(super) return_to: String,
    pub(super) nonce: Secret,
    pub(super) code_verifier: Secret,
    /// What the provider was asked to ask the user for.
    pub(super) need: SignInNeed,
    /// Whether the browser was sent again, because the provider's page had expired.
    pub(super) is_renewed: bool,
    /// Whether the browser was sent again, because more is needed of the person who has signed in.
    pub(super) asks_for_person: bool,
    /// [`SignOutMark::stored`](crate::vault::SignOutMark::stored) when the browser was sent.
    pub(super) sign_outs: Option<u64>,
}

/// What is kept after a sign-in was completed.
#[derive(Clone)]
pub(super) struct PageCompleted {
    pub(super) place: PagePlace,
    pub(super) user: UserKey,
    /// The user's epoch in which the token was kept.
    pub(super) epoch: Epoch,
    pub(super) account_name: String,
    pub(super) return_to: String,
    pub(super) note: String,
}

/// The stored form of [`PagePlace`].
#[derive(Serialize, Deserialize)]
struct StoredPlace {
    realm: PageRealm,
    holder: String,
    connection: String,
    revision: [u8; 16],
}

/// The stored form of [`PageAtProvider`].
#[derive(Serialize, Deserialize)]
struct StoredAtProvider {
    place: StoredPlace,
    redirect_uri: String,
    return_to: String,
    nonce: String,
    code_verifier: String,
    asked: StoredNeed,
    is_renewed: bool,
    asks_for_person: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sign_outs: Option<u64>,
}

/// What the provider was asked to ask the user for.
#[derive(Serialize, Deserialize)]
struct StoredNeed {
    consent: bool,
    claims: Option<String>,
    choose_account: bool,
}

/// The stored form of [`PageCompleted`].
#[derive(Serialize, Deserialize)]
struct StoredCompleted {
    place: StoredPlace,
    issuer: String,
    subject: String,
    epoch: [u8; 8],
    account_name: String,
    return_to: String,
    note: String,
}

impl PagePlace {
    /// The place of what `request` asks for.
    pub(super) fn of(request: &PageSignInRequest) -> Self {
        let Connection { holder, name, revision, .. } = &*request.connection;
        Self { realm: request.realm, holder: holder.clone(), connection: name.clone(), revision: *revision }
    }

    /// Whether the place is at `connection`, as it is configured now.
    pub(super) fn is_at(&self, connection: &Connection) -> bool {
        self.holder == connection.holder && self.connection == connection.name && self.revision == connection.revision
    }

    /// The slot of the token of `user`.
    pub(super) fn slot(&self, user: &UserKey) -> TokenSlot {
        TokenSlot::new(&self.realm.account(&self.holder, user), &self.connection)
    }

    fn to_stored(&self) -> StoredPlace {
        let (holder, connection) = (self.holder.to_string(), self.connection.to_string());
        StoredPlace { realm: self.realm, holder, connection, revision: self.revision.0 }
    }
}

impl From<StoredPlace> for PagePlace {
    fn from(stored: StoredPlace) -> Self {
        Self {
            realm: stored.realm,
            holder: HolderName::new(&stored.holder),
            connection: ConnectionName::new(&stored.connection),
            revision: ConnectionRevision(stored.revision),
        }
    }
}

impl PageAtProvider {
    /// What the browser is sent to the provider with.
    pub(super) fn request(&self) -> ProviderRequest<'_> {
        let (nonce, code_verifier) = (&self.nonce, &self.code_verifier);
        ProviderRequest { redirect_uri: &self.redirect_uri, nonce, code_verifier, tenant: None, asks_anew: false }
    }
}

impl BrowserStep for PageAtProvider {
    const KIND: &'static Kind = &catalogue::PAGE_AT_PROVIDER;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&StoredAtProvider {
            place: self.place.to_stored(),
            redirect_uri: self.redirect_uri.to_string(),
            return_to: self.return_to.clone(),
            nonce: self.nonce.expose().to_owned(),
            code_verifier: self.code_verifier.expose().to_owned(),
            asked: StoredNeed {
                consent: self.need.consent,
                claims: self.need.claims.as_ref().map(|claims| claims.as_str().to_owned()),
                choose_account: self.need.choose_account,
            },
            is_renewed: self.is_renewed,
            asks_for_person: self.asks_for_person,
            sign_outs: self.sign_outs,
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: StoredAtProvider = plain.json(Self::KIND)?;
        let StoredNeed { consent, claims, choose_account } = plain.asked;
        let claims = claims.as_deref().and_then(ClaimsChallenge::parse);
        Some(Self {
            place: plain.place.into(),
            redirect_uri: Url::parse(&plain.redirect_uri).ok()?,
            return_to: plain.return_to,
            nonce: Secret::new(plain.nonce),
            code_verifier: Secret::new(plain.code_verifier),
            need: SignInNeed { consent, claims, choose_account },
            is_renewed: plain.is_renewed,
            asks_for_person: plain.asks_for_person,
            sign_outs: plain.sign_outs,
        })
    }
}

impl BrowserStep for PageCompleted {
    const KIND: &'static Kind = &catalogue::PAGE_COMPLETED;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&StoredCompleted {
            place: self.place.to_stored(),
            issuer: self.user.issuer().to_owned(),
            subject: self.user.subject().to_owned(),
            epoch: self.epoch.to_bytes(),
            account_name: self.account_name.clone(),
            return_to: self.return_to.clone(),
            note: self.note.clone(),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: StoredCompleted = plain.json(Self::KIND)?;
        Some(Self {
            place: plain.place.into(),
            user: UserKey::from_parts(&plain.issuer, &plain.subject),
            epoch: Epoch::from_bytes(plain.epoch),
            account_name: plain.account_name,
            return_to: plain.return_to,
            note: plain.note,
        })
    }
}
