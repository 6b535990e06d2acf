use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::{Block, BlockCause};
use crate::domain::{RecordKey, SharedClock, Timestamp};

/// While a tenant is blocked, one request is sent this often, as a test. If it succeeds, the block ends: `Retry-After`
/// may say an hour for what is gone in a minute.
pub(super) const TEST_INTERVAL: Duration = Duration::from_secs(10);
const MAX_REMEMBERED_USERS: usize = 16_384;
const MAX_REMEMBERED_TENANTS: usize = 1024;

/// The name of what is blocked: a user of a tenant through a client, or the client in the whole tenant.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum BlockName {
    /// Client, tenant, and user if there is one.
    Texts(Vec<String>),
    /// The digest of the same texts, by which replicas tell each other of blocks.
    Digest(RecordKey),
}

/// The blocks that this process knows.
pub(super) struct Blocks {
    clock: SharedClock,
    users: Cache<BlockName, TimedBlock>,
    tenants: Cache<BlockName, Arc<Mutex<TenantBlock>>>,
    /// When the last block ends, in Unix milliseconds; a block may end before. Mostly nothing is blocked, and this number alone
    /// says so.
    last_end: AtomicI64,
}

#[derive(Clone, Copy)]
struct TimedBlock {
    until: Timestamp,
    cause: BlockCause,
}

struct TenantBlock {
    until: Timestamp,
    /// When the next request tests the block.
    next_test: Timestamp,
    /// Whether a request has been let through as a test. Only its success ends the block: other requests may have been
    /// sent before the block began.
    is_tested: bool,
}

impl TenantBlock {
    /// The block at `now`. Where a test is due, this request is the test: it is not blocked.
    fn block(&mut self, now: Timestamp) -> Option<Block> {
        if self.until <= now {
            return None;
        }
        if self.next_test <= now {
            self.next_test = now.plus(TEST_INTERVAL);
            self.is_tested = true;
            return None;
        }
        Some(Block { wait: now.until(self.until), cause: BlockCause::TenantThrottled })
    }

    fn extend(&mut self, until: Timestamp, now: Timestamp) {
        *self = Self { until: self.until.max(until), next_test: now.plus(TEST_INTERVAL), is_tested: false };
    }
}

impl Blocks {
    pub(super) fn new(clock: SharedClock) -> Self {
        let (users, tenants) = (Cache::new(MAX_REMEMBERED_USERS), Cache::new(MAX_REMEMBERED_TENANTS));
        Self { clock, users, tenants, last_end: AtomicI64::new(i64::MIN) }
    }

    /// Whether anything may be blocked.
    pub(super) fn hold_any(&self) -> bool {
        self.clock.now().unix_millis() < self.last_end.load(Ordering::Acquire)
    }

    /// The block of the user `name`, if there is one.
    pub(super) fn remaining(&self, name: &BlockName) -> Option<Block> {
        let now = self.clock.now();
        let block = self.users.get(name).filter(|block| block.until > now)?;
        Some(Block { wait: now.until(block.until), cause: block.cause })
    }

    /// The block of the tenant `name`, if there is one and this request is not its test.
    pub(super) fn remaining_of_tenant(&self, name: &BlockName) -> Option<Block> {
        let block = self.tenants.get(name)?;
        block.lock().unwrap_or_else(PoisonError::into_inner).block(self.clock.now())
    }

    /// Begins the block of a user, or begins or extends that of a tenant.
    pub(super) fn begin(&self, name: &BlockName, block: Block) {
        let now = self.clock.now();
        let (until, cause) = (now.plus(block.wait), block.cause);
        if cause == BlockCause::TenantThrottled {
            let fresh = || {
                let block = TenantBlock { until, next_test: until, is_tested: false };
                Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(block)))
            };
            let Ok(block) = self.tenants.get_or_insert_with(name, fresh);
            block.lock().unwrap_or_else(PoisonError::into_inner).extend(until, now);
        } else {
            self.users.insert(name.clone(), TimedBlock { until, cause });
        }
        self.note_end(until);
    }

    fn note_end(&self, until: Timestamp) {
        self.last_end.fetch_max(until.unix_millis(), Ordering::Release);
    }

    /// Begins a block of which a replica has told, perhaps this one. Where the tenant is blocked already, the time of the next test
    /// stays, and what is known of the present test.
    pub(super) fn begin_told(&self, name: &BlockName, told: Block) {
        if told.cause == BlockCause::TenantThrottled
            && let Some(known) = self.tenants.get(name)
        {
            let (mut known, now) = (known.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now());
            if known.until > now {
                known.until = known.until.max(now.plus(told.wait));
                self.note_end(known.until);
                return;
            }
        }
        self.begin(name, told);
    }

    /// Ends the block of the tenant `name`, if a request has been let through as its test. Returns whether it has ended by that.
    pub(super) fn end_tested(&self, name: &BlockName) -> bool {
        let Some(block) = self.tenants.get(name) else { return false };
        let (mut block, now) = (block.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now());
        let ends = block.is_tested && block.until > now;
        if ends {
            block.until = now;
        }
        ends
    }

    /// Ends the block of the tenant `name`: another replica has tested it.
    pub(super) fn end(&self, name: &BlockName) {
        if let Some(block) = self.tenants.get(name) {
            block.lock().unwrap_or_else(PoisonError::into_inner).until = self.clock.now();
        }
    }
}
