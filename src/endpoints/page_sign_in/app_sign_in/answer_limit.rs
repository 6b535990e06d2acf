use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::sync::Cache;

use crate::domain::Secret;

/// How often one completed sign-in is answered with a token or a code. A browser repeats its return a few times at most;
/// each repetition makes a token of its own, which is good for an hour.
const MAX_ANSWERS: u32 = 8;
/// How many completed sign-ins are counted at the same time. It is only lost memory: one that is forgotten is counted anew.
const MAX_SIGN_INS: usize = 16_384;

/// Limits how many tokens and codes come of one completed sign-in.
pub(super) struct AnswerLimit {
    /// The numbers of answers, by a keyed hash of the sign-in's handle.
    answers: Cache<u64, Arc<AtomicU32>>,
    hasher: RandomState,
}

impl AnswerLimit {
    /// Nothing is answered yet.
    pub(super) fn new() -> Self {
        Self { answers: Cache::new(MAX_SIGN_INS), hasher: RandomState::new() }
    }

    /// Counts an answer to the completed sign-in `handle`. Returns whether it may be given.
    pub(super) fn admits(&self, handle: &Secret) -> bool {
        let key = self.hasher.hash_one(handle.expose());
        let Ok(answers) = self.answers.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
        let counted = answers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |given| (given < MAX_ANSWERS).then_some(given + 1));
        counted.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completed_sign_in_is_answered_eight_times_and_another_one_as_often() {
        let limit = AnswerLimit::new();
        let (one, other) = (Secret::from("one"), Secret::from("other"));
        let admitted = (0..300).filter(|_| limit.admits(&one)).count();
        assert_eq!((admitted, limit.admits(&other)), (8, true));
    }
}
