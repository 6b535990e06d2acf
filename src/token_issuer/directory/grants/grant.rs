use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{SignInMethod, Timestamp};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// A grant.
#[derive(Clone, Debug)]
pub struct UserGrant {
    /// Its id, in the claim `grant` of access tokens.
    pub id: String,
    /// The application.
    pub client_id: String,
    /// The user's id in the directory.
    pub user_id: String,
    /// The granted scope.
    pub scope: String,
    /// The public id of the session; `None` without one.
    pub session_id: Option<String>,
    /// By what the user signed in.
    pub method: SignInMethod,
    /// When the user signed in.
    pub auth_time: Timestamp,
    /// [`DirectoryUser::revoked_grants`](crate::domain::DirectoryUser::revoked_grants) at the sign-in: the grant has ended when the
    /// user has another number.
    pub revoked_grants: u64,
    /// When the application got the grant.
    pub begun_at: Timestamp,
    /// When the application got tokens by it last.
    pub last_used_at: Timestamp,
}

/// The record of a grant's id.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GrantState {
    /// The grant lives until the record expires.
    Live(Box<LiveGrant>),
    /// The grant has ended, and none may begin with this id.
    Ended {},
}

/// A grant that has not ended, and its family of refresh tokens.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LiveGrant {
    id: String,
    client_id: String,
    user_id: String,
    scope: String,
    session_id: Option<String>,
    #[serde(default)]
    method: SignInMethod,
    auth_time: i64,
    revoked_grants: u64,
    #[serde(default)]
    begun_at: i64,
    #[serde(default)]
    last_used_at: i64,
    /// 128 random bits, from which the refresh tokens are computed.
    pub(super) seed: [u8; 16],
    /// The number of the newest refresh token.
    pub(super) newest: u64,
    /// When the newest refresh token ends, in milliseconds; `None` if there is none.
    pub(super) refresh_until: Option<i64>,
    /// When the first access token ends, in milliseconds.
    access_until: i64,
}

impl Content for GrantState {
    const KIND: &'static Kind = &catalogue::DIRECTORY_GRANT;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl LiveGrant {
    pub(super) fn new(grant: UserGrant, seed: [u8; 16], access_until: Timestamp) -> Self {
        Self {
            id: grant.id,
            client_id: grant.client_id,
            user_id: grant.user_id,
            scope: grant.scope,
            session_id: grant.session_id,
            method: grant.method,
            auth_time: grant.auth_time.unix_millis(),
            revoked_grants: grant.revoked_grants,
            begun_at: grant.begun_at.unix_millis(),
            last_used_at: grant.last_used_at.unix_millis(),
            seed,
            newest: 0,
            refresh_until: None,
            access_until: access_until.unix_millis(),
        }
    }

    /// The same grant with a refresh token that is good until `until`.
    pub(super) fn with_refresh_until(self, until: Timestamp) -> Self {
        Self { refresh_until: Some(until.unix_millis()), ..self }
    }

    /// The same grant with the next refresh token.
    pub(super) fn rotated(self, until: Timestamp, now: Timestamp) -> Self {
        let newest = self.newest.saturating_add(1);
        Self { newest, last_used_at: now.unix_millis(), ..self.with_refresh_until(until) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn user_id(&self) -> &str {
        &self.user_id
    }

    /// When the last of its tokens ends.
    pub(super) fn ends_at(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.access_until.max(self.refresh_until.unwrap_or(i64::MIN)))
    }

    /// Whether its newest refresh token is good at `now`.
    pub(super) fn can_refresh(&self, now: Timestamp) -> bool {
        self.refresh_until.is_some_and(|until| now.unix_millis() < until)
    }
}

impl From<LiveGrant> for UserGrant {
    fn from(live: LiveGrant) -> Self {
        Self {
            id: live.id,
            client_id: live.client_id,
            user_id: live.user_id,
            scope: live.scope,
            session_id: live.session_id,
            method: live.method,
            auth_time: Timestamp::from_unix_millis(live.auth_time),
            revoked_grants: live.revoked_grants,
            begun_at: Timestamp::from_unix_millis(live.begun_at),
            last_used_at: Timestamp::from_unix_millis(live.last_used_at),
        }
    }
}
