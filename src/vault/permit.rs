use super::epochs::Epoch;
use super::slots::SlotGeneration;

/// The permission to keep a token of one user in one slot. A caller gets the permit *before* it requests the token from
/// the identity provider. A sign-out of the connection, of the account or of the user that happens afterwards revokes
/// the permit, so that the token of a request under way is not kept.
#[derive(Clone)]
pub struct Permit {
    pub(super) epoch: Epoch,
    pub(super) generation: SlotGeneration,
}

impl Permit {
    /// The user's epoch at the time when the permit was issued.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}
