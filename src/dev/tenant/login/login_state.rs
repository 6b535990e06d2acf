use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::client_return::ResponseMode;
use crate::dev::lock::lock_ignoring_poison;
use crate::domain::{SharedClock, SharedEntropy, Timestamp};

/// How long a login page and an authorization code are valid.
const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// The lifetime of a refresh token.
const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_hours(90 * 24);
/// The lifetime of a browser's session.
const SESSION_LIFETIME: Duration = Duration::from_hours(24);
/// The maximum number of entries in each map; a further entry replaces the one that expires first.
const MAX_ENTRIES: usize = 20_000;

/// An authorization request. The user has not signed in yet.
#[derive(Clone, Debug)]
pub(in crate::dev) struct LoginRequest {
    pub(in crate::dev) tenant: String,
    pub(in crate::dev) client_id: String,
    pub(in crate::dev) redirect_uri: String,
    pub(in crate::dev) scope: String,
    pub(in crate::dev) state: Option<String>,
    pub(in crate::dev) nonce: Option<String>,
    pub(in crate::dev) code_challenge: Option<String>,
    pub(in crate::dev) response_mode: ResponseMode,
}

/// How the user of an authorization code has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev) enum SignInKind {
    /// On the login page, which counts as a second factor.
    LoginPage,
    /// By the session of the browser, without a page.
    Session {
        /// Whether the session began with a second factor.
        passed_mfa: bool,
    },
}

/// A user's session at the tenant in one browser.
#[derive(Clone, Debug)]
pub(in crate::dev) struct BrowserSession {
    pub(in crate::dev) oid: String,
    pub(in crate::dev) passed_mfa: bool,
}

/// The grant that an authorization code represents.
#[derive(Clone, Debug)]
pub(in crate::dev) struct IssuedCode {
    pub(in crate::dev) request: LoginRequest,
    pub(in crate::dev) oid: String,
    pub(in crate::dev) kind: SignInKind,
}

/// The grant that a refresh token represents.
#[derive(Clone, Debug)]
pub(in crate::dev) struct RefreshGrant {
    pub(in crate::dev) client_id: String,
    pub(in crate::dev) oid: String,
    pub(in crate::dev) scope: String,
    pub(in crate::dev) passed_mfa: bool,
    /// Whether the token was revoked after it was issued.
    pub(in crate::dev) revoked: bool,
}

/// The open login pages, the authorization codes that were not redeemed, and the refresh tokens. All are in memory only.
pub(in crate::dev) struct LoginState {
    clock: SharedClock,
    entropy: SharedEntropy,
    logins: ExpiringMap<LoginRequest>,
    codes: ExpiringMap<IssuedCode>,
    refresh_tokens: ExpiringMap<RefreshGrant>,
    sessions: ExpiringMap<BrowserSession>,
}

impl LoginState {
    /// Creates an empty state. `entropy` generates codes and tokens, and `clock` decides when they expire.
    pub(in crate::dev) fn new(clock: SharedClock, entropy: SharedEntropy) -> Self {
        Self {
            clock,
            entropy,
            logins: ExpiringMap::default(),
            codes: ExpiringMap::default(),
            refresh_tokens: ExpiringMap::default(),
            sessions: ExpiringMap::default(),
        }
    }

    /// Stores an authorization request. Returns the ticket by which the login page's form refers to it.
    pub(in crate::dev) fn open_login(&self, request: LoginRequest) -> String {
        let (ticket, now) = (self.entropy.hex_id(), self.clock.now());
        self.logins.put(ticket.clone(), request, now.plus(CODE_LIFETIME), now);
        ticket
    }

    /// The request of an open login page. The page stays open, so that the user can correct a mistyped password.
    pub(in crate::dev) fn find_login(&self, ticket: &str) -> Option<LoginRequest> {
        self.logins.find(ticket, self.clock.now())
    }

