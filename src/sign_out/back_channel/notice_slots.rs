use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::TenantId;

/// The notices that wait or are being sent at the same time.
const MAX_NOTICES: usize = 256;
/// Those of one application: an application that hangs must not keep the notices of others waiting.
const MAX_OF_APPLICATION: usize = 64;

/// Counts the notices that wait.
#[derive(Clone, Default)]
pub(super) struct NoticeSlots(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: usize,
    by_application: HashMap<Receiver, usize>,
}

/// A directory, and the client id of an application of it; without one, a notice whose applications are not known yet.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Receiver {
    tenant: TenantId,
    client_id: String,
}

/// The place of one notice, which is free again when this is dropped.
pub(super) struct NoticeSlot {
    slots: NoticeSlots,
    receiver: Receiver,
}

impl NoticeSlots {
    /// A place for a notice to `client_id`; `None` if too many wait.
    pub(super) fn take(&self, tenant: &TenantId, client_id: &str) -> Option<NoticeSlot> {
        let receiver = Receiver { tenant: tenant.clone(), client_id: client_id.to_owned() };
        let mut taken = self.lock();
        let of_application = taken.by_application.get(&receiver).copied().unwrap_or(0);
        if taken.all >= MAX_NOTICES || of_application >= MAX_OF_APPLICATION {
            return None;
        }
        taken.all += 1;
        taken.by_application.insert(receiver.clone(), of_application + 1);
        Some(NoticeSlot { slots: self.clone(), receiver })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NoticeSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.by_application.get_mut(&self.receiver) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_application.remove(&self.receiver);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_has_a_part_of_the_places_and_gives_them_back() {
        let (slots, market) = (NoticeSlots::default(), TenantId::new("market"));
        let mut held: Vec<_> = std::iter::from_fn(|| slots.take(&market, "slow")).collect();
        assert_eq!(held.len(), MAX_OF_APPLICATION);
        for name in ["b", "c", "d", "e"] {
            held.extend(std::iter::from_fn(|| slots.take(&market, name)));
        }
        assert_eq!(held.len(), MAX_NOTICES);
        assert!(slots.take(&market, "f").is_none());
        held.clear();
        assert!(slots.take(&market, "slow").is_some());
        assert!(slots.lock().by_application.is_empty(), "nothing is kept of an application without notices");
    }
}
