use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The most bytes of one skill's answers that are in memory together. A typical answer has 2 KiB.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The budget is counted in units of this many bytes.
const UNIT_BYTES: usize = 1024;

/// The memory for the answers of one skill whose activities are judged: an answer stays in memory while the cards in it wait.
#[derive(Clone)]
pub(super) struct AnswerBudget {
    units: Arc<Semaphore>,
}

/// The room of one answer in the budget.
#[must_use]
pub(super) struct AnswerRoom {
    permit: OwnedSemaphorePermit,
}

impl Default for AnswerBudget {
    fn default() -> Self {
        Self::of_bytes(MAX_BYTES)
    }
}

impl AnswerBudget {
    fn of_bytes(bytes: usize) -> Self {
        Self { units: Arc::new(Semaphore::new(bytes / UNIT_BYTES)) }
    }

    /// Waits for room for an answer of `bytes`; `None` if there is none by `deadline`.
    pub(super) async fn reserve(&self, bytes: usize, deadline: Instant) -> Option<AnswerRoom> {
        let reserving = self.units.clone().acquire_many_owned(to_units(bytes));
        let permit = timeout_at(deadline, reserving).await.ok()?.ok()?;
        Some(AnswerRoom { permit })
    }
}

impl AnswerRoom {
    /// Gives back what an answer of `bytes` does not need.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.permit.num_permits().saturating_sub(to_units(bytes) as usize);
        drop(self.permit.split(surplus));
    }
}

fn to_units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn answers_wait_for_room_and_give_back_what_they_do_not_need() {
        let budget = AnswerBudget::of_bytes(4096);
        let soon = || Instant::now() + Duration::from_mins(1);
        let mut first = budget.reserve(4096, soon()).await.unwrap();
        assert!(budget.reserve(1, Instant::now()).await.is_none(), "the deadline has passed");
        first.shrink_to(1025);
        let second = budget.reserve(2048, soon()).await.unwrap();
        assert!(budget.reserve(1, Instant::now()).await.is_none());
        let waiting = budget.clone();
        let third = tokio::spawn(async move { waiting.reserve(2000, soon()).await.is_some() });
        tokio::task::yield_now().await;
        drop(second);
        assert!(third.await.unwrap());
        drop(first);
        assert!(budget.reserve(4096, soon()).await.is_some());
    }
}
