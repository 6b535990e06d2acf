//! The service role of apps: trusted functions read the tokens of an app's users with the app's service token, as the
//! module `sso` of Base44's SDK does (docs/service-role.md).
//!
//! Owns whose token a service token reads, alone and on behalf of a user. It deliberately knows no sign-in: which person a
//! user id means is a link, and the person's token is kept by the sign-in.

mod access;
mod answers;
mod called_app;
mod current_user;
mod description;
mod read_token;
mod redeem_code;
mod refusal;

use std::sync::Arc;

use actix_web::web;

use crate::accounts::AppUsers;
use crate::domain::{Registrations, SharedClock};
use crate::exchange::CurrentTokens;
use crate::inbound::{AppAuthenticator, BodyLimits, Door, LetterCase};
use crate::token_issuer::AppUserTokens;

/// The state of this door; built once, shared by all workers.
pub struct ServiceRole {
    authenticator: AppAuthenticator,
    limits: BodyLimits,
    registrations: Arc<Registrations>,
    users: AppUsers,
    app_tokens: AppUserTokens,
    tokens: CurrentTokens,
    clock: SharedClock,
}

/// Who may call, and the limits on requests.
pub struct ServiceRoleCallers {
    /// Authenticates functions.
    pub authenticator: AppAuthenticator,
    /// The limits on request bodies.
    pub limits: BodyLimits,
}

/// The users of apps, and how a page proves which of them it acts for.
pub struct ServiceRoleUsers {
    /// The configured apps and connections.
    pub registrations: Arc<Registrations>,
    /// The links between user ids and persons.
    pub users: AppUsers,
    /// The apps' user tokens.
    pub app_tokens: AppUserTokens,
}

impl ServiceRole {
    /// The door for these callers and users, whose tokens are in `tokens`.
    #[must_use]
    pub fn new(
        callers: ServiceRoleCallers,
        users: ServiceRoleUsers,
        tokens: CurrentTokens,
        clock: SharedClock,
    ) -> Self {
        let ServiceRoleCallers { authenticator, limits } = callers;
        let ServiceRoleUsers { registrations, users, app_tokens } = users;
        Self { authenticator, limits, registrations, users, app_tokens, tokens, clock }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Service role",
    description: "The tokens of apps' users, for trusted functions of the apps.",
    bearer: "The app's service token; for the present user, the app's user token.",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    // An answer's body is a token.
    answers_head: false,
};

/// Adds this door's paths. Base44's SDK doubles the first slash if its server address ends with one.
pub fn configure(config: &mut web::ServiceConfig, service_role: web::Data<ServiceRole>) {
    config.app_data(service_role);
    DOOR.add_routes(config);
    DOOR.add_routes_behind_slash(config);
}
