//! The management API of directories, and the tokens that its administrators get for their API keys.
//!
//! Owns the paths under `/management/v4/{tenant}` and `/identity/token`, and who may change what. It deliberately knows
//! neither how settings and users are kept nor what a change ends.

mod administrators;
mod applications;
mod body;
mod call;
mod description;
mod identity_token;
mod refusal;
mod self_service;
mod settings;
mod users;

use actix_web::web;
use url::Url;

use self::administrators::AdministratorChecks;
use self::refusal::Refused;
use crate::accounts::{Directories, DirectoryUsers};
use crate::domain::ClockAndEntropy;
use crate::endpoints::directory::SessionEndings;
use crate::endpoints::directory::self_service::service::SelfService;
use crate::inbound::{BodyLimits, Door, LetterCase, Operation, SharedLimits};
use crate::token_issuer::AdministratorTokens;

/// What this door works with.
pub struct ManagementParts {
    /// The directories and their settings.
    pub directories: Directories,
    /// Their users.
    pub users: DirectoryUsers,
    /// Ends the sessions of users.
    pub endings: SessionEndings,
    /// The acts of self-service.
    pub self_service: SelfService,
    /// The tokens that administrators get for their API key.
    pub administrator_tokens: AdministratorTokens,
    /// Whether the configuration says how messages are sent.
    pub sends_mail: bool,
    /// What the limits of this door are made from.
    pub shared_limits: SharedLimits,
}

/// The state of this door; built once.
pub struct ManagementDoor {
    parts: ManagementParts,
    checks: AdministratorChecks,
    /// Without a slash at its end.
    public_url: String,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
}

impl ManagementDoor {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: ManagementParts, public_url: &Url, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        let checks = AdministratorChecks::new(
            parts.directories.clone(),
            parts.administrator_tokens.clone(),
            &parts.shared_limits,
        );
        let public_url = public_url.as_str().trim_end_matches('/').to_owned();
        Self { parts, checks, public_url, ambient, limits }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Directory: management",
    description: "The management API of directories.",
    bearer: "A token of an administrator of the directory.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    identity_token::ISSUE,
    settings::GET_SSO,
    settings::PUT_SSO,
    settings::GET_REDIRECT_URIS,
    settings::PUT_REDIRECT_URIS,
    settings::GET_TOKENS,
    settings::PUT_TOKENS,
    settings::GET_CLOUD_DIRECTORY,
    settings::PUT_CLOUD_DIRECTORY,
    settings::GET_ACTION_URL,
    settings::PUT_ACTION_URL,
    settings::DELETE_ACTION_URL,
    settings::GET_PASSWORD_MANAGEMENT,
    settings::PUT_PASSWORD_MANAGEMENT,
    settings::GET_PASSWORD_REGEX,
    settings::PUT_PASSWORD_REGEX,
    applications::LIST,
    applications::CREATE,
    applications::GET,
    applications::PUT,
    applications::DELETE,
    self_service::SIGN_UP,
    self_service::SIGN_UP_RESULT,
    self_service::FORGOT_PASSWORD,
    self_service::FORGOT_PASSWORD_RESULT,
    self_service::RESEND,
    users::LIST,
    users::CREATE,
    users::GET,
    users::PUT,
    users::DELETE,
    users::REMOVE,
    users::BULK_REMOVE,
    users::LINK_IDENTITY,
    users::UNLINK_IDENTITY,
    users::CHANGE_PASSWORD,
    users::END_SESSIONS,
    users::REVOKE_REFRESH_TOKENS,
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<ManagementDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}
