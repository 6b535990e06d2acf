//! The refusals that the phases of an exchange share.

use crate::exchange::binding::mismatch;
use crate::exchange::{Reason, Refusal};
use crate::records::RecordError;
use crate::vault::VaultError;

pub(super) fn vault_failure(error: &VaultError) -> Refusal {
    if matches!(error, VaultError::SignedOut) {
        return Refusal::local(Reason::SignInRequired, "the user was signed out while the exchange was under way");
    }
    tracing::error!(%error, "the vault failed");
    Refusal::fault("the vault failed: see the error logged before this")
}

pub(super) fn store_failure(error: &RecordError) -> Refusal {
    tracing::error!(%error, "the records of pending sign-ins cannot be read");
    Refusal::fault("the store failed: see the error logged before this")
}

pub(super) fn pinned_to_another_user() -> Refusal {
    mismatch("pin", "this channel account is pinned to another identity until sign-out")
}

pub(super) fn deadline_exceeded() -> Refusal {
    Refusal::fault("the identity provider did not answer within the invoke's budget")
}

pub(super) fn other_replica_is_late() -> Refusal {
    Refusal::fault("the replica that makes the exchange did not settle it within the invoke's budget")
}

pub(super) fn too_many_followers() -> Refusal {
    Refusal::fault("too many duplicates of one exchange are waiting")
}

pub(super) fn leader_ended() -> Refusal {
    Refusal::fault("the exchange's task ended without an outcome")
}