    /// Closes a login page. Its form cannot be sent again.
    pub(in crate::dev) fn close_login(&self, ticket: &str) {
        self.logins.take(ticket, self.clock.now());
    }

    /// Stores a session. Returns its id, which cannot be guessed.
    pub(super) fn put_session(&self, session: BrowserSession) -> String {
        let (id, now) = (self.entropy.hex_id(), self.clock.now());
        self.sessions.put(id.clone(), session, now.plus(SESSION_LIFETIME), now);
        id
    }

    /// The session with this id.
    pub(super) fn find_session(&self, id: &str) -> Option<BrowserSession> {
        self.sessions.find(id, self.clock.now())
    }

    /// Issues an authorization code.
    pub(in crate::dev) fn issue_code(&self, issued: IssuedCode) -> String {
        let now = self.clock.now();
        let code = format!("0.{}{}", self.entropy.hex_id(), self.entropy.hex_id());
        self.codes.put(code.clone(), issued, now.plus(CODE_LIFETIME), now);
        code
    }

    /// Removes and returns what `code` stands for. A code can be redeemed only once.
    pub(in crate::dev) fn take_code(&self, code: &str) -> Option<IssuedCode> {
        self.codes.take(code, self.clock.now())
    }

    /// Issues a refresh token for `grant`.
    pub(in crate::dev) fn issue_refresh_token(&self, grant: RefreshGrant) -> String {
        let now = self.clock.now();
        let token = format!("1.{}{}", self.entropy.hex_id(), self.entropy.hex_id());
        self.refresh_tokens.put(token.clone(), grant, now.plus(REFRESH_TOKEN_LIFETIME), now);
        token
    }

    /// The grant that `token` represents. As at Entra, a refresh token stays valid after its use.
    pub(in crate::dev) fn find_refresh_token(&self, token: &str) -> Option<RefreshGrant> {
        self.refresh_tokens.find(token, self.clock.now())
    }

    /// Removes a refresh token that may be used only once.
    pub(in crate::dev) fn remove_refresh_token(&self, token: &str) {
        self.refresh_tokens.take(token, self.clock.now());
    }

    /// Revokes every refresh token of a user.
    pub(in crate::dev) fn revoke_refresh_tokens(&self, oid: &str) {
        self.refresh_tokens.update_all(|grant| grant.revoked |= grant.oid == oid);
    }
}

/// A map of entries that expire, with at most [`MAX_ENTRIES`] entries.
struct ExpiringMap<V>(Mutex<HashMap<String, Entry<V>>>);

struct Entry<V> {
    value: V,
    until: Timestamp,
}

impl<V> Default for ExpiringMap<V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<V: Clone> ExpiringMap<V> {
    fn put(&self, key: String, value: V, until: Timestamp, now: Timestamp) {
        let mut entries = lock_ignoring_poison(&self.0);
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, entry| entry.until > now);
        }
        if entries.len() >= MAX_ENTRIES
            && let Some(oldest) = earliest_expiring_key(&entries)
        {
            entries.remove(&oldest);
        }
        entries.insert(key, Entry { value, until });
    }

    fn find(&self, key: &str, now: Timestamp) -> Option<V> {
        lock_ignoring_poison(&self.0).get(key).filter(|entry| entry.until > now).map(|entry| entry.value.clone())
    }

    fn take(&self, key: &str, now: Timestamp) -> Option<V> {
        lock_ignoring_poison(&self.0).remove(key).filter(|entry| entry.until > now).map(|entry| entry.value)
    }

    fn update_all(&self, change: impl Fn(&mut V)) {
        lock_ignoring_poison(&self.0).values_mut().for_each(|entry| change(&mut entry.value));
    }
}

fn earliest_expiring_key<V>(entries: &HashMap<String, Entry<V>>) -> Option<String> {
    entries.iter().min_by_key(|(_, entry)| entry.until).map(|(key, _)| key.clone())
}
