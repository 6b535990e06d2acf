use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::vault::SignOutMark;

/// How many begun sign-ins are remembered with the sign-outs that came before them. It is only lost memory: a sign-in that
/// is not remembered is not ended by a sign-out while its browser is at the provider.
const MAX_REMEMBERED: usize = 16_384;

/// The last sign-out before each browser was sent to an identity provider, by the name of the browser's step. A browser may
/// return to another replica, so over a shared store the record of the step has it.
#[derive(Clone)]
pub(super) struct Departures(Arc<Cache<[u8; 32], SignOutMark>>);

impl Departures {
    pub(super) fn new() -> Self {
        Self(Arc::new(Cache::new(MAX_REMEMBERED)))
    }

    /// Remembers `mark` for the step of this name, unless its record has the mark.
    pub(super) fn remember(&self, step_name: [u8; 32], mark: SignOutMark) {
        if mark.stored().is_none() {
            self.0.insert(step_name, mark);
        }
    }

    /// The mark of the step of this name, whose record has the number `recorded`. `None` if it is not remembered.
    pub(super) fn find(&self, step_name: &[u8; 32], recorded: Option<u64>) -> Option<SignOutMark> {
        recorded.map(SignOutMark::from_stored).or_else(|| self.0.get(step_name))
    }
}
