use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::super::Settlement;
use super::exchange_state::{ExchangeState, SettledState};
use crate::domain::{ExchangeKey, RecordKey};
use crate::exchange::StorageFailure;
use crate::records::{Collection, RecordError, Records, ReplicaLease, StoredRecord};

/// How often a state is written anew because another replica has written it.
const MAX_ATTEMPTS: usize = 3;
/// The longest time for which the leader's reply waits until the other replicas know of it.
const MAX_SETTLING_WAIT: Duration = Duration::from_secs(1);

/// The right of a request to make an exchange that no other replica makes meanwhile.
pub(in crate::exchange::engine) struct SharedLead {
    pub(super) records: Records,
    pub(super) states: Collection<ExchangeState>,
    pub(super) name: RecordKey,
    pub(in crate::exchange::engine) key: ExchangeKey,
    pub(super) lease: ReplicaLease,
    /// What the store holds of the exchange. If it holds something else, another replica has led since.
    pub(super) present: Option<StoredRecord<ExchangeState>>,
    /// Whether another replica has begun to continue the bot's dialog after this exchange.
    pub(super) is_continued: bool,
}

/// Marks an exchange as continued, so that the bot's dialog is continued at most once among the replicas, also if one of
/// them is killed (docs/architecture.md §Dedup). Over an exclusive store nothing is written.
pub struct ContinuationMark<'a>(pub(in crate::exchange::engine) Option<&'a mut SharedLead>);

impl ContinuationMark<'_> {
    /// Sets the mark, which precedes the first byte that is sent to the bot. Returns `false` if another replica has set it:
    /// then nothing may be sent.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails. It is then unknown whether the mark was set, so nothing may be sent.
    pub async fn set(self) -> Result<bool, StorageFailure> {
        match self.0 {
            // Boxed, so that it adds nothing to the state of an exchange over an exclusive store.
            Some(lead) => Ok(Box::pin(lead.set_mark()).await?),
            None => Ok(true),
        }
    }
}

impl SharedLead {
    async fn set_mark(&mut self) -> Result<bool, RecordError> {
        for _ in 0..MAX_ATTEMPTS {
            if self.is_continued {
                return Ok(false);
            }
            let mark = self.states.seal(self.name, &ExchangeState::Continued)?;
            let stored = mark.stored();
            if self.states.compare_and_put(self.present.clone(), mark).await? {
                self.present = Some(stored);
                return Ok(true);
            }
            // Another replica has led since, because the lease was lost. A failure of it has continued nothing.
            let found = self.states.get(self.name).await?;
            match found.as_ref().map(|found| &found.content) {
                // What is known stays, so that `write` finds the reply of the other replica.
                Some(ExchangeState::Settled(theirs)) if theirs.succeeded => self.is_continued = true,
                state => {
                    self.is_continued = state == Some(&ExchangeState::Continued);
                    self.present = found.map(|found| found.stored);
                }
            }
        }
        Ok(false)
    }

    /// Lets `reply` answer the duplicates on all replicas, and ends the lease. If another replica has led since and was
    /// successful, its reply is returned. The reply waits for that until shortly before `answer_by`; then the work goes on
    /// without it.
    pub(in crate::exchange::engine) async fn settle_by<S: Settlement>(self, reply: S, answer_by: Instant) -> S {
        let time_left = answer_by.saturating_duration_since(Instant::now());
        let ours = reply.clone();
        let settling = tokio::spawn(async move { self.settle(ours).await });
        match timeout(MAX_SETTLING_WAIT.min(time_left / 2), settling).await {
            Ok(Ok(settled)) => settled,
            // It takes too long. A task ends without a result only if it panics.
            Ok(Err(_)) | Err(_) => reply,
        }
    }

    async fn settle<S: Settlement>(mut self, reply: S) -> S {
        let settled = self.write(&reply).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "duplicates at other replicas do not get the reply of an exchange: the store failed");
            None
        });
        // A replica that is not told looks again a little later.
        if let Some(replicas) = self.records.replicas()
            && let Err(error) = replicas.tell(self.name, &[]).await
        {
            tracing::debug!(%error, "the other replicas are not told of a settled exchange");
        }
        settled.unwrap_or(reply)
    }

    /// Writes how the exchange was settled. Returns the reply of another replica, if that is to be used instead.
    async fn write<S: Settlement>(&mut self, reply: &S) -> Result<Option<S>, RecordError> {
        // A failure leaves the mark of another replica in place, and it does not come before the outcome of a replica
        // that leads instead.
        if !reply.succeeded() && self.is_continued {
            return self.find_success().await;
        }
        if !reply.succeeded() && self.lease.is_lost() {
            return Ok(None);
        }
        let (at, succeeded) = (self.records.clock().now(), reply.succeeded());
        let state = ExchangeState::Settled(SettledState { at, succeeded, settlement: reply.encode() });
        for _ in 0..MAX_ATTEMPTS {
            let record = self.states.seal(self.name, &state)?;
            if self.states.compare_and_put(self.present.clone(), record).await? {
                return Ok(None);
            }
            let found = self.states.get(self.name).await?;
            match found.as_ref().map(|found| &found.content) {
                Some(ExchangeState::Continued) => return Ok(None),
                Some(ExchangeState::Settled(theirs)) if theirs.succeeded || !succeeded => {
                    return Ok(S::decode(&theirs.settlement));
                }
                Some(ExchangeState::Settled(_)) | None => self.present = found.map(|found| found.stored),
            }
        }
        Ok(None)
    }

    /// The reply of the replica that has continued the bot's dialog, if it has settled the exchange meanwhile.
    async fn find_success<S: Settlement>(&self) -> Result<Option<S>, RecordError> {
        let found = self.states.get(self.name).await?.map(|found| found.content);
        Ok(match found {
            Some(ExchangeState::Settled(theirs)) if theirs.succeeded => S::decode(&theirs.settlement),
            _ => None,
        })
    }
}
