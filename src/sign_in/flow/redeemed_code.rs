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
pub(in crate::sign_in) struct RedeemedCode {
    pub(in crate::sign_in) redeemed: RedeemedToken,
    /// The name of the step and of the code.
    pub(in crate::sign_in) code_name: [u8; 32],
    /// When the code was sent to the provider.
    pub(in crate::sign_in) requested: SignOutMark,
    /// The slot that the token is meant for, and its generation when the code was sent to the provider; where only the token
    /// says whose slot that is, its generation afterwards.
    pub(in crate::sign_in) slot: TokenSlot,
    pub(in crate::sign_in) generation: SlotGeneration,
    pub(in crate::sign_in) revision: ConnectionRevision,
    /// The user that the ID token names, unverified.
    pub(in crate::sign_in) presumed_user: Option<UserKey>,
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
