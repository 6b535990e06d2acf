//! The limit of answers to a completed sign-in, by [`PageSignIn`].

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::sync::Cache;

use super::PageSignIn;
use crate::domain::Secret;

/// How often one completed sign-in is answered with a token or a code. A browser repeats its return a few times at most;
/// each repetition makes a token of its own, which is good for an hour.
const MAX_ANSWERS: u32 = 8;
/// How many completed sign-ins are counted at the same time. It is only lost memory: one that is forgotten is counted anew.
const MAX_SIGN_INS: usize = 16_384;

/// How often completed sign-ins were answered by this process, by a name of the sign-in's handle.
pub(super) type AnswerCounts = Arc<Cache<[u8; 32], Arc<AtomicU32>>>;

pub(super) fn count_no_answers() -> AnswerCounts {
    Arc::new(Cache::new(MAX_SIGN_INS))
}

impl PageSignIn {
    /// Counts an answer with a token or a code to the completed sign-in `handle`. Returns whether it may be given: eight are, by
    /// all replicas together. While a shared store fails, this replica's own count decides.
    pub async fn admits_answer(&self, handle: &Secret) -> bool {
        let name = self.browsers.sign_ins.name_answers(handle);
        let Ok(answers) = self.answers.get_or_insert_with(&name, || Ok::<_, Infallible>(Arc::default()));
        let counted = answers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |given| (given < MAX_ANSWERS).then_some(given + 1));
        counted.is_ok()
            && self.browsers.sign_ins.count_answer(&name).await.is_none_or(|given| given <= MAX_ANSWERS.into())
    }
}
