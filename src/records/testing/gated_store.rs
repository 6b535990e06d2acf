//! A store for unit tests. A test can hold back its operations, make its writes and reads fail, and count its reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::domain::RecordKey;
use crate::domain::Timestamp;
use crate::store::{
    GroupReader, LeaseTicket, MarkReader, Marking, PutIfAbsent, Record, RecordCursor, RecordPage, Store, StoreError,
    StoreFuture, StoreListener,
};

/// A point at which one operation of the store waits until the test opens the gate.
#[derive(Default)]
pub(crate) struct Gate {
    reached: Notify,
    opened: Notify,
}

impl Gate {
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn open(&self) {
        self.opened.notify_one();
    }

    async fn pass(&self) {
        self.reached.notify_one();
        self.opened.notified().await;
    }
}

/// A real store with gates in front of single operations, a read counter, and switches that make writes or reads
/// fail.
pub(crate) struct GatedStore {
    inner: Arc<dyn Store>,
    next_get: Mutex<Option<Arc<Gate>>>,
    next_put: Mutex<Option<Arc<Gate>>>,
    next_members: Mutex<Option<Arc<Gate>>>,
    pub(crate) reads: AtomicUsize,
    pub(crate) puts_fail: AtomicBool,
    pub(crate) reads_fail: AtomicBool,
    pub(crate) claims_fail: AtomicBool,
    pub(crate) renewals_fail: AtomicBool,
    is_exclusive: bool,
}

impl GatedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        let is_exclusive = inner.is_exclusive();
        Arc::new(Self::wrap(inner, is_exclusive))
    }

    /// The same store, except that it reports that other processes write to it as well.
    pub(crate) fn shared_with_others(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self::wrap(inner, false))
    }

    fn wrap(inner: Arc<dyn Store>, is_exclusive: bool) -> Self {
        Self {
            inner,
            is_exclusive,
            next_get: Mutex::default(),
            next_put: Mutex::default(),
            next_members: Mutex::default(),
            reads: AtomicUsize::new(0),
            puts_fail: AtomicBool::new(false),
            reads_fail: AtomicBool::new(false),
            claims_fail: AtomicBool::new(false),
            renewals_fail: AtomicBool::new(false),
        }
    }

    /// Makes every operation that reads or writes one record fail, or lets all of them succeed again.
    pub(crate) fn set_failing(&self, is_failing: bool) {
        for switch in [&self.puts_fail, &self.reads_fail, &self.claims_fail] {
            switch.store(is_failing, Ordering::SeqCst);
        }
    }

    /// Lets the next read happen and holds back its answer.
    pub(crate) fn hold_next_get(&self) -> Arc<Gate> {
        hold(&self.next_get)
    }

    /// Holds back the next write before it happens.
    pub(crate) fn hold_next_put(&self) -> Arc<Gate> {
        hold(&self.next_put)
    }

    /// Lets the next listing of an index happen and holds back its answer.
    pub(crate) fn hold_next_members(&self) -> Arc<Gate> {
        hold(&self.next_members)
    }
}

fn hold(slot: &Mutex<Option<Arc<Gate>>>) -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    *slot.lock().unwrap() = Some(gate.clone());
    gate
}

async fn pass(slot: &Mutex<Option<Arc<Gate>>>) {
    let gate = slot.lock().unwrap().take();
    if let Some(gate) = gate {
        gate.pass().await;
    }
}

impl Store for GatedStore {
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            if self.reads_fail.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the test makes this read fail".to_owned()));
            }
            let answer = self.inner.get(key).await;
            pass(&self.next_get).await;
            answer
        })
    }

    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            pass(&self.next_put).await;
            if self.puts_fail.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the test makes this write fail".to_owned()));
            }
            self.inner.put(key, record).await
        })
    }

    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        self.inner.take(key)
    }

    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent> {
        Box::pin(async move {
            if self.claims_fail.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the test makes this claim fail".to_owned()));
            }
            self.inner.put_if_absent(key, record).await
        })
    }

    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            if self.puts_fail.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the test makes this write fail".to_owned()));
            }
            self.inner.compare_and_put(key, expected, record).await
        })
    }

    fn members(&self, index: RecordKey, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>> {
        Box::pin(async move {
            let answer = self.inner.members(index, limit).await;
            pass(&self.next_members).await;
            answer
        })
    }

    fn list_expiring_by(&self, until: Timestamp, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>> {
        self.inner.list_expiring_by(until, limit)
    }

    fn list_all(&self, after: Option<RecordCursor>, limit: usize) -> StoreFuture<'_, RecordPage> {
        self.inner.list_all(after, limit)
    }

    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()> {
        self.inner.remove(keys)
    }

    fn list_marks(&self) -> StoreFuture<'_, Vec<u64>> {
        self.inner.list_marks()
    }

    fn count_marked(&self, mark: u64) -> StoreFuture<'_, u64> {
        self.inner.count_marked(mark)
    }

    fn mark_older(&self, limit: usize, read: MarkReader) -> StoreFuture<'_, Marking> {
        self.inner.mark_older(limit, read)
    }

    fn count_older(&self, read: GroupReader) -> StoreFuture<'_, Vec<(u64, u64)>> {
        self.inner.count_older(read)
    }

    fn acquire_lease(&self, name: RecordKey, life: Duration) -> StoreFuture<'_, Option<LeaseTicket>> {
        self.inner.acquire_lease(name, life)
    }

    fn renew_lease(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            if self.renewals_fail.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the test makes this renewal fail".to_owned()));
            }
            self.inner.renew_lease(name, ticket, life).await
        })
    }

    fn release_lease(&self, name: RecordKey, ticket: LeaseTicket) -> StoreFuture<'_, ()> {
        self.inner.release_lease(name, ticket)
    }

    fn add_to_count(&self, name: RecordKey, amount: i64, life: Duration) -> StoreFuture<'_, i64> {
        self.inner.add_to_count(name, amount, life)
    }

    fn publish(&self, message: Bytes) -> StoreFuture<'_, ()> {
        self.inner.publish(message)
    }

    fn watch(&self, listener: Weak<dyn StoreListener>) {
        self.inner.watch(listener);
    }

    fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }
}
