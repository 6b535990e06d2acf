use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// How long a fence stands. Every redemption and every sign-in of a browser ends sooner.
const FENCE_LIFETIME: Duration = Duration::from_hours(1);

/// The mark of the last sign-out of a slot over a shared store. It is a part of the slot's record, also of the tokens that are
/// kept there afterwards: a redemption that began before the sign-out knows another fence or none, and keeps no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vault) struct SlotFence {
    id: [u8; 16],
    ends_at: Timestamp,
}

/// The JSON form of a [`SlotFence`].
#[derive(Serialize, Deserialize)]
pub(in crate::vault) struct FenceJson {
    id: [u8; 16],
    ends_at: i64,
}

impl SlotFence {
    /// The fence of a sign-out at `now`; `id` is random.
    pub(in crate::vault) fn new(id: [u8; 16], now: Timestamp) -> Self {
        Self { id, ends_at: now.plus(FENCE_LIFETIME) }
    }

    /// From then on, the fence is of no use.
    pub(in crate::vault) fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    pub(super) fn stands(&self, now: Timestamp) -> bool {
        now < self.ends_at
    }

    /// Whether both are the mark of one sign-out.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl FenceJson {
    pub(in crate::vault) fn of(fence: SlotFence) -> Self {
        Self { id: fence.id, ends_at: fence.ends_at.unix_millis() }
    }

    pub(in crate::vault) fn to_fence(&self) -> SlotFence {
        SlotFence { id: self.id, ends_at: Timestamp::from_unix_millis(self.ends_at) }
    }
}
