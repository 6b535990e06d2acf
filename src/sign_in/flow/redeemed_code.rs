use super::BrowserSecret;
use super::records::AtProvider;
use crate::domain::Secret;
use crate::exchange::HeldContent;
use crate::identity_provider::RedeemedToken;
use crate::vault::SignOutMark;

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
}

impl HeldContent for RedeemedCode {
    fn bytes(&self) -> usize {
        self.redeemed.bytes()
    }
}
