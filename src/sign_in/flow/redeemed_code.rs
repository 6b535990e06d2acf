use super::BrowserSecret;
use super::records::AtProvider;
use crate::domain::{ConnectionRevision, Secret, TokenSlot, UserKey};
use crate::exchange::{EndedTokens, HeldContent};
use crate::identity_provider::RedeemedToken;
use crate::vault::{SignOutMark, SlotGeneration};

/// A return of a browser whose user is not identified yet.
pub(super) struct Arrival {
    pub(super) state: Secret,
    pub(super) next: Secret,
    pub(super) browser: BrowserSecret,
    pub(super) record: AtProvider,
    pub(super) code: Secret,
    pub(super) correlation_id: String,
}

/// The tokens of a redeemed code, whose user is not identified yet.
pub(super) struct RedeemedCode {
    pub(super) redeemed: RedeemedToken,
    /// The name of the step and of the code.
    pub(super) code_name: [u8; 32],
    /// When the code was sent to the provider.
    pub(super) requested: SignOutMark,
    /// The slot of the card, and its generation when the code was sent to the provider.
    pub(super) slot: TokenSlot,
    pub(super) generation: SlotGeneration,
    pub(super) revision: ConnectionRevision,
    /// The user that the ID token names, unverified.
    pub(super) presumed_user: Option<UserKey>,
}

impl RedeemedCode {
    /// What a sign-out has to revoke. `None` if the ID token names no user: no sign-in can come of it.
    pub(super) fn to_ended_tokens(&self) -> Option<EndedTokens> {
        let RedeemedToken { access_token, refresh_token, .. } = &self.redeemed;
        Some(EndedTokens {
            revision: self.revision,
            user: self.presumed_user.clone()?,
            access_token: access_token.clone(),
            refresh_token: refresh_token.clone(),
        })
    }
}

impl HeldContent for RedeemedCode {
    fn bytes(&self) -> usize {
        self.redeemed.bytes()
    }
}
