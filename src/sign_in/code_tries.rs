use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, SharedClock, Timestamp};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// How many wrong codes an account may try in any ten minutes: so guessing succeeds with a chance of 1 in 180 000.
const MAX_WRONG_CODES: usize = 5;
/// The time in which wrong codes are counted.
const WRONG_CODES_WINDOW: Duration = catalogue::CODE_TRIES_WINDOW;
/// How far the clock may be set back without a try being forgotten: a guesser gains nothing by small corrections.
const MAX_CLOCK_STEP: Duration = Duration::from_mins(1);
/// How far the clocks of replicas may be apart without a try being forgotten.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(5);
/// How often a change of an account's tries is attempted. A compare-and-put fails only if another caller changed the
/// tries, and only few tries are allowed, so few attempts fail.
const MAX_CAS_ATTEMPTS: usize = 32;

/// The wrong magic codes that accounts have tried. They are in the store alone, so replicas count them together.
pub(super) struct CodeTries {
    tries: Collection<WrongCodeTimes>,
    clock: SharedClock,
    /// How far ahead of the clock a try that counts may lie.
    clock_tolerance: Duration,
}

/// A try that was counted before its code was compared.
pub(super) struct CountedTry {
    /// In milliseconds since the Unix epoch.
    at: i64,
    /// Whether the account has no try left after it.
    pub(super) is_last: bool,
}

/// The times at which an account tried wrong codes, in milliseconds since the Unix epoch.
#[derive(Default, Serialize, Deserialize)]
struct WrongCodeTimes(Vec<i64>);

impl Content for WrongCodeTimes {
    const KIND: &'static Kind = &catalogue::CODE_TRIES;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl CodeTries {
    pub(super) fn new(records: &Records) -> Self {
        let clock_tolerance = if records.replicas().is_some() { MAX_CLOCK_SKEW } else { MAX_CLOCK_STEP };
        Self { tries: Collection::new(records), clock: records.clock().clone(), clock_tolerance }
    }

    /// Counts a try of the account. `None` if no try is left.
    pub(super) async fn count(&self, account: &Account) -> Result<Option<CountedTry>, RecordError> {
        let now = self.clock.now();
        let is_last = AtomicBool::new(false);
        let counted = self.change(account, now, |tries| {
            let left = tries.len() < MAX_WRONG_CODES;
            if left {
                tries.push(now.unix_millis());
            }
            is_last.store(tries.len() == MAX_WRONG_CODES, Ordering::Relaxed);
            left
        });
        Ok(counted.await?.then(|| CountedTry { at: now.unix_millis(), is_last: is_last.load(Ordering::Relaxed) }))
    }

    /// Removes a try of the account, because its code was right.
    pub(super) async fn uncount(&self, account: &Account, counted: &CountedTry) -> Result<(), RecordError> {
        let remove = |tries: &mut Vec<i64>| {
            let place = tries.iter().position(|at| *at == counted.at);
            place.map(|place| tries.remove(place)).is_some()
        };
        self.change(account, self.clock.now(), remove).await.map(drop)
    }

    /// Changes the account's tries of the last ten minutes atomically. True if `change` returned true and its result is
    /// stored.
    async fn change(
        &self,
        account: &Account,
        now: Timestamp,
        change: impl Fn(&mut Vec<i64>) -> bool,
    ) -> Result<bool, RecordError> {
        let key = self.tries.key_from_texts(&account.key_parts());
        for _ in 0..MAX_CAS_ATTEMPTS {
            let (WrongCodeTimes(mut tries), present) = match self.tries.get(key).await? {
                Some(record) => (record.content, Some(record.stored)),
                None => (WrongCodeTimes::default(), None),
            };
            tries.retain(|at| self.is_counted(Timestamp::from_unix_millis(*at), now));
            if !change(&mut tries) {
                return Ok(false);
            }
            if self.tries.compare_and_put(present, self.tries.seal(key, &WrongCodeTimes(tries))?).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a try at `tried_at` counts now. One that a clock far ahead has written does not: otherwise the account would
    /// have no tries until the clock reaches that time again.
    fn is_counted(&self, tried_at: Timestamp, now: Timestamp) -> bool {
        tried_at <= now.plus(self.clock_tolerance) && tried_at.plus(WRONG_CODES_WINDOW) > now
    }
}
