//! The record of a session, and how long it lives.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cookie_value::DrawnValue;
use super::{NewSession, Session};
use crate::domain::{Directory, SecretHash, SignInMethod, SsoSettings, Timestamp};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// The longest name of a browser that is kept, in characters.
const BROWSER_CHARS: usize = 200;
/// How far in the future a last use may lie: clocks are corrected by seconds. A session of a later time has ended, because
/// it would not become inactive before that time has come.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(5);
/// The inactivity after which a session ends under every setting.
const LONGEST_INACTIVITY: Duration = Duration::from_secs(SsoSettings::LONGEST_INACTIVITY_SECONDS as u64);

/// A session. Its directory and its id are the record's key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SessionRecord {
    id: String,
    user_id: String,
    /// SHA-256 of the cookie's secret, in hexadecimal.
    secret: String,
    auth_time: i64,
    last_used_at: i64,
    ended_sessions: u64,
    switch_offs: u64,
    browser: String,
    #[serde(default)]
    method: SignInMethod,
    /// SHA-256 of the browser's secret, in hexadecimal.
    browser_secret: Option<String>,
}

impl SessionRecord {
    /// The record of a session that begins at `now` under `settings`.
    pub(super) fn begin(drawn: &DrawnValue, new: &NewSession<'_>, settings: &SsoSettings, now: Timestamp) -> Self {
        let shown = new.browser.chars().filter(|char| !char.is_control()).take(BROWSER_CHARS);
        Self {
            id: drawn.id.clone(),
            user_id: new.user_id.to_owned(),
            secret: SecretHash::of(drawn.secret.expose()).to_text(),
            auth_time: now.unix_millis(),
            last_used_at: now.unix_millis(),
            ended_sessions: new.ended_sessions,
            switch_offs: settings.switch_offs,
            browser: shown.collect(),
            method: new.method.clone(),
            browser_secret: new.browser_secret.map(|secret| SecretHash::of(secret).to_text()),
        }
    }

    /// Notes a use at `now`.
    pub(super) fn used(self, now: Timestamp) -> Self {
        Self { last_used_at: now.unix_millis(), ..self }
    }

    /// Whether `secret` is the session's. The comparison takes the same time for every secret.
    pub(super) fn has_secret(&self, secret: &str) -> bool {
        SecretHash::parse(&self.secret).is_some_and(|hash| hash.matches(secret))
    }

    /// Whether the session is that of the browser with `browser_secret`. At a directory with https, a session that is bound to no
    /// browser is no browser's; without https, none is bound (docs/directory.md §Sessions).
    pub(super) fn is_of_browser(&self, directory: &Directory, browser_secret: Option<&str>) -> bool {
        match (&self.browser_secret, browser_secret) {
            (None, _) => !directory.issuer.starts_with("https:"),
            (Some(_), None) => false,
            (Some(hash), Some(secret)) => SecretHash::parse(hash).is_some_and(|hash| hash.matches(secret)),
        }
    }

    /// Whether the session lives at `now`: single sign-on is on and was on since, a use is recent enough for the present
    /// settings, and the absolute lifetime has not ended.
    pub(super) fn is_live(&self, directory: &Directory, settings: &SsoSettings, now: Timestamp) -> bool {
        settings.is_active && self.switch_offs == settings.switch_offs && self.is_recent(directory, settings, now)
    }

    /// Whether the session has ended and no change of settings since they were read can mean that it lives: it is too old, or
    /// from before single sign-on was off.
    pub(super) fn is_over(&self, directory: &Directory, settings: &SsoSettings, now: Timestamp) -> bool {
        self.switch_offs < settings.switch_offs || !self.is_recent(directory, settings, now)
    }

    fn is_recent(&self, directory: &Directory, settings: &SsoSettings, now: Timestamp) -> bool {
        let inactivity = Duration::from_secs(settings.inactivity_timeout_seconds.into());
        self.last_used_at() <= now.plus(CLOCK_TOLERANCE)
            && now < self.last_used_at().plus(inactivity)
            && self.absolute_end(directory).is_none_or(|end| now < end)
    }

    /// When the record expires: no setting keeps the session beyond.
    pub(super) fn expires_at(&self, directory: &Directory) -> Timestamp {
        let inactive = self.last_used_at().plus(LONGEST_INACTIVITY);
        self.absolute_end(directory).map_or(inactive, |end| end.min(inactive))
    }

    /// Whether a use at `now` is to be noted: a twentieth of the inactivity timeout after the last note, or a minute if that is
    /// less.
    pub(super) fn needs_touch(session: &Session, settings: &SsoSettings, now: Timestamp) -> bool {
        let twentieth = Duration::from_secs(settings.inactivity_timeout_seconds.into()) / 20;
        let interval = twentieth.min(Duration::from_mins(1));
        now < session.last_used_at || session.last_used_at.until(now) >= interval
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The session, whose last use is no later than `now`.
    pub(super) fn to_session(&self, now: Timestamp) -> Session {
        Session {
            id: self.id.clone(),
            user_id: self.user_id.clone(),
            ended_sessions: self.ended_sessions,
            auth_time: Timestamp::from_unix_millis(self.auth_time).min(now),
            last_used_at: self.last_used_at().min(now),
            browser: self.browser.clone(),
            method: self.method.clone(),
        }
    }

    fn last_used_at(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.last_used_at)
    }

    fn absolute_end(&self, directory: &Directory) -> Option<Timestamp> {
        let lifetime = Duration::from_secs(directory.absolute_lifetime_seconds?);
        Some(Timestamp::from_unix_millis(self.auth_time).plus(lifetime))
    }
}

impl Content for SessionRecord {
    const KIND: &'static Kind = &catalogue::SSO_SESSION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
