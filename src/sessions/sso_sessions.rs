use serde_json::json;

use super::cookie_value::{CookieValue, DrawnValue};
use super::session_record::SessionRecord;
use super::{FoundSession, NewSession, Session};
use crate::domain::{
    ClockAndEntropy, CountFuture, DataSubject, Directory, EndFuture, EndedAtSignOut, ExportFuture, PersonalData,
    RecordKey, Secret, SsoSettings, TenantId, TokenSlot, UserKey,
};
use crate::records::{Collection, OpenedRecord, RecordError, Records, SealedRecord, StoredRecord};
use crate::token_issuer::DirectoryKeyRing;

/// The most values of one cookie that are read: a browser sends one, and another site of the same domain can add some.
const MOST_COOKIES: usize = 4;
/// The most sessions of a user that are listed.
const MOST_LISTED: usize = 100;
/// The most records that are opened for a list. Those that have ended are removed, so the next list goes further.
const MOST_OPENED: usize = 400;

/// The sessions of all directories (docs/directory.md §Sessions).
#[derive(Clone)]
pub struct SsoSessions {
    sessions: Collection<SessionRecord>,
    keys: DirectoryKeyRing,
    ambient: ClockAndEntropy,
}

impl SsoSessions {
    /// Keeps sessions in `records`, and signs cookies by the directories' `keys`.
    #[must_use]
    pub fn new(records: &Records, keys: DirectoryKeyRing, ambient: ClockAndEntropy) -> Self {
        Self { sessions: Collection::new(records), keys, ambient }
    }

    /// Begins a session after a sign-in, with a new id. Returns it with the cookie's value; `None` if the directory has no keys.
    /// `replaced`: the cookie values that the browser had, whose sessions end.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn begin(
        &self,
        directory: &Directory,
        settings: &SsoSettings,
        new: NewSession<'_>,
        replaced: &[&str],
    ) -> Result<Option<(Session, Secret)>, RecordError> {
        let (tenant, now) = (&directory.tenant, self.ambient.now());
        let Some(keys) = self.keys.find(tenant) else { return Ok(None) };
        let drawn = DrawnValue::draw(&self.ambient.entropy);
        let record = SessionRecord::begin(&drawn, &new, settings, now);
        self.sessions.put(self.seal(directory, &record)?).await?;
        for text in replaced.iter().take(MOST_COOKIES) {
            if let Some(value) = CookieValue::read(text, &keys, tenant) {
                self.end(tenant, value.id).await?;
            }
        }
        Ok(Some((record.to_session(now), drawn.sign(&keys, tenant))))
    }

    /// Finds the session of a browser that sends these cookie values, and has `browser_secret` (of several, the genuine one counts; of
    /// several genuine ones, the one used last). Checks the MAC of this directory, the binding to the browser, inactivity by the
    /// *present* settings, the absolute lifetime, and that single sign-on is on and was not off meanwhile. None is found where the
    /// sessions are bound to no browser, and are of several users: one of them may have been planted.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(
        &self,
        directory: &Directory,
        settings: &SsoSettings,
        cookies: &[&str],
        browser_secret: Option<&str>,
    ) -> Result<FoundSession, RecordError> {
        let (tenant, now) = (&directory.tenant, self.ambient.now());
        let Some(keys) = self.keys.find(tenant).filter(|_| settings.is_active) else { return Ok(FoundSession::None) };
        let mut found: Vec<Session> = Vec::new();
        for text in cookies.iter().take(MOST_COOKIES) {
            let Some(value) = CookieValue::read(text, &keys, tenant) else { continue };
            let Some(OpenedRecord { content, .. }) = self.sessions.get(self.key(tenant, value.id)).await? else {
                continue;
            };
            let is_genuine = content.has_secret(value.secret) && content.is_of_browser(directory, browser_secret);
            if is_genuine && content.is_live(directory, settings, now) {
                found.push(content.to_session(now));
            }
        }
        // A planted session of another user is not bound to this browser, so bound ones are all the browser's own.
        let is_unsure = browser_secret.is_none()
            && found.iter().zip(found.iter().skip(1)).any(|(one, other)| one.user_id != other.user_id);
        let latest = found.into_iter().max_by_key(|session| session.last_used_at).filter(|_| !is_unsure);
        Ok(latest.map_or(FoundSession::None, |session| FoundSession::Live(Box::new(session))))
    }

    /// Notes that an application has used `session`: its inactivity begins anew. Writes at most once in a minute, or in a twentieth of
    /// the inactivity timeout if that is less. A session that ends meanwhile stays ended.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn touch(
        &self,
        directory: &Directory,
        settings: &SsoSettings,
        session: &Session,
    ) -> Result<(), RecordError> {
        let now = self.ambient.now();
        if !SessionRecord::needs_touch(session, settings, now) {
            return Ok(());
        }
        let Some(opened) = self.sessions.get(self.key(&directory.tenant, &session.id)).await? else { return Ok(()) };
        let used = self.seal(directory, &opened.content.used(now))?;
        // If the record has changed meanwhile, another request has noted its use, or the session has ended.
        self.sessions.compare_and_put(Some(opened.stored), used).await?;
        Ok(())
    }

    /// Ends a session. Returns whether there was one.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, tenant: &TenantId, session_id: &str) -> Result<bool, RecordError> {
        Ok(self.sessions.take(self.key(tenant, session_id)).await?.is_some())
    }

    /// The live sessions of a user whose number of ended sessions is `ended_sessions`, the newest first, at most 100. Removes
    /// records of ended ones.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list(
        &self,
        directory: &Directory,
        settings: &SsoSettings,
        user_id: &str,
        ended_sessions: u64,
    ) -> Result<Vec<Session>, RecordError> {
        let (tenant, now) = (&directory.tenant, self.ambient.now());
        let index = self.sessions.index([tenant.as_str(), user_id]);
        let (mut live, mut ended) = (Vec::new(), Vec::new());
        for stored in self.sessions.last_members(index, MOST_OPENED).await? {
            if live.len() == MOST_LISTED {
                break;
            }
            let record = self.sessions.open(&stored)?;
            let session = record.to_session(now);
            // The caller may have read the number and the settings before a newer session began.
            if session.ended_sessions < ended_sessions || record.is_over(directory, settings, now) {
                ended.push(stored.key());
            } else if session.ended_sessions == ended_sessions && record.is_live(directory, settings, now) {
                live.push(session);
            }
        }
        self.sessions.remove(ended).await?;
        live.sort_by_key(|session| std::cmp::Reverse(session.auth_time));
        Ok(live)
    }

    fn key(&self, tenant: &TenantId, session_id: &str) -> RecordKey {
        self.sessions.key(&[tenant.as_str().as_bytes(), session_id.as_bytes()])
    }

    fn seal(&self, directory: &Directory, record: &SessionRecord) -> Result<SealedRecord<SessionRecord>, RecordError> {
        let tenant = &directory.tenant;
        let index = self.sessions.index([tenant.as_str(), record.user_id()]);
        let sealed = self.sessions.seal_until(self.key(tenant, record.id()), record, record.expires_at(directory))?;
        Ok(sealed.listed_by(index))
    }
}

