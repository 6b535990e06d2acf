use std::time::Duration;

use super::grant::{GrantState, LiveGrant, UserGrant};
use super::refresh_token::{Generation, RefreshTokenParts, newest_token};
use crate::domain::{
    ClockAndEntropy, CountFuture, EndFuture, EndedAtSignOut, RecordKey, Secret, TenantId, TokenSlot, UserKey,
};
use crate::records::{Collection, OpenedRecord, RecordError, Records, SealedRecord, StoredRecord};

/// The most grants of a user that are opened for a list.
const MOST_OPENED: usize = 400;
/// How long the end of a grant is kept. A code that was taken a moment before may still begin it.
const END_KEPT: Duration = Duration::from_mins(10);

/// What users have granted to applications: each grant has one family of refresh tokens, of which the newest is good
/// (RFC 9700 §4.14.2). A grant ends by its life, a revocation, a replayed code, or the reuse of an older refresh token.
#[derive(Clone)]
pub struct Grants {
    states: Collection<GrantState>,
    records: Records,
    ambient: ClockAndEntropy,
}

/// A grant to begin.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The grant. Its id was drawn before, or is drawn by [`Grants::draw_id`].
    pub grant: UserGrant,
    /// Seconds until its access token ends.
    pub access_seconds: u32,
    /// Seconds that a refresh token is valid; `None` if there is none.
    pub refresh_seconds: Option<u32>,
}

/// What became of a refresh token that was presented.
#[derive(Debug)]
pub enum GrantOutcome {
    /// It was the newest: here is the next one.
    Rotated {
        /** The grant. */
        grant: Box<UserGrant>,
        /** The next refresh token. */
        refresh_token: Secret,
    },
    /// It was an older one: the grant was ended.
    Reused {
        /** The grant that was ended. */
        grant: Box<UserGrant>,
    },
    /// There is no such token for this application.
    Unknown,
}

/// A live grant, as it was read.
struct FoundGrant {
    live: LiveGrant,
    stored: StoredRecord<GrantState>,
}

/// A genuine refresh token of a live grant.
struct FoundToken {
    grant: FoundGrant,
    generation: Generation,
}

impl Grants {
    /// Keeps grants in `records`.
    #[must_use]
    pub fn new(records: &Records, ambient: ClockAndEntropy) -> Self {
        Self { states: Collection::new(records), records: records.clone(), ambient }
    }

    /// Draws the id of a grant.
    #[must_use]
    pub fn draw_id(&self) -> String {
        self.ambient.entropy.hex_id()
    }

