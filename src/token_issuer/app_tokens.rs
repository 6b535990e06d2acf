use super::epochs::AppEpochs;
use super::owner_records::{CodeRecord, OwnerJson, TokenOwnerRecord};
use crate::domain::{
    AppId, CountFuture, EndFuture, EndedAtSignOut, Realm, RecordKey, Secret, SharedEntropy, Timestamp, TokenSlot,
    UserKey, draw_256_bits,
};
use crate::records::{Collection, RecordError, Records};

/// The length of every token and code, in bytes.
const SECRET_BYTES: usize = 64;

/// The tokens and codes of apps' users. Each has 256 random bits, is stored under its keyed MAC, and is good for one app.
/// A sign-out of the person everywhere, or of the person at the app, ends those that were issued before
/// (docs/service-role.md §The app's user token).
#[derive(Clone)]
pub struct AppUserTokens {
    tokens: Collection<TokenOwnerRecord>,
    codes: Collection<CodeRecord>,
    epochs: AppEpochs,
    entropy: SharedEntropy,
}

/// A token that was issued just now.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: Secret,
    /// The end of its lifetime, an hour after it was issued.
    pub expires_at: Timestamp,
}

/// The user of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppTokenOwner {
    /// The user's id at the app.
    pub user_id: String,
    /// The person.
    pub user: UserKey,
}

/// What a code has given.
#[derive(Clone, Debug)]
pub struct RedeemedCode {
    /// The token.
    pub issued: IssuedToken,
    /// The user of the token.
    pub owner: AppTokenOwner,
    /// Whether the sign-in has given the person a user id at the app for the first time.
    pub is_new_user: bool,
}

impl AppUserTokens {
    /// Keeps tokens and codes in `records` and draws them from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        let (tokens, codes) = (Collection::new(records), Collection::new(records));
        Self { tokens, codes, epochs: AppEpochs::new(records), entropy }
    }

    /// Issues a token of `app` for the person `user`, who has the id `user_id` there. It is valid for one hour.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. No token is then issued.
    pub async fn issue(&self, app: &AppId, user_id: &str, user: &UserKey) -> Result<IssuedToken, RecordError> {
        let epoch = self.epochs.current(app, user).await?;
        self.issue_for(app, OwnerJson::new(user_id, user, epoch)).await
    }

    /// How often `user` was signed out, everywhere or at `app`. A sign-in at an earlier number gives no token any more.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn count_sign_outs(&self, app: &AppId, user: &UserKey) -> Result<u64, RecordError> {
        self.epochs.current(app, user).await
    }

    /// Finds the user of `token` at `app`. `None` if it is not a token of this app, or has ended.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, app: &AppId, token: &str) -> Result<Option<AppTokenOwner>, RecordError> {
        if token.len() != SECRET_BYTES {
            return Ok(None);
        }
        let Some(record) = self.tokens.get(self.token_key(app, token)).await? else { return Ok(None) };
        self.find_owner(app, &record.content.0).await
    }

    /// Issues a code that [`AppUserTokens::redeem_code`] takes once, within two minutes. `is_new_user` is told to the app.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. No code is then issued.
    pub async fn issue_code(
        &self,
        app: &AppId,
        user_id: &str,
        user: &UserKey,
        is_new_user: bool,
    ) -> Result<Secret, RecordError> {
        let owner = OwnerJson::new(user_id, user, self.epochs.current(app, user).await?);
        let code = draw_256_bits(self.entropy.as_ref());
        let key = self.code_key(app, code.expose());
        self.codes.put(self.codes.seal(key, &CodeRecord { owner, is_new_user })?).await?;
        Ok(code)
    }

    /// Takes `code` of `app` and issues a token for it. `None` if it is not a code of this app, was redeemed before or has
    /// ended. The code is used up before the token is issued, so no crash makes it good twice.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The code may then be used up.
    pub async fn redeem_code(&self, app: &AppId, code: &str) -> Result<Option<RedeemedCode>, RecordError> {
        if code.len() != SECRET_BYTES {
            return Ok(None);
        }
        let Some(taken) = self.codes.take(self.code_key(app, code)).await? else { return Ok(None) };
        let Some(owner) = self.find_owner(app, &taken.owner).await? else { return Ok(None) };
        // The token has the code's epoch: a sign-out between the two ends the token as well.
        let issued = self.issue_for(app, taken.owner).await?;
        Ok(Some(RedeemedCode { issued, owner, is_new_user: taken.is_new_user }))
    }

    async fn issue_for(&self, app: &AppId, owner: OwnerJson) -> Result<IssuedToken, RecordError> {
        let token = draw_256_bits(self.entropy.as_ref());
        let record = self.tokens.seal(self.token_key(app, token.expose()), &TokenOwnerRecord(owner))?;
        let expires_at = record.expires_at();
        self.tokens.put(record).await?;
        Ok(IssuedToken { token, expires_at })
    }

    /// The owner, unless the person was signed out after the record was made.
    async fn find_owner(&self, app: &AppId, json: &OwnerJson) -> Result<Option<AppTokenOwner>, RecordError> {
        let user = json.user();
        let is_current = self.epochs.current(app, &user).await? == json.epoch;
        Ok(is_current.then(|| AppTokenOwner { user_id: json.user_id.clone(), user }))
    }

    fn token_key(&self, app: &AppId, token: &str) -> RecordKey {
        self.tokens.key(&[app.as_str().as_bytes(), token.as_bytes()])
    }

    fn code_key(&self, app: &AppId, code: &str) -> RecordKey {
        self.codes.key(&[app.as_str().as_bytes(), code.as_bytes()])
    }
}

impl EndedAtSignOut for AppUserTokens {
    fn record_name(&self) -> &'static str {
        "app user tokens"
    }

    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            // All slots of a sign-out belong to one account.
            let account = slots.first().map(|slot| &slot.account).filter(|account| account.realm == Realm::App);
            match account {
                Some(account) => Ok(self.epochs.raise_for_account(account).await?),
                None => Ok(()),
            }
        })
    }

    /// The tokens are ended by a number, and not counted.
    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            self.epochs.raise_for_person(user).await?;
            Ok(0)
        })
    }
}
