//! The shared back end: records in Redis, which any number of replicas use at the same time.
//!
//! A record carries its end, and the clock of the process that asks judges it, as in the embedded back end. The server's
//! own expiry only tidies, a day later. Leases and counts are judged by the server's clock alone. Each atomic operation is
//! one command or one script over keys of one cluster slot.

mod access;
mod address;
mod checks;
mod cluster;
mod connection;
mod counts;
mod index;
mod link;
mod marks;
mod presence;
mod record_format;
mod scan;
mod scripts;
mod sentinel;
mod settings;
mod watch;
mod writes;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use self::access::Access;
use self::connection::{Connection, OPERATION_TIMEOUT};
use self::marks::ListedMarks;
use self::record_format::KeyNames;
use self::scripts::Scripts;
use self::watch::{Channels, Watch};
use super::{
    GroupReader, LeaseTicket, MarkReader, Marking, PutIfAbsent, Record, RecordCursor, RecordPage, Store, StoreError,
    StoreFuture, StoreListener,
};
use crate::domain::{Entropy as _, RecordKey, SharedClock, SystemEntropy, Timestamp};

pub use settings::RedisSettings;

/// A [`Store`] in Redis. All commands to a server are pipelined on one connection, except writes that wait for its
/// replicas. No command that changes records is sent twice, unless the server has refused to run it. An operation on one
/// record ends within 1.5 s.
pub struct RedisStore {
    connection: Arc<Connection>,
    names: KeyNames,
    scripts: Scripts,
    clock: SharedClock,
    watch: Watch,
    listed_marks: ListedMarks,
}

impl RedisStore {
    /// Connects to the servers of `settings` and checks that they may keep records. Call this in the runtime that lives as
    /// long as the store.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the settings are wrong, if a server refuses the password, keeps records in memory only,
    /// may evict records, is a replica, or is too old; [`StoreError::Unavailable`] if one does not answer.
    pub async fn open(settings: &RedisSettings, clock: SharedClock) -> Result<Self, StoreError> {
        // Boxed, so that the steps do not count against the compiler's limit for what nests in the futures of callers.
        let opening: StoreFuture<'_, Self> = Box::pin(Self::connect(settings, clock));
        opening.await
    }

    async fn connect(settings: &RedisSettings, clock: SharedClock) -> Result<Self, StoreError> {
        let access = Access::new(settings)?;
        let not_opened = |error| checks::not_opened(error, settings);
        let connection = Arc::new(Connection::open(&access, settings.wait_replicas).await.map_err(not_opened)?);
        checks::check_servers(&connection, settings).await?;
        let names = KeyNames::new(&settings.prefix);
        let mut nonce = [0; 16];
        SystemEntropy.fill(&mut nonce);
        let channels = Channels { changes: names.changes(), echo: names.echo(&nonce) };
        let watching = Watch::start(&access, Arc::clone(&connection), channels, settings.heartbeat);
        let watch = watching.await.map_err(not_opened)?;
        Ok(Self { connection, names, scripts: Scripts::new(), clock, watch, listed_marks: ListedMarks::default() })
    }
}

impl Store for RedisStore {
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        bounded(async move {
            let found = self.get_many(&[key]).await?.pop().flatten();
            Ok(found.filter(|stored| stored.expires_at > self.clock.now()).map(|stored| stored.value))
        })
    }

    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()> {
        bounded(async move { self.put_record(key, &record).await })
    }

    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        bounded(self.take_record(key))
    }

    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent> {
        bounded(async move { self.put_record_if_absent(key, &record).await })
    }

    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool> {
        bounded(async move { self.put_record_over(key, expected, &record).await })
    }

    fn members(&self, index: RecordKey, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>> {
        Box::pin(self.list_members(index, limit))
    }

    fn list_expiring_by(&self, until: Timestamp, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>> {
        Box::pin(self.scan_expiring_by(until, limit))
    }

    fn list_all(&self, after: Option<RecordCursor>, limit: usize) -> StoreFuture<'_, RecordPage> {
        Box::pin(self.scan_all(after, limit))
    }

    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.remove_records(&keys).await })
    }

    fn list_marks(&self) -> StoreFuture<'_, Vec<u64>> {
        Box::pin(self.all_marks())
    }

    fn count_marked(&self, mark: u64) -> StoreFuture<'_, u64> {
        Box::pin(self.count_live_marked(mark))
    }

    /// Always complete: every version that keeps records in Redis writes marks.
    fn mark_older(&self, _limit: usize, _read: MarkReader) -> StoreFuture<'_, Marking> {
        Box::pin(async { Ok(Marking::Complete) })
    }

    /// Always empty: every version that keeps records in Redis writes marks.
    fn count_older(&self, _read: GroupReader) -> StoreFuture<'_, Vec<(u64, u64)>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn acquire_lease(&self, name: RecordKey, life: Duration) -> StoreFuture<'_, Option<LeaseTicket>> {
        Box::pin(self.acquire(name, life))
    }

    fn renew_lease(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> StoreFuture<'_, bool> {
        Box::pin(self.renew(name, ticket, life))
    }

    fn release_lease(&self, name: RecordKey, ticket: LeaseTicket) -> StoreFuture<'_, ()> {
        Box::pin(self.release(name, ticket))
    }

    fn add_to_count(&self, name: RecordKey, amount: i64, life: Duration) -> StoreFuture<'_, i64> {
        Box::pin(self.add(name, amount, life))
    }

    fn publish(&self, message: Bytes) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("PUBLISH");
            command.arg(self.names.changes()).arg(message.as_ref());
            self.connection.signal(&command).await.map_err(unavailable)
        })
    }

    fn watch(&self, listener: Weak<dyn StoreListener>) {
        self.watch.add(listener);
    }

    /// Always false: any number of replicas may use the server.
    fn is_exclusive(&self) -> bool {
        false
    }
}

/// Ends an operation of several commands in time.
fn bounded<'a, T>(operation: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> StoreFuture<'a, T> {
    Box::pin(async move {
        timeout(OPERATION_TIMEOUT, operation).await.unwrap_or_else(|_| Err(unavailable(link::timed_out())))
    })
}

/// The error of an operation that the server did not answer, or refused.
#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unavailable(error: redis::RedisError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
