//! The door at which identity providers of kind `oidc` say that they have signed a person out (OpenID Connect Back-Channel Logout 1.0
//! §2.5; docs/directory.md §Back-channel logout).
//!
//! Owns the form and the answers. It deliberately knows no keys and no sessions: a logout token that is valid names a person, who is
//! then signed out everywhere here.

mod description;
mod logout;
mod replies;

use actix_web::web;

use crate::domain::ClockAndEntropy;
use crate::inbound::{BodyLimits, ClientGuesses, Door, LetterCase, SampledLines};
use crate::sign_in::ProviderLogouts;
use crate::sign_out::{LogoutTokenUses, SignOut};

/// The path of this door.
const PATH: &str = "/backchannel-logout/{identity_provider}";
/// The place of the provider's name among the segments of the path.
const PROVIDER: usize = 2;
/// The largest body that is read, in bytes: a logout token has 8 KiB at most.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// What this door works with.
pub struct BackChannelLogoutParts {
    /// Reads logout tokens.
    pub logouts: ProviderLogouts,
    /// The tokens that were used.
    pub uses: LogoutTokenUses,
    /// Signs persons out.
    pub sign_out: SignOut,
    /// Counts the refused tokens of each address.
    pub guesses: ClientGuesses,
}

/// The state of this door; built once.
pub struct BackChannelLogout {
    parts: BackChannelLogoutParts,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
    /// Chooses the lines about refusals, which strangers can cause without end.
    lines: SampledLines,
}

impl BackChannelLogout {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: BackChannelLogoutParts, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        let limits = BodyLimits { bytes: limits.bytes.min(MAX_BODY_BYTES), ..limits };
        let lines = SampledLines::new(ambient.clock.clone());
        Self { parts, ambient, limits, lines }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Back-channel logout",
    description: "Where identity providers of kind `oidc` say that they have signed a person out.",
    bearer: "",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<BackChannelLogout>) {
    config.app_data(door);
    DOOR.add_routes(config);
}
