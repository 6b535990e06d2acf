use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::SignInFailure;
use super::redeemed_code::RedeemedCode;
use crate::domain::{Account, ConnectionName, ConnectionRevision, RecordKey, Secret, Timestamp, TokenSlot, UserKey};
use crate::exchange::{EndedTokens, HeldTokens};
use crate::identity_provider::RedeemedToken;
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};
use crate::vault::{SignOutMark, TokenVault};

/// The tokens of redeemed codes that wait, by the name of the browser's step. They are in memory, also while the store fails.
/// Over a shared store that works they are stored as well, since the browser may return to another replica.
#[derive(Clone)]
pub(super) struct HeldCodes {
    vault: Arc<TokenVault>,
    memory: HeldTokens<[u8; 32], RedeemedCode>,
    /// `None` over an exclusive store.
    shared: Option<Collection<HeldCode>>,
}

/// What is stored of tokens that wait.
pub(super) struct HeldCode {
    redeemed: RedeemedToken,
    code_name: [u8; 32],
    /// [`SignOutMark::stored`] when the code was sent to the provider.
    sign_outs: u64,
    slot: TokenSlot,
    revision: ConnectionRevision,
    presumed_user: Option<UserKey>,
}

/// The stored form of [`HeldCode`]. It borrows the tokens, so that no copies are left in freed memory. Times are milliseconds
/// since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct StoredCode<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    expires_at: i64,
    granted_scope: Option<String>,
    #[serde(borrow)]
    refresh_token: Option<Cow<'a, str>>,
    refresh_at: Option<i64>,
    #[serde(borrow)]
    id_token: Option<Cow<'a, str>>,
    code_name: [u8; 32],
    sign_outs: u64,
    slot: [String; 4],
    revision: [u8; 16],
    /// The issuer and the subject.
    presumed_user: Option<[String; 2]>,
}

impl Content for HeldCode {
    const KIND: &'static Kind = &catalogue::HELD_CODE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let redeemed = &self.redeemed;
        encode_json(&StoredCode {
            access_token: redeemed.access_token.expose().into(),
            expires_at: redeemed.expires_at.unix_millis(),
            granted_scope: redeemed.granted_scope.clone(),
            refresh_token: redeemed.refresh_token.as_ref().map(|token| token.expose().into()),
            refresh_at: redeemed.refresh_at.map(Timestamp::unix_millis),
            id_token: redeemed.id_token.as_ref().map(|token| token.expose().into()),
            code_name: self.code_name,
            sign_outs: self.sign_outs,
            slot: self.slot.key_parts().map(Cow::into_owned),
            revision: self.revision.0,
            presumed_user: self.presumed_user.as_ref().map(|user| [user.issuer(), user.subject()].map(str::to_owned)),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let stored: StoredCode<'_> = plain.json(Self::KIND)?;
        let [holder, realm, subject, connection] = &stored.slot;
        let account = Account::from_key_parts(holder, realm, subject)?;
        Some(Self {
            redeemed: RedeemedToken {
                access_token: Secret::new(stored.access_token.into_owned()),
                expires_at: Timestamp::from_unix_millis(stored.expires_at),
                granted_scope: stored.granted_scope,
                refresh_token: stored.refresh_token.map(|token| Secret::new(token.into_owned())),
                refresh_at: stored.refresh_at.map(Timestamp::from_unix_millis),
                id_token: stored.id_token.map(|token| Secret::new(token.into_owned())),
            },
            code_name: stored.code_name,
            sign_outs: stored.sign_outs,
            slot: TokenSlot::new(&account, &ConnectionName::new(connection)),
            revision: ConnectionRevision(stored.revision),
            presumed_user: stored.presumed_user.map(|[issuer, subject]| UserKey::from_parts(&issuer, &subject)),
        })
    }
}

impl HeldCode {
    /// The name of the step and of the code.
    pub(super) const fn code_name(&self) -> [u8; 32] {
        self.code_name
    }

