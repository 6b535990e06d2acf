use std::time::Duration;

use serde_json::json;

use super::code_content::{CodeContent, CodeState};
use crate::domain::{
    ClockAndEntropy, CountFuture, DataSubject, ExportFuture, PersonalData, RecordKey, Secret, TenantId, draw_256_bits,
};
use crate::records::{Collection, RecordError, Records, StoredRecord};
use crate::token_issuer::directory::drawn_secret::has_its_shape;

/// How long a code is good.
const LIFETIME: Duration = Duration::from_mins(1);
/// How long a second use of a code is noticed. A code is stolen from an address or a log, so it is replayed soon.
const REPLAY_WINDOW: Duration = Duration::from_hours(24);

/// Authorization codes (RFC 6749 §4.1.2). A code is good for one minute and one use. A second use is noticed for a day.
#[derive(Clone)]
pub struct AuthorizationCodeStore {
    codes: Collection<CodeState>,
    ambient: ClockAndEntropy,
}

/// What became of a code that was presented.
#[derive(Debug)]
pub enum TakenCode {
    /// First use: the code is used up now.
    Fresh(Box<CodeContent>),
    /// It was used before. The caller ends the grant with this id.
    Replayed {
        /** The application of the code, which is the calling one. */
        client_id: String,
        /** The grant that it gave. */
        grant_id: String,
        /** The user who had signed in. */
        user_id: String,
    },
    /// There is no such code, or it has ended.
    Unknown,
}

impl AuthorizationCodeStore {
    /// Keeps codes in `records`.
    #[must_use]
    pub fn new(records: &Records, ambient: ClockAndEntropy) -> Self {
        Self { codes: Collection::new(records), ambient }
    }

    /// Issues a code.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn issue(&self, tenant: &TenantId, content: CodeContent) -> Result<Secret, RecordError> {
        let code = draw_256_bits(self.ambient.entropy.as_ref());
        let key = self.key(tenant, code.expose());
        let ends_at = self.ambient.now().plus(LIFETIME);
        let sealed = self.codes.seal_until(key, &CodeState::good(&content), ends_at)?;
        self.codes.put(sealed.listed_by(self.index(tenant.as_str(), &content.user_id))).await?;
        Ok(code)
    }

    /// Uses `code` up for the application `client_id`. A code of another application is [`TakenCode::Unknown`] and stays good
    /// for its own. Of two callers at once, one gets [`TakenCode::Fresh`].
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn take(&self, tenant: &TenantId, client_id: &str, code: &str) -> Result<TakenCode, RecordError> {
        if !has_its_shape(code) {
            return Ok(TakenCode::Unknown);
        }
        let key = self.key(tenant, code);
        // A code changes once, from good to used, so a caller that loses the race finds it used at its second look.
        while let Some(found) = self.codes.get(key).await? {
            if found.content.client_id() != client_id {
                return Ok(TakenCode::Unknown);
            }
            let content = match found.content {
                CodeState::Used { client_id, grant_id, user_id } => {
                    return Ok(TakenCode::Replayed { client_id, grant_id, user_id });
                }
                CodeState::Good(good) => CodeContent::from(good),
            };
            let until = self.ambient.now().plus(REPLAY_WINDOW);
            let used = self.codes.seal_until(key, &CodeState::used(&content), until)?;
            let used = used.listed_by(self.index(tenant.as_str(), &content.user_id));
            if self.codes.compare_and_put(Some(found.stored), used).await? {
                return Ok(TakenCode::Fresh(Box::new(content)));
            }
        }
        Ok(TakenCode::Unknown)
    }

    fn index(&self, tenant: &str, user_id: &str) -> RecordKey {
        self.codes.index([tenant, user_id])
    }

    fn key(&self, tenant: &TenantId, code: &str) -> RecordKey {
        self.codes.key(&[tenant.as_str().as_bytes(), code.as_bytes()])
    }
}

impl PersonalData for AuthorizationCodeStore {
    fn name(&self) -> &'static str {
        "directoryCodes"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let Some((tenant, user_id)) = person.user.directory_user() else { return Ok(Vec::new()) };
            let mut exported = Vec::new();
            for stored in self.codes.members(self.index(tenant, user_id)).await? {
                let code = self.codes.open(&stored)?;
                exported.push(json!({ "application": code.client_id(), "isUsed": code.is_used() }));
            }
            Ok(exported)
        })
    }

    /// A code that is not known any more brings nothing.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let Some((tenant, user_id)) = person.user.directory_user() else { return Ok(0) };
            let members = self.codes.members(self.index(tenant, user_id)).await?;
            self.codes.remove(members.iter().map(StoredRecord::key).collect()).await?;
            Ok(members.len())
        })
    }
}
