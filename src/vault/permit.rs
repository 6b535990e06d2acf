use super::epochs::Epoch;
use super::slot_generations::SlotGeneration;

/// The right to keep what is redeemed for one user in one slot. To be drawn *before* redeeming: a sign-out of the
/// connection, of the account or of the user that comes in between takes it back.
#[derive(Clone)]
pub struct Permit {
    pub(super) epoch: Epoch,
    pub(super) generation: SlotGeneration,
}

impl Permit {
    /// The user's epoch that it was drawn in.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}
