//! The door of back ends: RFC 8693 token exchange, RFC 7662 introspection, RFC 7009 revocation, and RFC 8414 metadata
//! (docs/back-ends.md).
//!
//! Owns the parameters and the errors of these standards. It deliberately knows no identity provider: a back end presents a
//! user's token and gets the token that the exchange gives for it.

mod app_token;
mod assertion;
mod description;
mod introspection;
mod metadata;
mod replies;
mod request;
mod revocation;
mod targets;
mod token;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use bytes::Bytes;

use crate::bot_connector::BackEndAppTokens;
use crate::domain::{ClockAndEntropy, Registrations};
use crate::exchange::{AssertionExchange, GivenTokens, TokenValidators};
use crate::inbound::{BodyLimits, ClientAuthenticator, Door, LetterCase};
use crate::observability::Counters;
use crate::sign_out::SignOut;

pub use metadata::ServerMetadata;

/// A request is answered within this time, whatever the identity provider does.
const BUDGET: Duration = Duration::from_secs(8);

/// The paths of this door.
const TOKEN_PATH: &str = "/oauth2/token";
const INTROSPECTION_PATH: &str = "/oauth2/introspect";
const REVOCATION_PATH: &str = "/oauth2/revoke";
const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Back ends",
    description: "For servers that hold a user's token and need another one: the standard endpoints of OAuth. A back end \
                  authenticates by HTTP Basic, by `client_id` and `client_secret` in the body, or by a signed assertion.",
    bearer: "",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

/// The state of this door; built once.
pub struct BackEndDoor {
    callers: BackEndCallers,
    exchange: BackEndExchange,
    counters: Arc<Counters>,
    ambient: ClockAndEntropy,
    /// The metadata as JSON.
    metadata: Bytes,
}

/// Who may call this door, and in which form.
pub struct BackEndCallers {
    /// Authenticates the back ends.
    pub authenticator: ClientAuthenticator,
    /// Has the back ends and their connections.
    pub registrations: Arc<Registrations>,
    /// The bounds of a body.
    pub limits: BodyLimits,
}

/// What this door does with tokens.
pub struct BackEndExchange {
    /// Validates subject tokens.
    pub validators: Arc<TokenValidators>,
    /// Exchanges them.
    pub assertions: AssertionExchange,
    /// Finds the tokens that were given.
    pub given: GivenTokens,
    /// Gets tokens of back ends as themselves.
    pub app_tokens: BackEndAppTokens,
    /// Ends what is kept.
    pub sign_out: SignOut,
}

impl BackEndDoor {
    /// The state of the door, which publishes `metadata`.
    #[must_use]
    pub fn new(
        callers: BackEndCallers,
        exchange: BackEndExchange,
        metadata: &ServerMetadata,
        counters: Arc<Counters>,
        ambient: ClockAndEntropy,
    ) -> Self {
        Self { callers, exchange, counters, ambient, metadata: metadata.to_json() }
    }
}

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<BackEndDoor>) {
    config.app_data(door);
    DOOR.add_routes(config);
}
