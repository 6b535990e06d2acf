use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use super::state::locked;
use crate::domain::{Entropy, Timestamp};

/// How long a login page or an authorization code is good for.
pub(super) const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// How long a refresh token is good for.
const REFRESH_LIFETIME: Duration = Duration::from_hours(90 * 24);
/// Each of the three maps holds this many entries; the oldest goes first.
const MAX_ENTRIES: usize = 20_000;

/// An authorization request whose user has not signed in yet.
#[derive(Clone, Debug)]
pub(super) struct LoginRequest {
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
}

/// What an authorization code stands for.
#[derive(Clone, Debug)]
pub(super) struct IssuedCode {
    pub(super) request: LoginRequest,
    pub(super) oid: String,
}

/// What a refresh token stands for.
#[derive(Clone, Debug)]
pub(super) struct RefreshGrant {
    pub(super) client_id: String,
    pub(super) oid: String,
    pub(super) scope: String,
    pub(super) stepped_up: bool,
    /// The user's sessions were ended since.
    pub(super) revoked: bool,
}

/// Login pages that are open, codes that were not redeemed, refresh tokens that were given out. Lost at the end.
#[derive(Debug, Default)]
pub(super) struct LoginState {
    logins: Bounded<LoginRequest>,
    codes: Bounded<IssuedCode>,
    refresh_tokens: Bounded<RefreshGrant>,
}

impl LoginState {
    /// Keeps an authorization request; the answer is the ticket that the page's form carries.
    pub(super) fn begin(&self, request: LoginRequest, entropy: &dyn Entropy, now: Timestamp) -> String {
        let ticket = entropy.hex_id();
        self.logins.put(ticket.clone(), request, now.plus(CODE_LIFETIME), now);
        ticket
    }

    /// The request of an open login page; it stays open, since a password may be mistyped.
    pub(super) fn find_login(&self, ticket: &str, now: Timestamp) -> Option<LoginRequest> {
        self.logins.find(ticket, now)
    }

    /// Closes a login page and gives out its code.
    pub(super) fn issue_code(&self, ticket: &str, issued: IssuedCode, entropy: &dyn Entropy, now: Timestamp) -> String {
        self.logins.take(ticket, now);
        let code = format!("0.{}{}", entropy.hex_id(), entropy.hex_id());
        self.codes.put(code.clone(), issued, now.plus(CODE_LIFETIME), now);
        code
    }

    /// What `code` stands for; a code is good once.
    pub(super) fn take_code(&self, code: &str, now: Timestamp) -> Option<IssuedCode> {
        self.codes.take(code, now)
    }

    /// Gives out a refresh token.
    pub(super) fn issue_refresh_token(&self, grant: RefreshGrant, entropy: &dyn Entropy, now: Timestamp) -> String {
        let token = format!("1.{}{}", entropy.hex_id(), entropy.hex_id());
        self.refresh_tokens.put(token.clone(), grant, now.plus(REFRESH_LIFETIME), now);
        token
    }

    /// What a refresh token stands for. As at Entra, a used one stays good beside its successor.
    pub(super) fn find_refresh_token(&self, token: &str, now: Timestamp) -> Option<RefreshGrant> {
        self.refresh_tokens.find(token, now)
    }

    /// Ends a refresh token that is good once.
    pub(super) fn spend_refresh_token(&self, token: &str, now: Timestamp) {
        self.refresh_tokens.take(token, now);
    }

    /// Revokes every refresh token of a user.
    pub(super) fn revoke(&self, oid: &str) {
        self.refresh_tokens.change(|grant| grant.revoked |= grant.oid == oid);
    }
}

/// A map whose entries expire, with an upper bound on their number.
#[derive(Debug)]
struct Bounded<V>(Mutex<HashMap<String, (Timestamp, V)>>);

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<V: Clone> Bounded<V> {
    fn put(&self, key: String, value: V, until: Timestamp, now: Timestamp) {
        let mut entries = locked(&self.0);
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, (until, _)| *until > now);
        }
        if entries.len() >= MAX_ENTRIES
            && let Some(oldest) = oldest_key(&entries)
        {
            entries.remove(&oldest);
        }
        entries.insert(key, (until, value));
    }

    fn find(&self, key: &str, now: Timestamp) -> Option<V> {
        locked(&self.0).get(key).filter(|(until, _)| *until > now).map(|(_, value)| value.clone())
    }

    fn take(&self, key: &str, now: Timestamp) -> Option<V> {
        locked(&self.0).remove(key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    fn change(&self, change: impl Fn(&mut V)) {
        locked(&self.0).values_mut().for_each(|(_, value)| change(value));
    }
}

fn oldest_key<K: Clone + Eq + Hash, V>(entries: &HashMap<K, (Timestamp, V)>) -> Option<K> {
    entries.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone())
}
