//! The OAuth 2.0 and OpenID Connect endpoints of directories that applications call (docs/protocols/app-id.md §Token endpoint).
//!
//! Owns the grants, what is said of tokens, and which pages may call. It deliberately knows no cookie and no page: how users sign
//! in is the business of the door beside it.

mod activity;
mod application_grants;
mod call;
mod cors;
mod description;
mod generate_code;
mod introspection;
mod live_token;
mod metadata;
mod password;
mod preflight;
mod replies;
mod revocation;
mod token;
mod user_info;

use std::num::NonZeroU32;

use actix_web::web;

use crate::accounts::{Directories, DirectoryUsers, SelfServiceLinks};
use crate::domain::ClockAndEntropy;
use crate::endpoints::directory::redemption::GrantRedemption;
use crate::inbound::{
    ApplicationAuthenticator, BodyLimits, ClientAssertionUses, ClientGuesses, Door, KeyedRate, LetterCase, RateLimit,
    SampledLines, SharedLimits,
};
use crate::observability::DirectoryCounts;
use crate::token_issuer::{DirectoryKeyRing, DirectoryTokens, Grants};

/// The paths of this door.
const TOKEN_PATH: &str = "/oauth/v4/{tenant}/token";
const INTROSPECTION_PATH: &str = "/oauth/v4/{tenant}/introspect";
const REVOCATION_PATH: &str = "/oauth/v4/{tenant}/revoke";
const USER_INFO_PATH: &str = "/oauth/v4/{tenant}/userinfo";
const KEYS_PATH: &str = "/oauth/v4/{tenant}/publickeys";
const DISCOVERY_PATH: &str = "/oauth/v4/{tenant}/.well-known/openid-configuration";
const METADATA_PATH: &str = "/.well-known/oauth-authorization-server/oauth/v4/{tenant}";
const ACTIVITY_PATH: &str = "/oauth/v4/{tenant}/activity_logging";
const GENERATE_CODE_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/generate_code";

/// The codes for a user's own page that one grant gets in a minute. Each is a record that is kept for an hour.
const GENERATED_CODES_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// What this door works with.
pub struct OAuthParts {
    /// The directories and their settings.
    pub directories: Directories,
    /// Their users.
    pub users: DirectoryUsers,
    /// The keys of the directories.
    pub keys: DirectoryKeyRing,
    /// Redeems codes and refresh tokens.
    pub redemption: GrantRedemption,
    /// The grants of applications.
    pub grants: Grants,
    /// The tokens of the directories.
    pub tokens: DirectoryTokens,
    /// The assertions that applications have used.
    pub assertion_uses: ClientAssertionUses,
    /// The codes for users' own pages.
    pub links: SelfServiceLinks,
    /// What is counted at directories.
    pub counts: DirectoryCounts,
    /// What the limits of this door are made from.
    pub shared_limits: SharedLimits,
}

/// The state of this door; built once.
pub struct OAuthDoor {
    parts: OAuthParts,
    applications: ApplicationAuthenticator,
    /// The lines about sign-ins that a limit refuses.
    lines: SampledLines,
    /// Of each grant, at audit lines about what its application says.
    activities: KeyedRate,
    /// Of each grant, at codes for its user's own page.
    generated_codes: KeyedRate,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
}

impl OAuthDoor {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: OAuthParts, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        let shared = &parts.shared_limits;
        let applications = ApplicationAuthenticator::new(ClientGuesses::new(shared, "applications"));
        let activities = KeyedRate::new(RateLimit::per_minute("activities", NonZeroU32::MIN), shared);
        let generated_codes = RateLimit::per_minute("generated_codes", GENERATED_CODES_PER_MINUTE);
        let generated_codes = KeyedRate::new(generated_codes, shared);
        let lines = SampledLines::new(ambient.clock.clone());
        Self { parts, applications, lines, activities, generated_codes, ambient, limits }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Directory: tokens",
    description: "The OAuth 2.0 and OpenID Connect endpoints of directories that applications call. An application with a secret \
                  authenticates by HTTP Basic, or by `client_id` and `client_secret` in the body; a public one states its \
                  `client_id`, and proves itself by PKCE.",
    bearer: "An access token of the directory.",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<OAuthDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}
