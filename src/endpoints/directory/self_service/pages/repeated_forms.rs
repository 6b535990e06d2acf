use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use tokio::sync::OnceCell;

use crate::domain::{ClockAndEntropy, Timestamp, draw_256_bits};

/// The forms whose outcomes are remembered, of all browsers together.
const MAX_FORMS: usize = 1024;
/// How long an outcome is remembered.
const LIFETIME: Duration = Duration::from_mins(2);

/// Gives the same browser the same outcome for the same form: a double click, or a form that is sent again after its answer was
/// lost, finds its own first try, and not an address that is taken or a password that is out of date. This is the memory of one
/// process; behind it stands [`FormOutcomes`](crate::accounts::FormOutcomes), which replicas share.
pub(super) struct RepeatedForms<T> {
    /// The oldest first.
    known: Mutex<VecDeque<KnownForm<T>>>,
    key: hmac::Key,
    ambient: ClockAndEntropy,
}

struct KnownForm<T> {
    /// A MAC over the form's token, which is bound to the browser and to what the form does, and over all that was typed. The key is
    /// drawn per process, so no password could be guessed from it.
    id: [u8; 32],
    first_at: Timestamp,
    /// Set by the first try that succeeds. Others wait for the one that is under way.
    outcome: Arc<OnceCell<T>>,
}

impl<T: Clone> RepeatedForms<T> {
    /// Remembers no form yet.
    pub(super) fn new(ambient: ClockAndEntropy) -> Self {
        let key = draw_256_bits(ambient.entropy.as_ref());
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
        Self { known: Mutex::default(), key, ambient }
    }

    /// The outcome of the form with this token and this body: that of `work`, unless an earlier try has succeeded. A try that fails
    /// is not remembered.
    pub(super) async fn complete<E>(&self, body: &[u8], work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let cell = self.find(body);
        // `work` runs to its end in a task of its own, so no caller that hangs up leaves it half done.
        cell.get_or_try_init(|| work).await.cloned()
    }

    fn find(&self, body: &[u8]) -> Arc<OnceCell<T>> {
        let (now, mut id) = (self.ambient.now(), [0; 32]);
        id.copy_from_slice(hmac::sign(&self.key, body).as_ref());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        while known.front().is_some_and(|oldest| oldest.first_at.plus(LIFETIME) <= now) {
            known.pop_front();
        }
        if let Some(form) = known.iter().find(|form| form.id.ct_eq(&id).into()) {
            return form.outcome.clone();
        }
        if known.len() >= MAX_FORMS {
            known.pop_front();
        }
        let outcome = Arc::new(OnceCell::new());
        known.push_back(KnownForm { id, first_at: now, outcome: outcome.clone() });
        outcome
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{OffsetClock, SystemEntropy};

    fn remember() -> RepeatedForms<u32> {
        let clock = Arc::new(OffsetClock::default());
        RepeatedForms::new(ClockAndEntropy { clock, entropy: Arc::new(SystemEntropy) })
    }

    async fn complete(
        forms: &RepeatedForms<u32>,
        body: &[u8],
        result: Result<u32, &'static str>,
    ) -> Result<u32, &'static str> {
        forms.complete(body, async { result }).await
    }

    #[tokio::test]
    async fn a_form_that_has_succeeded_has_its_outcome_and_one_that_has_failed_is_tried_again() {
        let forms = remember();
        assert_eq!(complete(&forms, b"a", Err("wrong")).await, Err("wrong"));
        assert_eq!(complete(&forms, b"a", Ok(1)).await, Ok(1));
        assert_eq!(complete(&forms, b"a", Err("taken")).await, Ok(1));
        assert_eq!(complete(&forms, b"b", Ok(2)).await, Ok(2), "another form");
    }

    #[tokio::test]
    async fn as_many_forms_are_remembered_as_may_be() {
        let forms = remember();
        for number in 0..=MAX_FORMS {
            complete(&forms, &number.to_be_bytes(), Ok(1)).await.unwrap();
        }
        assert_eq!(forms.known.lock().unwrap().len(), MAX_FORMS);
    }
}
