//! What tests need of this room.

use std::sync::Arc;

use super::{KeyRing, Sealer};
use crate::domain::{SystemClock, SystemEntropy};

/// A sealer with a new key ring.
pub(crate) fn throwaway_sealer() -> Arc<Sealer> {
    Arc::new(Sealer::new(KeyRing::generate(&SystemClock, &SystemEntropy), Arc::new(SystemEntropy)))
}
