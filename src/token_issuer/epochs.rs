use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, AppId, HolderName, RecordKey, UserKey};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// The numbers of sign-outs, which tokens and codes of before are measured by.
#[derive(Clone)]
pub(super) struct AppEpochs(Collection<SignOutCount>);

/// How often a person was signed out: everywhere, or at one app.
#[derive(Default, Serialize, Deserialize)]
struct SignOutCount {
    sign_outs: u64,
}

impl Content for SignOutCount {
    const KIND: &'static Kind = &catalogue::APP_EPOCH;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl AppEpochs {
    pub(super) fn new(records: &Records) -> Self {
        Self(Collection::new(records))
    }

    /// The present epoch of `user` at `app`: the sum of two numbers that never decrease, so every sign-out changes it.
    pub(super) async fn current(&self, app: &AppId, user: &UserKey) -> Result<u64, RecordError> {
        let at_app = self.0.get(self.account_key(&Account::of_app(HolderName::from(app), user))).await?;
        let everywhere = self.0.get(self.person_key(user)).await?;
        let [at_app, everywhere] = [at_app, everywhere].map(|count| count.map_or(0, |known| known.content.sign_outs));
        Ok(at_app.saturating_add(everywhere))
    }

    /// Ends what was issued for `account` so far.
    pub(super) async fn raise_for_account(&self, account: &Account) -> Result<(), RecordError> {
        self.raise(self.account_key(account)).await
    }

    /// Ends what was issued for `user` so far, at every app.
    pub(super) async fn raise_for_person(&self, user: &UserKey) -> Result<(), RecordError> {
        self.raise(self.person_key(user)).await
    }

    async fn raise(&self, key: RecordKey) -> Result<(), RecordError> {
        let known = self.0.get(key).await?;
        let sign_outs = known.as_ref().map_or(0, |known| known.content.sign_outs).saturating_add(1);
        let raised = self.0.seal(key, &SignOutCount { sign_outs })?;
        // If another sign-out has changed the record meanwhile, it has raised the number after this one was called.
        self.0.compare_and_put(known.map(|known| known.stored), raised).await.map(drop)
    }

    fn account_key(&self, account: &Account) -> RecordKey {
        self.0.key_from_texts(&account.key_parts())
    }

    fn person_key(&self, user: &UserKey) -> RecordKey {
        self.0.key(&[user.issuer(), user.subject()].map(str::as_bytes))
    }
}
