use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use crate::domain::{RecordKey, SharedClock, Timestamp};
use crate::observability::{StoreOperation, StoreTimes, note_step};
use crate::store::{
    GroupReader, LeaseTicket, MarkReader, Marking, PutIfAbsent, Record, RecordCursor, RecordPage, Store, StoreFuture,
    StoreListener,
};

/// A store whose operations are measured. Knows whether the last write has failed.
pub(in crate::app) struct MeasuredStore {
    inner: Arc<dyn Store>,
    clock: SharedClock,
    times: StoreTimes,
    last_write_failed: AtomicBool,
}

impl MeasuredStore {
    pub(in crate::app) fn new(inner: Arc<dyn Store>, clock: SharedClock, times: StoreTimes) -> Arc<Self> {
        Arc::new(Self { inner, clock, times, last_write_failed: AtomicBool::new(false) })
    }

    /// Whether the last write has failed, so that the next one probably fails, too.
    pub(in crate::app) fn has_failed_to_write(&self) -> bool {
        self.last_write_failed.load(Ordering::Relaxed)
    }

    fn read<'s, T: Send + 's>(&'s self, operation: StoreOperation, run: StoreFuture<'s, T>) -> StoreFuture<'s, T> {
        Box::pin(async move {
            let begun = self.clock.elapsed();
            let result = run.await;
            let took = self.clock.elapsed().saturating_sub(begun);
            self.times.add(operation, took, result.is_err());
            note_step(operation.span_name(), took, result.is_err());
            result
        })
    }

    fn write<'s, T: Send + 's>(&'s self, operation: StoreOperation, run: StoreFuture<'s, T>) -> StoreFuture<'s, T> {
        Box::pin(async move {
            let result = self.read(operation, run).await;
            self.last_write_failed.store(result.is_err(), Ordering::Relaxed);
            result
        })
    }
}

impl Store for MeasuredStore {
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        self.read(StoreOperation::Get, self.inner.get(key))
    }

    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()> {
        self.write(StoreOperation::Put, self.inner.put(key, record))
    }

    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        self.write(StoreOperation::Remove, self.inner.take(key))
    }

    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent> {
        self.write(StoreOperation::ConditionalPut, self.inner.put_if_absent(key, record))
    }

    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool> {
        self.write(StoreOperation::ConditionalPut, self.inner.compare_and_put(key, expected, record))
    }

    fn members(&self, index: RecordKey, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>> {
        self.read(StoreOperation::List, self.inner.members(index, limit))
    }

    fn list_expiring_by(&self, until: Timestamp, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>> {
        self.read(StoreOperation::Maintain, self.inner.list_expiring_by(until, limit))
    }

    fn list_all(&self, after: Option<RecordCursor>, limit: usize) -> StoreFuture<'_, RecordPage> {
        self.read(StoreOperation::Maintain, self.inner.list_all(after, limit))
    }

    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()> {
        self.write(StoreOperation::Remove, self.inner.remove(keys))
    }

    fn list_marks(&self) -> StoreFuture<'_, Vec<u64>> {
        self.read(StoreOperation::Maintain, self.inner.list_marks())
    }

    fn count_marked(&self, mark: u64) -> StoreFuture<'_, u64> {
        self.read(StoreOperation::Maintain, self.inner.count_marked(mark))
    }

    fn mark_older(&self, limit: usize, read: MarkReader) -> StoreFuture<'_, Marking> {
        self.read(StoreOperation::Maintain, self.inner.mark_older(limit, read))
    }

    fn count_older(&self, read: GroupReader) -> StoreFuture<'_, Vec<(u64, u64)>> {
        self.read(StoreOperation::Maintain, self.inner.count_older(read))
    }

    fn acquire_lease(&self, name: RecordKey, life: Duration) -> StoreFuture<'_, Option<LeaseTicket>> {
        self.read(StoreOperation::Lease, self.inner.acquire_lease(name, life))
    }

    fn renew_lease(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> StoreFuture<'_, bool> {
        self.read(StoreOperation::Lease, self.inner.renew_lease(name, ticket, life))
    }

    fn release_lease(&self, name: RecordKey, ticket: LeaseTicket) -> StoreFuture<'_, ()> {
        self.read(StoreOperation::Lease, self.inner.release_lease(name, ticket))
    }

    fn add_to_count(&self, name: RecordKey, amount: i64, life: Duration) -> StoreFuture<'_, i64> {
        self.read(StoreOperation::Count, self.inner.add_to_count(name, amount, life))
    }

    fn publish(&self, message: Bytes) -> StoreFuture<'_, ()> {
        self.read(StoreOperation::Publish, self.inner.publish(message))
    }

    fn watch(&self, listener: Weak<dyn StoreListener>) {
        self.inner.watch(listener);
    }

    fn is_exclusive(&self) -> bool {
        self.inner.is_exclusive()
    }
}
