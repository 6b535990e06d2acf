use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::RecordKey;
use crate::store::LeaseTicket;

/// Entries from which on the ended ones are removed with the next new one.
const TIDY_FROM: usize = 1024;

/// The leases and counts of a store that one process uses alone. They end with the process, as their holders do.
#[derive(Default)]
pub(super) struct InProcessLeases(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    leases: HashMap<RecordKey, (LeaseTicket, Instant)>,
    counts: HashMap<RecordKey, (i64, Instant)>,
    newest_ticket: u64,
}

impl InProcessLeases {
    pub(super) fn acquire(&self, name: RecordKey, life: Duration) -> Option<LeaseTicket> {
        let (mut entries, now) = (self.lock(), Instant::now());
        if entries.leases.get(&name).is_some_and(|(_, until)| now < *until) {
            return None;
        }
        if entries.leases.len() >= TIDY_FROM {
            entries.leases.retain(|_, (_, until)| now < *until);
        }
        entries.newest_ticket += 1;
        let ticket = LeaseTicket(entries.newest_ticket);
        entries.leases.insert(name, (ticket, now + life));
        Some(ticket)
    }

    pub(super) fn renew(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> bool {
        let (mut entries, now) = (self.lock(), Instant::now());
        match entries.leases.get_mut(&name) {
            Some((holder, until)) if *holder == ticket && now < *until => {
                *until = now + life;
                true
            }
            _ => false,
        }
    }

    pub(super) fn release(&self, name: RecordKey, ticket: LeaseTicket) {
        let mut entries = self.lock();
        if entries.leases.get(&name).is_some_and(|(holder, _)| *holder == ticket) {
            entries.leases.remove(&name);
        }
    }

    pub(super) fn add(&self, name: RecordKey, amount: i64, life: Duration) -> i64 {
        let (mut entries, now) = (self.lock(), Instant::now());
        if entries.counts.len() >= TIDY_FROM {
            entries.counts.retain(|_, (_, until)| now < *until);
        }
        let (sum, until) = entries.counts.entry(name).or_insert((0, now + life));
        if now >= *until {
            (*sum, *until) = (0, now + life);
        }
        *sum = sum.saturating_add(amount);
        *sum
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