    /// As [`RedeemedCode::to_ended_tokens`].
    pub(super) fn into_ended_tokens(self) -> Option<EndedTokens> {
        let RedeemedToken { access_token, refresh_token, .. } = self.redeemed;
        Some(EndedTokens { revision: self.revision, user: self.presumed_user?, access_token, refresh_token })
    }
}

impl HeldCodes {
    /// Holds nothing in memory yet. `vault` has the generations of slots.
    pub(super) fn new(vault: Arc<TokenVault>, records: &Records) -> Self {
        let shared = records.replicas().map(|_| Collection::new(records));
        Self { vault, memory: HeldTokens::new(records.clock().clone()), shared }
    }

    /// What waits for the step, here or at another replica.
    pub(super) async fn find(&self, step_name: &[u8; 32]) -> Result<Option<Arc<RedeemedCode>>, SignInFailure> {
        if let Some(code) = self.memory.find(step_name) {
            return Ok(Some(code));
        }
        let Some(shared) = &self.shared else { return Ok(None) };
        let key = shared.key(&[step_name]);
        let Some(held) = shared.get(key).await? else { return Ok(None) };
        let code = self.restore(held.content).await?;
        // A sign-out of the slot that came before its generation was drawn has removed the record.
        Ok(shared.contains(key).await?.then(|| Arc::new(code)))
    }

    /// Holds `code` for the step.
    pub(super) async fn hold(&self, step_name: [u8; 32], code: Arc<RedeemedCode>) {
        self.memory.hold(step_name, Arc::clone(&code));
        let (Some(shared), Some(sign_outs)) = (&self.shared, code.requested.stored()) else { return };
        if let Err(error) = put(shared, &step_name, &code, sign_outs).await {
            tracing::warn!(%error, "other replicas do not know the tokens of a redeemed code, which wait in memory");
        }
    }

    /// Ends what waits for the step.
    pub(super) async fn end(&self, step_name: &[u8; 32]) {
        self.memory.end(step_name);
        let Some(shared) = &self.shared else { return };
        if let Err(error) = shared.remove(vec![shared.key(&[step_name])]).await {
            tracing::warn!(%error, "the tokens of a redeemed code stay stored until they expire");
        }
    }

    /// Takes the codes out of the memory of this replica for which `is_ended` holds.
    pub(super) fn take_all(&self, is_ended: impl Fn(&[u8; 32], &RedeemedCode) -> bool) -> Vec<Arc<RedeemedCode>> {
        self.memory.take_all(is_ended)
    }

    /// Takes what is stored for `slot`, as this replica or another one has held it.
    pub(super) async fn take_stored(&self, slot: &TokenSlot) -> Result<Vec<HeldCode>, RecordError> {
        let Some(shared) = &self.shared else { return Ok(Vec::new()) };
        let mut taken = Vec::new();
        for stored in shared.members(index(shared, slot)).await? {
            taken.extend(shared.take(stored.key()).await?);
        }
        Ok(taken)
    }

    /// The tokens as another replica has held them. A sign-out of their slot would have removed them, so the present generation
    /// is theirs.
    async fn restore(&self, held: HeldCode) -> Result<RedeemedCode, SignInFailure> {
        let HeldCode { redeemed, code_name, sign_outs, slot, revision, presumed_user } = held;
        let (requested, generation) = (SignOutMark::from_stored(sign_outs), self.vault.generation(&slot).await?);
        Ok(RedeemedCode { redeemed, code_name, requested, slot, generation, revision, presumed_user })
    }
}

async fn put(
    shared: &Collection<HeldCode>,
    step_name: &[u8; 32],
    code: &RedeemedCode,
    sign_outs: u64,
) -> Result<(), RecordError> {
    let held = HeldCode {
        redeemed: code.redeemed.clone(),
        code_name: code.code_name,
        sign_outs,
        slot: code.slot.clone(),
        revision: code.revision,
        presumed_user: code.presumed_user.clone(),
    };
    let record = shared.seal(shared.key(&[step_name]), &held)?;
    shared.put(record.listed_by(index(shared, &code.slot))).await
}

fn index(shared: &Collection<HeldCode>, slot: &TokenSlot) -> RecordKey {
    shared.index(slot.key_parts().each_ref().map(|part| &**part))
}
