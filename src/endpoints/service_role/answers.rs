use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Secret, Timestamp};
use crate::protocol::iso_8601;

/// A token with its lifetime.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer<'a> {
    /// The token.
    access_token: &'a str,
    /// `Bearer`.
    token_type: &'static str,
    /// The seconds until the token ends.
    expires_in: u64,
    /// When the token ends, in UTC.
    expires_at: String,
}

/// The app's user token that a code has given.
#[derive(Serialize, ToSchema)]
pub(super) struct RedeemedCodeAnswer<'a> {
    #[serde(flatten)]
    pub(super) token: TokenAnswer<'a>,
    /// The user's id at the app.
    pub(super) user_id: &'a str,
    /// Whether the sign-in has given the person this id.
    pub(super) is_new_user: bool,
}

/// The user of an app's user token.
#[derive(Serialize, ToSchema)]
pub(super) struct AppUserAnswer<'a> {
    /// The user's id at the app.
    pub(super) id: &'a str,
    /// The address that the sign-in stated. It is shown and is no identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    /// The name that the sign-in stated. It is shown and is no identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) full_name: Option<String>,
}

impl<'a> TokenAnswer<'a> {
    pub(super) fn new(token: &'a Secret, expires_at: Timestamp, now: Timestamp) -> Self {
        Self {
            access_token: token.expose(),
            token_type: "Bearer",
            expires_in: now.until(expires_at).as_secs(),
            expires_at: iso_8601(expires_at),
        }
    }
}

/// An answer 200 that no cache may store (RFC 6749 §5.1).
pub(super) fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}
