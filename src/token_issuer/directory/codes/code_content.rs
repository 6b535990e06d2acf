use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::code_challenge::CodeChallenge;
use crate::domain::{SignInMethod, Timestamp};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// What a code stands for.
#[derive(Clone, Debug)]
pub struct CodeContent {
    /// The application that the code was issued to.
    pub client_id: String,
    /// The redirect URI of the request, which the token call must repeat.
    pub redirect_uri: String,
    /// The user.
    pub user_id: String,
    /// The granted scope, words separated by spaces.
    pub scope: String,
    /// `nonce` of the request.
    pub nonce: Option<String>,
    /// The challenge of the request.
    pub challenge: Option<CodeChallenge>,
    /// The public id of the browser's session; `None` where single sign-on is off.
    pub session_id: Option<String>,
    /// By what the user signed in.
    pub method: SignInMethod,
    /// When the user signed in.
    pub auth_time: Timestamp,
    /// [`DirectoryUser::ended_sessions`](crate::domain::DirectoryUser::ended_sessions) at the sign-in.
    pub ended_sessions: u64,
    /// [`DirectoryUser::revoked_grants`](crate::domain::DirectoryUser::revoked_grants) at the sign-in.
    pub revoked_grants: u64,
    /// The id of the grant that the code will give, drawn with the code, so that a replayed code can end it.
    pub grant_id: String,
}

/// The record of a code: good, or used.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CodeState {
    Good(GoodCode),
    Used { client_id: String, grant_id: String, user_id: String },
}

/// What a good code stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct GoodCode {
    client_id: String,
    redirect_uri: String,
    user_id: String,
    scope: String,
    nonce: Option<String>,
    challenge: Option<CodeChallenge>,
    session_id: Option<String>,
    #[serde(default)]
    method: SignInMethod,
    auth_time: i64,
    ended_sessions: u64,
    revoked_grants: u64,
    grant_id: String,
}

impl Content for CodeState {
    const KIND: &'static Kind = &catalogue::DIRECTORY_CODE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl CodeState {
    pub(super) fn good(content: &CodeContent) -> Self {
        let content = content.clone();
        Self::Good(GoodCode {
            client_id: content.client_id,
            redirect_uri: content.redirect_uri,
            user_id: content.user_id,
            scope: content.scope,
            nonce: content.nonce,
            challenge: content.challenge,
            session_id: content.session_id,
            method: content.method,
            auth_time: content.auth_time.unix_millis(),
            ended_sessions: content.ended_sessions,
            revoked_grants: content.revoked_grants,
            grant_id: content.grant_id,
        })
    }

    /// The mark of a used code.
    pub(super) fn used(content: &CodeContent) -> Self {
        let (client_id, grant_id) = (content.client_id.clone(), content.grant_id.clone());
        Self::Used { client_id, grant_id, user_id: content.user_id.clone() }
    }

    pub(super) const fn is_used(&self) -> bool {
        matches!(self, Self::Used { .. })
    }

    /// The application that the code was issued to.
    pub(super) fn client_id(&self) -> &str {
        match self {
            Self::Good(GoodCode { client_id, .. }) | Self::Used { client_id, .. } => client_id,
        }
    }
}

impl From<GoodCode> for CodeContent {
    fn from(good: GoodCode) -> Self {
        Self {
            client_id: good.client_id,
            redirect_uri: good.redirect_uri,
            user_id: good.user_id,
            scope: good.scope,
            nonce: good.nonce,
            challenge: good.challenge,
            session_id: good.session_id,
            method: good.method,
            auth_time: Timestamp::from_unix_millis(good.auth_time),
            ended_sessions: good.ended_sessions,
            revoked_grants: good.revoked_grants,
            grant_id: good.grant_id,
        }
    }
}
