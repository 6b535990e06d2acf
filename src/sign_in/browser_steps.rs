//! What replicas share of the steps of browsers. This file adds to [`BrowserSignIns`].

use std::time::Duration;

use super::browser_sign_ins::{BrowserRecordLookup, BrowserSignIns, BrowserStep};
use super::flow::PROVIDER_BUDGET;
use crate::domain::Secret;
use crate::records::{LeaseError, RecordError, ReplicaLease, catalogue};

/// How long a browser waits for another replica that works at the same step: as long as the identity provider may take to
/// redeem a code and to tell who the user is.
const STEP_WAIT: Duration = PROVIDER_BUDGET.saturating_mul(2);
/// How long the answers to a completed sign-in are counted: the record of the sign-in ends before that.
const ANSWERS_LIFE: Duration = Duration::from_hours(1);

impl BrowserSignIns {
    /// Whether browsers may take their steps at other replicas, too.
    pub(super) fn is_shared(&self) -> bool {
        self.records.replicas().is_some()
    }

    /// Keeps other replicas from working at the step of this name while the lease is held. The caller has to look afterwards at
    /// what is stored: another replica may have completed the step.
    pub(super) async fn lease_step(&self, name: &[u8; 32]) -> Result<ReplicaLease, LeaseError> {
        self.records.lease(&catalogue::STEP_LEASE, &[name], STEP_WAIT).await
    }

    /// Keeps `step` as [`BrowserSignIns::put`] does, unless a step of its kind is kept under `handle`: that one stays and is
    /// returned.
    pub(super) async fn put_first<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &Secret,
        step: &T,
    ) -> Result<Option<BrowserRecordLookup<T>>, RecordError> {
        let (steps, record) = self.seal(handle, browser, step)?;
        let existing = steps.put_if_absent(record).await?;
        Ok(existing.map(|existing| self.look_up(existing.content, browser)))
    }

    /// The name under which the answers to the completed sign-in `handle` are counted.
    pub(super) fn name_answers(&self, handle: &Secret) -> [u8; 32] {
        self.records.mac(&catalogue::PAGE_ANSWERS, &[handle.expose().as_bytes()])
    }

    /// Counts an answer under `name`. Returns how many all replicas have given; `None` over an exclusive store, and while a
    /// shared one fails.
    pub(super) async fn count_answer(&self, name: &[u8; 32]) -> Option<i64> {
        self.records.replicas()?;
        let counted = self.records.add_to_count(&catalogue::PAGE_ANSWERS, &[name], 1, ANSWERS_LIFE).await;
        counted.inspect_err(|error| tracing::debug!(%error, "an answer is counted by this replica alone")).ok()
    }
}
