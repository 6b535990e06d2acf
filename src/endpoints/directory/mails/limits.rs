use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::unsync::Cache;

use super::template::MailTemplate;
use crate::accounts::MessageLimits;
use crate::domain::SharedClock;
use crate::inbound::ClientNetwork;

/// What one process may send within an hour, and all replicas together within each hour of the clock: three messages to an address, and
/// thirty that the requests of one client network cause.
pub(super) const LIMITS: MessageLimits = MessageLimits {
    per_address: NonZeroU32::MIN.saturating_add(2),
    per_network: NonZeroU32::MIN.saturating_add(29),
    window: Duration::from_hours(1),
};

/// The addresses that are remembered at a time. The least used is forgotten first.
const MAX_ADDRESSES: usize = 65_536;
/// The client networks that are remembered at a time.
const MAX_NETWORKS: usize = 8192;

/// How many messages were sent of late, to each address and for each client network. Kept in memory: a restart forgets it. Over a shared
/// store the worker asks the counts of all replicas, too.
pub(super) struct MailLimits {
    counts: Mutex<Counts>,
    /// Addresses and networks are known by a keyed hash.
    hasher: RandomState,
    clock: SharedClock,
}

struct Counts {
    addresses: Cache<u64, VecDeque<Duration>>,
    networks: Cache<u64, VecDeque<Duration>>,
}

impl MailLimits {
    pub(super) fn new(clock: SharedClock) -> Self {
        let counts = Counts { addresses: Cache::new(MAX_ADDRESSES), networks: Cache::new(MAX_NETWORKS) };
        Self { counts: Mutex::new(counts), hasher: RandomState::new(), clock }
    }

    /// Counts a message, and says whether it may be sent. One that a client network may not cause uses up nothing of its
    /// recipient's limit.
    pub(super) fn admit(&self, network: Option<ClientNetwork>, template: MailTemplate, address: &str) -> bool {
        let now = self.clock.elapsed();
        let network = network.map(|network| self.hasher.hash_one(network));
        // Mail servers do not tell names apart by letter case, and neither do directories.
        let address = self.hasher.hash_one((template.is_warning(), address.to_lowercase()));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        network.is_none_or(|network| charge(&mut counts.networks, network, LIMITS.per_network, now))
            && charge(&mut counts.addresses, address, LIMITS.per_address, now)
    }
}

/// Notes a message at `now`, unless `most` were sent in the window that ends there.
fn charge(counts: &mut Cache<u64, VecDeque<Duration>>, name: u64, most: NonZeroU32, now: Duration) -> bool {
    let mut sent = counts.remove(&name).map(|(_, sent)| sent).unwrap_or_default();
    while sent.front().is_some_and(|first| *first + LIMITS.window <= now) {
        sent.pop_front();
    }
    let is_free = u32::try_from(sent.len()).is_ok_and(|sent| sent < most.get());
    if is_free {
        sent.push_back(now);
    }
    counts.insert(name, sent);
    is_free
}
