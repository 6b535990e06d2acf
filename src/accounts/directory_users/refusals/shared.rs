//! The refused sign-ins that all replicas count together.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::refusal::{ReachedLimit, TooManyRefusals};
use crate::records::{RecordError, Records, catalogue};

/// The time from the first sign-in on in which refusals are counted, by the clock of the store. Afterwards the count begins anew.
const WINDOW: Duration = Duration::from_mins(1);
/// The pause of a sign-in that waits for sign-ins which run on other replicas.
const PAUSE: Duration = Duration::from_millis(50);

/// One count of the store holds three numbers, so that one addition changes them at once: the sign-ins that run, those that were
/// refused, and how often it was noted that the limit is reached.
const REFUSED: i64 = 1 << 20;
const NOTED: i64 = 1 << 40;

/// Counts refused sign-ins with other replicas. A sign-in that runs counts as refused until it is known that it is not, so parallel
/// guesses on several replicas are answered no more often than those on one.
pub(super) struct SharedRefusals {
    records: Records,
    longest_wait: Duration,
}

/// What is counted: a login, a user or an address.
#[derive(Clone)]
pub(super) struct SharedName {
    pub(super) kind: &'static str,
    pub(super) tenant: String,
    pub(super) text: String,
    pub(super) limit: u32,
    /// What is said to be reached.
    pub(super) says: ReachedLimit,
}

/// The places of a sign-in in the counts. They are given back when this is dropped.
pub(super) struct SharedPermit {
    records: Records,
    names: Vec<SharedName>,
}

/// What a count says.
struct Sum {
    running: i64,
    refused: i64,
    notes: i64,
}

enum Attempt {
    Admitted(SharedPermit),
    /// Sign-ins that run on other replicas may use up a limit.
    Busy,
    Refused(TooManyRefusals),
}

impl SharedRefusals {
    /// `None` over an exclusive store: the counts in memory are the only ones.
    pub(super) fn over(records: &Records, longest_wait: Duration) -> Option<Self> {
        records.replicas().map(|_| Self { records: records.clone(), longest_wait })
    }

    /// Admits a sign-in that is counted under `names`. It waits, for some seconds at most, while sign-ins that run could use up a limit.
    pub(super) async fn admit(
        &self,
        names: &[SharedName],
    ) -> Result<Result<SharedPermit, TooManyRefusals>, RecordError> {
        let deadline = Instant::now() + self.longest_wait;
        loop {
            match self.try_admit(names).await? {
                Attempt::Admitted(permit) => return Ok(Ok(permit)),
                Attempt::Refused(refusal) => return Ok(Err(refusal)),
                Attempt::Busy if Instant::now() + PAUSE >= deadline => {
                    return Ok(Err(TooManyRefusals { retry_after: 1, reached: None, user_id: None }));
                }
                Attempt::Busy => sleep(PAUSE).await,
            }
        }
    }

    /// Notes that a limit of one of `names`, which says `reached`, is reached. Returns whether no replica has noted it before.
    pub(super) async fn note_reached(&self, names: &[SharedName], reached: ReachedLimit) -> Result<bool, RecordError> {
        let Some(name) = names.iter().find(|name| name.says == reached) else { return Ok(false) };
        Ok(name.add(&self.records, NOTED).await?.notes == 1)
    }

    async fn try_admit(&self, names: &[SharedName]) -> Result<Attempt, RecordError> {
        let mut permit = SharedPermit { records: self.records.clone(), names: Vec::with_capacity(names.len()) };
        for name in names {
            let sum = name.add(&self.records, 1).await?;
            if sum.refused >= i64::from(name.limit) {
                return self.refuse(name, &sum).await.map(Attempt::Refused);
            }
            permit.names.push(name.clone());
            if sum.refused + sum.running > i64::from(name.limit) {
                permit.give_back().await;
                return Ok(Attempt::Busy);
            }
        }
        Ok(Attempt::Admitted(permit))
    }

    /// Gives the place in the count of `name` back, and says that its limit is reached.
    async fn refuse(&self, name: &SharedName, sum: &Sum) -> Result<TooManyRefusals, RecordError> {
        // Few additions of notes keep the number in its bits.
        let note = if sum.notes == 0 { NOTED } else { 0 };
        let is_first = name.add(&self.records, note - 1).await?.notes == 1 && note > 0;
        let reached = is_first.then_some(name.says);
        Ok(TooManyRefusals { retry_after: WINDOW.as_secs(), reached, user_id: None })
    }
}

impl SharedName {
    async fn add(&self, records: &Records, amount: i64) -> Result<Sum, RecordError> {
        let parts = [self.kind, self.tenant.as_str(), self.text.as_str()].map(str::as_bytes);
        Ok(Sum::of(records.add_to_count(&catalogue::REFUSED_SIGN_INS, &parts, amount, WINDOW).await?))
    }
}

impl SharedPermit {
    /// Counts the sign-in as refused. If the store fails, it stays counted as one that runs until the window ends, which limits as much.
    pub(super) async fn refuse(mut self) {
        for name in std::mem::take(&mut self.names) {
            if let Err(error) = name.add(&self.records, REFUSED - 1).await {
                tracing::debug!(%error, "a refused sign-in was not counted as refused");
            }
        }
    }

    async fn give_back(mut self) {
        give_back(&self.records, std::mem::take(&mut self.names)).await;
    }
}

impl Drop for SharedPermit {
    fn drop(&mut self) {
        if !self.names.is_empty() {
            let (records, names) = (self.records.clone(), std::mem::take(&mut self.names));
            tokio::spawn(async move { give_back(&records, names).await });
        }
    }
}

async fn give_back(records: &Records, names: Vec<SharedName>) {
    for name in names {
        // A place that is not given back is free again when the window ends.
        if let Err(error) = name.add(records, -1).await {
            tracing::debug!(%error, "a sign-in stays counted until the end of the minute");
        }
    }
}

impl Sum {
    /// The numbers in a count. A sign-in that began before the window and ends within it takes away a place that it does not have in this
    /// window: fewer than none running counts as none.
    fn of(count: i64) -> Self {
        let (notes, rest) = split(count, NOTED);
        let (refused, running) = split(rest, REFUSED);
        Self { running: running.max(0), refused, notes }
    }
}

/// The nearest multiple of `unit`, and what is beyond it or lacks.
fn split(count: i64, unit: i64) -> (i64, i64) {
    let multiple = (count + unit / 2).div_euclid(unit);
    (multiple, count - multiple * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_holds_three_numbers_also_when_more_sign_ins_have_ended_than_begun() {
        for (running, refused, notes) in
            [(0, 0, 0), (3, 0, 0), (0, 11, 1), (5, 11, 2), (-4, 1, 0), (-1, 0, 0), (-2, 0, 1)]
        {
            let sum = Sum::of(running + refused * REFUSED + notes * NOTED);
            assert_eq!((sum.running, sum.refused, sum.notes), (running.max(0), refused, notes));
        }
    }
}