impl PersonalData for SsoSessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    /// Sessions that have ended and whose records are still kept are listed as well.
    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let Some((tenant, user_id)) = person.user.directory_user() else { return Ok(Vec::new()) };
            let now = self.ambient.now();
            let mut exported = Vec::new();
            for stored in self.sessions.members(self.sessions.index([tenant, user_id])).await? {
                let session = self.sessions.open(&stored)?.to_session(now);
                exported.push(json!({
                    "id": session.id,
                    "browser": session.browser,
                    "signedInBy": session.method.provider(),
                    "signedInAt": session.auth_time.to_rfc3339(),
                    "lastUsedAt": session.last_used_at.to_rfc3339(),
                }));
            }
            Ok(exported)
        })
    }

    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let Some((tenant, user_id)) = person.user.directory_user() else { return Ok(0) };
            let members = self.sessions.members(self.sessions.index([tenant, user_id])).await?;
            self.sessions.remove(members.iter().map(StoredRecord::key).collect()).await?;
            Ok(members.len())
        })
    }
}

/// The sessions of a directory's user are removed at a sign-out everywhere. They have ended before: the user's number is raised first.
impl EndedAtSignOut for SsoSessions {
    fn record_name(&self) -> &'static str {
        "sessions"
    }

    fn end<'a>(&'a self, _slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            let Some((tenant, id)) = user.directory_user() else { return Ok(0) };
            let index = self.sessions.index([tenant, id]);
            let (mut newest, mut count) = (0, 0);
            for stored in self.sessions.last_members(index, MOST_OPENED).await? {
                let record = self.sessions.open(&stored)?;
                let number = record.to_session(self.ambient.now()).ended_sessions;
                // Records of earlier numbers are of sessions that had ended already.
                count = if number > newest { 1 } else { count + usize::from(number == newest) };
                newest = newest.max(number);
                self.sessions.remove(vec![stored.key()]).await?;
            }
            Ok(count)
        })
    }
}
