//! Joins the duplicates that reach several replicas over a shared store: one replica leads an exchange at a time, and all
//! answer as it does.
//!
//! A replica asks the others once for each exchange, because its [`Deduplicator`](super::dedup::Deduplicator) decides
//! first. The leader holds a lease, writes the state of the exchange before it ends the lease, and tells the others. If it is
//! killed, the lease runs out and another replica leads. The lease saves work; that a dialog is continued once and that
//! replies agree rests on compare-and-put.

mod exchange_state;
mod lead;
mod waiting;

use std::fmt::Display;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::request::ExchangeRequest;
use super::settlement::remembered_for;
use super::{Acquisition, Settlement};
use crate::domain::{ExchangeKey, RecordKey, Timestamp};
use crate::exchange::Refusal;
use crate::records::{ChangeListener, Collection, OpenedRecord, Records, ReplicaLease};

use self::exchange_state::ExchangeState;
use self::waiting::WaitingExchanges;

pub use self::lead::ContinuationMark;
pub(super) use self::lead::SharedLead;

/// The pause after which a waiting replica tries to lead. It notices by it that the leader was killed, or that it missed the
/// leader's word.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// The exchanges of all replicas whose settlements are of the kind `S`.
pub(super) struct SharedExchanges<S> {
    records: Records,
    states: Collection<ExchangeState>,
    waiting: Arc<WaitingExchanges>,
    settlement: PhantomData<fn() -> S>,
}

/// What a replica has to do with an exchange.
pub(super) enum SharedTurn<S> {
    /// Another replica has settled it.
    Settled(SharedSettlement<S>),
    /// This replica leads.
    Leads(Box<SharedLead>),
}

/// The settlement of another replica, which answers duplicates until `remembered_until`.
pub(super) struct SharedSettlement<S> {
    pub(super) settlement: S,
    pub(super) remembered_until: Timestamp,
}

/// A request that asks the other replicas.
struct Asking<'a> {
    acquisition: &'a Acquisition,
    request: &'a ExchangeRequest,
    name: RecordKey,
    /// Whether the store has been looked at since the request came.
    has_looked: bool,
    /// When the failure was settled that the store held at the first look.
    earlier_failure: Option<Timestamp>,
}

impl<S: Settlement> SharedExchanges<S> {
    /// The exchanges that are kept in `records`; `None` if the store is exclusive.
    pub(super) fn new(records: &Records) -> Option<Self> {
        let replicas = records.replicas()?;
        let waiting = Arc::<WaitingExchanges>::default();
        let listener: Arc<dyn ChangeListener> = waiting.clone();
        replicas.listen(Arc::downgrade(&listener));
        Some(Self { records: records.clone(), states: Collection::new(records), waiting, settlement: PhantomData })
    }

    /// Waits until another replica has settled the exchange `key`, or until this one leads. The caller bounds the wait.
    pub(super) async fn join(
        &self,
        key: ExchangeKey,
        acquisition: &Acquisition,
        request: &ExchangeRequest,
    ) -> Result<SharedTurn<S>, Refusal> {
        let name = self.name(key);
        let waiting = self.waiting.enter(name);
        let mut asking = Asking { acquisition, request, name, has_looked: false, earlier_failure: None };
        let mut is_told = true;
        loop {
            if is_told {
                let found = self.read(name).await?;
                if let Some(settled) = self.find_settlement(&mut asking, found.as_ref()).await? {
                    return Ok(SharedTurn::Settled(settled));
                }
            }
            let lease = self.records.try_lease_named(name).await;
            if let Some(lease) = lease.map_err(|error| store_failure(&error))? {
                return self.lead(asking, key, lease).await;
            }
            is_told = waiting.is_told_within(ATTEMPT_PAUSE).await;
        }
    }

    /// Leads under `lease`, unless another replica has settled the exchange before it ended the lease.
    async fn lead(
        &self,
        mut asking: Asking<'_>,
        key: ExchangeKey,
        lease: ReplicaLease,
    ) -> Result<SharedTurn<S>, Refusal> {
        let found = self.read(asking.name).await?;
        if let Some(settled) = self.find_settlement(&mut asking, found.as_ref()).await? {
            return Ok(SharedTurn::Settled(settled));
        }
        let is_marked = matches!(&found, Some(found) if found.content == ExchangeState::Continued);
        // As a success, a mark counts only while the token that it belongs to is kept.
        let is_continued = is_marked && asking.is_still_kept().await?;
        Ok(SharedTurn::Leads(Box::new(SharedLead {
            records: self.records.clone(),
            states: self.states.clone(),
            name: asking.name,
            key,
            lease,
            present: found.map(|found| found.stored),
            is_continued,
        })))
    }

    /// Whether a replica has made the exchange `key`, or is about to settle it.
    pub(super) async fn knows(&self, key: ExchangeKey) -> Result<bool, Refusal> {
        let found = self.read(self.name(key)).await?;
        Ok(found.is_some_and(|found| match found.content {
            ExchangeState::Continued => true,
            ExchangeState::Settled(settled) => settled.succeeded,
        }))
    }

    /// The settlement that answers the request. A success counts only while the vault holds the token. A failure counts for
    /// requests that come within its time, and for requests that have waited for it, also if the clocks of replicas differ.
    async fn find_settlement(
        &self,
        asking: &mut Asking<'_>,
        found: Option<&OpenedRecord<ExchangeState>>,
    ) -> Result<Option<SharedSettlement<S>>, Refusal> {
        let settled = match found.map(|found| &found.content) {
            Some(ExchangeState::Settled(settled)) => Some(settled),
            Some(ExchangeState::Continued) | None => None,
        };
        let failed_at = settled.filter(|settled| !settled.succeeded).map(|settled| settled.at);
        if !mem::replace(&mut asking.has_looked, true) {
            asking.earlier_failure = failed_at;
        }
        let Some(settled) = settled else { return Ok(None) };
        let now = self.records.clock().now();
        let counts = if settled.succeeded {
            asking.is_still_kept().await?
        } else {
            let is_fresh = settled.at <= now && now < settled.at.plus(remembered_for(false));
            is_fresh || failed_at != asking.earlier_failure
        };
        if !counts {
            return Ok(None);
        }
        let settlement = S::decode(&settled.settlement).ok_or_else(unreadable_settlement)?;
        let remembered_until = settled.at.min(now).plus(remembered_for(settled.succeeded));
        Ok(Some(SharedSettlement { settlement, remembered_until }))
    }

    async fn read(&self, name: RecordKey) -> Result<Option<OpenedRecord<ExchangeState>>, Refusal> {
        self.states.get(name).await.map_err(|error| store_failure(&error))
    }

    fn name(&self, key: ExchangeKey) -> RecordKey {
        self.states.key(&[S::FORM.as_bytes(), &key.0])
    }
}

impl Asking<'_> {
    async fn is_still_kept(&self) -> Result<bool, Refusal> {
        self.acquisition.is_still_kept(&self.request.acquisition()).await
    }
}

fn store_failure(error: &dyn Display) -> Refusal {
    tracing::error!(%error, "the other replicas cannot be asked about an exchange: the store failed");
    Refusal::fault("the store failed: see the error logged before this")
}

fn unreadable_settlement() -> Refusal {
    Refusal::fault("a replica of a later version has settled this exchange in a form that this version cannot read")
}