    /// Begins a grant. Returns its first refresh token, if it has any. `None` as the outer value if a grant with this id was ended
    /// already (its code was replayed meanwhile): then nothing is issued.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn begin(&self, tenant: &TenantId, new: NewGrant) -> Result<Option<Option<Secret>>, RecordError> {
        let (now, mut seed) = (self.ambient.now(), [0; 16]);
        self.ambient.entropy.fill(&mut seed);
        let seconds = |seconds: u32| now.plus(Duration::from_secs(seconds.into()));
        let live = LiveGrant::new(new.grant, seed, seconds(new.access_seconds));
        let live = match new.refresh_seconds {
            Some(refresh) => live.with_refresh_until(seconds(refresh)),
            None => live,
        };
        let first = new.refresh_seconds.map(|_| newest_token(&self.records, tenant, &live));
        let existing = self.states.put_if_absent(self.seal(tenant, live)?).await?;
        Ok(existing.is_none().then_some(first))
    }

    /// Replaces `refresh_token` of the application `client_id` by the next one, valid for `refresh_seconds`.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn rotate(
        &self,
        tenant: &TenantId,
        client_id: &str,
        refresh_token: &str,
        refresh_seconds: u32,
    ) -> Result<GrantOutcome, RecordError> {
        // A caller that loses a race reads the grant again, and finds its token to be an older one.
        while let Some(FoundToken { grant, generation }) = self.find_token(tenant, refresh_token).await? {
            let FoundGrant { live, stored } = grant;
            if live.client_id() != client_id {
                break;
            }
            if generation == Generation::Older {
                self.put_end(stored.key()).await?;
                return Ok(GrantOutcome::Reused { grant: Box::new(live.into()) });
            }
            let now = self.ambient.now();
            let next = live.rotated(now.plus(Duration::from_secs(refresh_seconds.into())), now);
            let refresh_token = newest_token(&self.records, tenant, &next);
            let grant = Box::new(UserGrant::from(next.clone()));
            if self.states.compare_and_put(Some(stored), self.seal(tenant, next)?).await? {
                return Ok(GrantOutcome::Rotated { grant, refresh_token });
            }
        }
        Ok(GrantOutcome::Unknown)
    }

    /// The grant that `refresh_token` belongs to, if it is the newest one. Changes nothing.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_refresh_token(
        &self,
        tenant: &TenantId,
        refresh_token: &str,
    ) -> Result<Option<UserGrant>, RecordError> {
        let found = self.find_token(tenant, refresh_token).await?;
        let newest = found.filter(|found| found.generation == Generation::Newest);
        Ok(newest.map(|found| found.grant.live.into()))
    }

    /// The grant that `refresh_token` belongs to, also if it was replaced since. Changes nothing.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_any_refresh_token(
        &self,
        tenant: &TenantId,
        refresh_token: &str,
    ) -> Result<Option<UserGrant>, RecordError> {
        Ok(self.find_token(tenant, refresh_token).await?.map(|found| found.grant.live.into()))
    }

    /// Finds a grant that has not ended.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, tenant: &TenantId, id: &str) -> Result<Option<UserGrant>, RecordError> {
        Ok(self.find_live(self.key(tenant, id)).await?.map(|found| found.live.into()))
    }

    /// Ends a grant. A grant that is only being begun ends, too.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, tenant: &TenantId, id: &str) -> Result<(), RecordError> {
        self.put_end(self.key(tenant, id)).await
    }

    /// Lists the grants of a user that have not ended, the newest first. Of a user with very many grants the 400 are looked at that
    /// end last. The caller compares [`UserGrant::revoked_grants`] with the user's number.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list_of_user(&self, tenant: &TenantId, user_id: &str) -> Result<Vec<UserGrant>, RecordError> {
        let index = self.states.index([tenant.as_str(), user_id]);
        let mut grants = Vec::new();
        for stored in self.states.last_members(index, MOST_OPENED).await? {
            if let GrantState::Live(live) = self.states.open(&stored)? {
                grants.push(UserGrant::from(*live));
            }
        }
        grants.sort_by_key(|grant| std::cmp::Reverse(grant.begun_at));
        Ok(grants)
    }

    /// The live grant of a genuine refresh token that has not ended.
    async fn find_token(&self, tenant: &TenantId, refresh_token: &str) -> Result<Option<FoundToken>, RecordError> {
        let Some(parts) = RefreshTokenParts::read(refresh_token) else { return Ok(None) };
        let Some(grant) = self.find_live(self.key(tenant, parts.grant_id)).await? else { return Ok(None) };
        if !grant.live.can_refresh(self.ambient.now()) {
            return Ok(None);
        }
        let generation = parts.judge(&self.records, tenant, &grant.live);
        Ok(generation.map(|generation| FoundToken { grant, generation }))
    }

    async fn find_live(&self, key: RecordKey) -> Result<Option<FoundGrant>, RecordError> {
        let Some(OpenedRecord { content, stored }) = self.states.get(key).await? else { return Ok(None) };
        Ok(match content {
            GrantState::Live(live) => Some(FoundGrant { live: *live, stored }),
            GrantState::Ended {} => None,
        })
    }

    /// Writes the end over whatever is there: a rotation that is under way then finds another record than it has read.
    async fn put_end(&self, key: RecordKey) -> Result<(), RecordError> {
        let until = self.ambient.now().plus(END_KEPT);
        self.states.put(self.states.seal_until(key, &GrantState::Ended {}, until)?).await
    }

    fn seal(&self, tenant: &TenantId, live: LiveGrant) -> Result<SealedRecord<GrantState>, RecordError> {
        let key = self.key(tenant, live.id());
        let index = self.states.index([tenant.as_str(), live.user_id()]);
        let ends_at = live.ends_at();
        Ok(self.states.seal_until(key, &GrantState::Live(Box::new(live)), ends_at)?.listed_by(index))
    }

    fn key(&self, tenant: &TenantId, id: &str) -> RecordKey {
        self.states.key(&[tenant.as_str().as_bytes(), id.as_bytes()])
    }
}

/// The grants of a directory's user are ended at a sign-out everywhere, also those that the user's number has revoked.
impl EndedAtSignOut for Grants {
    fn record_name(&self) -> &'static str {
        "grants"
    }

    fn end<'a>(&'a self, _slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            let Some((tenant, id)) = user.directory_user() else { return Ok(0) };
            let tenant = TenantId::new(tenant);
            let grants = self.list_of_user(&tenant, id).await?;
            let newest = grants.iter().map(|grant| grant.revoked_grants).max();
            for grant in &grants {
                self.end(&tenant, &grant.id).await?;
            }
            // Grants of earlier numbers had been revoked already.
            Ok(grants.iter().filter(|grant| Some(grant.revoked_grants) == newest).count())
        })
    }
}
