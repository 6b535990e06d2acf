//! Leases and counts, which the server's clock judges. This file adds to [`RedisStore`].

use std::time::Duration;

use super::connection::Effect;
use super::{RedisStore, unavailable};
use crate::domain::RecordKey;
use crate::store::{LeaseTicket, StoreError};

impl RedisStore {
    pub(super) async fn acquire(&self, name: RecordKey, life: Duration) -> Result<Option<LeaseTicket>, StoreError> {
        let call = self.scripts.acquire.key(self.names.lease(name)).key(self.names.tickets(name)).arg(millis(life));
        let ticket: Option<u64> = self.connection.call(&call, Effect::Writes).await.map_err(unavailable)?;
        Ok(ticket.map(LeaseTicket))
    }

    pub(super) async fn renew(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> Result<bool, StoreError> {
        let call = self.scripts.renew.key(self.names.lease(name)).arg(ticket.0).arg(millis(life));
        self.connection.call(&call, Effect::Signals).await.map_err(unavailable)
    }

    pub(super) async fn release(&self, name: RecordKey, ticket: LeaseTicket) -> Result<(), StoreError> {
        let call = self.scripts.release.key(self.names.lease(name)).arg(ticket.0);
        self.connection.call(&call, Effect::Signals).await.map_err(unavailable)
    }

    pub(super) async fn add(&self, name: RecordKey, amount: i64, life: Duration) -> Result<i64, StoreError> {
        let call = self.scripts.add.key(self.names.count(name)).arg(amount).arg(millis(life));
        self.connection.call(&call, Effect::Writes).await.map_err(unavailable)
    }
}

/// The server takes whole milliseconds, and at least one.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}
