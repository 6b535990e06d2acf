//! The payloads of a directory's tokens (docs/protocols/app-id.md §Tokens).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// What a token may be used for (`token_use`). An ID token never passes as an access token, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenUse {
    Access,
    Id,
}

/// What both tokens say.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct CommonClaims {
    pub(super) iss: String,
    pub(super) aud: Vec<String>,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) tenant: String,
    pub(super) sub: String,
    pub(super) amr: Vec<String>,
    pub(super) token_use: TokenUse,
}

/// The payload of an access token.
#[derive(Serialize, Deserialize)]
pub(super) struct AccessPayload {
    #[serde(flatten)]
    pub(super) common: CommonClaims,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) jti: String,
    /// The id of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grant: Option<String>,
}

/// The payload of an ID token.
#[derive(Serialize)]
pub(super) struct IdPayload<'a> {
    #[serde(flatten)]
    pub(super) common: CommonClaims,
    pub(super) azp: &'a str,
    pub(super) at_hash: String,
    #[serde(flatten)]
    pub(super) person: PersonClaims<'a>,
    #[serde(flatten)]
    pub(super) sign_in: SignInClaims<'a>,
}

/// What an ID token says of the user.
#[derive(Default, Serialize)]
pub(super) struct PersonClaims<'a> {
    pub(super) identities: Vec<Identity<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email_verified: Option<bool>,
}

/// An entry of `identities`.
#[derive(Serialize)]
pub(super) struct Identity<'a> {
    pub(super) provider: &'a str,
    pub(super) id: &'a str,
}

/// What an ID token says of the sign-in.
#[derive(Default, Serialize)]
pub(super) struct SignInClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<&'a str>,
}

/// What is read of an ID token again.
#[derive(Deserialize)]
pub(super) struct HintPayload {
    #[serde(flatten)]
    pub(super) common: CommonClaims,
    #[serde(default)]
    pub(super) sid: Option<String>,
}

/// `at_hash` of `access_token` (OpenID Connect Core §3.1.3.6).
pub(super) fn at_hash(access_token: &str) -> String {
    let digest = digest(&SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default())
}
