use crate::domain::Timestamp;

/// What a validated token says of itself, as an introspection answers it (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedClaims {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `scp`, or `scope` as RFC 9068 has it.
    pub scope: Option<String>,
    /// `azp` of a v2.0 token, `appid` of a v1.0 token, or `client_id` as RFC 9068 has it.
    pub client_id: Option<String>,
    /// The name that the user signs in with. It is for people to read, and no key.
    pub username: Option<String>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
}
