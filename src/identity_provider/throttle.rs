use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::domain::{SharedClock, Timestamp};
use crate::records::SingleWriter;

/// The longest block. A longer `Retry-After` is capped, as MSAL does.
const MAX_BLOCK: Duration = Duration::from_hours(1);
/// The block if the issuer sends no `Retry-After`: long enough to stop a client that loops, short enough for a person
/// who tries again.
const DEFAULT_BLOCK: Duration = Duration::from_secs(10);
/// If this many users of a tenant are throttled within the window, the whole tenant is blocked
/// (docs/protocols/entra-obo.md §4, row 429).
const TENANT_BLOCK_THRESHOLD: usize = 5;
const TENANT_WINDOW: Duration = Duration::from_mins(1);
/// The longest block after a fault: a proxy's maintenance page may ask for an hour and be gone in a minute.
const MAX_FAULT_BLOCK: Duration = Duration::from_mins(1);
/// While a tenant is blocked without a word of the issuer about the tenant, one request is sent this often. If it
/// succeeds, the block ends.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
const MAX_REMEMBERED_USERS: usize = 16_384;
const MAX_REMEMBERED_TENANTS: usize = 1024;

/// What a block applies to: one user of one tenant, through one client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ThrottleKey {
    pub(super) client: String,
    pub(super) tenant: String,
    pub(super) user: String,
}

/// Why requests are blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockCause {
    /// The issuer throttles one user.
    UserThrottled,
    /// The issuer throttles the client for all users of the tenant.
    TenantThrottled,
    /// The issuer has a fault and said when to ask again.
    Fault,
}

/// The time for which no request is sent, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) wait: Duration,
    pub(super) cause: BlockCause,
}

/// The blocks that issuers imposed by throttling, or by a fault with `Retry-After`. All providers of the process share
/// one board.
///
/// A failure of one user blocks that user. The client is blocked in a whole tenant only if several users failed or the
/// issuer says so, because one user who sends too many requests must not block all users of a bot. Where several users
/// failed, the block is a guess: single requests test it.
pub struct ThrottleBoard {
    clock: SharedClock,
    users: Cache<ThrottleKey, TimedBlock>,
    tenants: Cache<(String, String), Arc<Mutex<TenantRecord>>>,
}

#[derive(Clone, Copy)]
struct TimedBlock {
    until: Timestamp,
    cause: BlockCause,
}

struct TenantRecord {
    window_began: Timestamp,
    users: Vec<String>,
    /// The end of the block that the issuer stated.
    stated_until: Timestamp,
    /// The block that follows from the failures of several users.
    guessed: TimedBlock,
    /// When the next request tests the guessed block.
    next_probe: Timestamp,
}

impl TenantRecord {
    fn new(now: Timestamp) -> Self {
        let guessed = TimedBlock { until: now, cause: BlockCause::Fault };
        Self { window_began: now, users: Vec::new(), stated_until: now, guessed, next_probe: now }
    }

    /// The block at `now`. Where the block is a guess and a test is due, this request is the test: it is not blocked.
    fn block(&mut self, now: Timestamp) -> Option<Block> {
        if self.stated_until > now {
            return Some(Block { wait: now.until(self.stated_until), cause: BlockCause::TenantThrottled });
        }
        if self.guessed.until <= now {
            return None;
        }
        if self.next_probe <= now {
            self.next_probe = now.plus(PROBE_INTERVAL);
            return None;
        }
        Some(Block { wait: now.until(self.next_probe.min(self.guessed.until)), cause: self.guessed.cause })
    }

    fn record(&mut self, user: &str, block: TimedBlock, now: Timestamp) {
        if now > self.window_began.plus(TENANT_WINDOW) {
            self.window_began = now;
            self.users.clear();
        }
        if !self.users.iter().any(|known| known == user) && self.users.len() < TENANT_BLOCK_THRESHOLD {
            self.users.push(user.to_owned());
        }
        if block.cause == BlockCause::TenantThrottled {
            self.stated_until = self.stated_until.max(block.until);
        } else if self.users.len() >= TENANT_BLOCK_THRESHOLD {
            self.guessed = TimedBlock { until: self.guessed.until.max(block.until), ..block };
            self.next_probe = now.plus(PROBE_INTERVAL);
        }
    }
}

impl ThrottleBoard {
    /// Creates a board without blocks.
    #[must_use]
    pub fn new(clock: SharedClock, _: SingleWriter) -> Self {
        Self::for_single_command(clock)
    }

    /// Creates the board of a command that sends its requests and exits. No other process shares it.
    #[must_use]
    pub fn for_single_command(clock: SharedClock) -> Self {
        Self { clock, users: Cache::new(MAX_REMEMBERED_USERS), tenants: Cache::new(MAX_REMEMBERED_TENANTS) }
    }

    /// The block of requests of this key, if there is one. At most one caller per test interval finds a guessed block of
    /// the tenant open.
    pub(super) fn remaining_block(&self, key: &ThrottleKey) -> Option<Block> {
        let now = self.clock.now();
        let own = self.users.get(key).filter(|block| block.until > now);
        if let Some(TimedBlock { until, cause }) = own {
            return Some(Block { wait: now.until(until), cause });
        }
        self.find_tenant(key)?.lock().unwrap_or_else(PoisonError::into_inner).block(now)
    }

    /// Records that the issuer refused a request of this key for `cause` and asked for the time `retry_after`. Returns
    /// for how long the key is blocked.
    pub(super) fn record(&self, key: &ThrottleKey, retry_after: Option<Duration>, cause: BlockCause) -> Duration {
        let longest = if cause == BlockCause::Fault { MAX_FAULT_BLOCK } else { MAX_BLOCK };
        let wait = retry_after.unwrap_or(DEFAULT_BLOCK).min(longest);
        let now = self.clock.now();
        let block = TimedBlock { until: now.plus(wait), cause };
        self.users.insert(key.clone(), block);
        let name = (key.client.clone(), key.tenant.clone());
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(TenantRecord::new(now))));
        let Ok(record) = self.tenants.get_or_insert_with(&name, fresh);
        record.lock().unwrap_or_else(PoisonError::into_inner).record(&key.user, block, now);
        wait
    }

    /// Records that the issuer granted a request of this key. That ends a guessed block of the tenant.
    pub(super) fn record_success(&self, key: &ThrottleKey) {
        let Some(record) = self.find_tenant(key) else { return };
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if record.guessed.until > now {
            record.guessed.until = now;
            record.users.clear();
        }
    }

    fn find_tenant(&self, key: &ThrottleKey) -> Option<Arc<Mutex<TenantRecord>>> {
        self.tenants.get(&(key.client.clone(), key.tenant.clone()))
    }
}

impl std::fmt::Debug for ThrottleBoard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ThrottleBoard(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OffsetClock;

    fn board() -> (Arc<OffsetClock>, ThrottleBoard) {
        let clock = Arc::new(OffsetClock::default());
        (clock.clone(), ThrottleBoard::for_single_command(clock))
    }

    fn key(user: &str, tenant: &str) -> ThrottleKey {
        ThrottleKey { client: "client".into(), tenant: tenant.into(), user: user.into() }
    }

    const MINUTE: Option<Duration> = Some(Duration::from_mins(1));

    #[test]
    fn throttled_user_is_blocked_until_retry_after() {
        let (clock, board) = board();
        for _ in 0..10 {
            board.record(&key("a", "t"), MINUTE, BlockCause::UserThrottled);
        }
        assert!(board.remaining_block(&key("a", "t")).is_some_and(|block| block.wait > Duration::from_secs(55)));
        assert_eq!(board.remaining_block(&key("b", "t")), None);
        assert_eq!(board.remaining_block(&key("a", "other")), None);
        clock.advance(Duration::from_secs(61));
        assert_eq!(board.remaining_block(&key("a", "t")), None);
    }

    #[test]
    fn five_throttled_users_within_a_minute_block_the_tenant() {
        let (_, board) = board();
        for user in ["a", "b", "c", "d"] {
            board.record(&key(user, "t"), MINUTE, BlockCause::UserThrottled);
        }
        assert_eq!(board.remaining_block(&key("z", "t")), None);
        board.record(&key("e", "t"), MINUTE, BlockCause::UserThrottled);
        assert!(board.remaining_block(&key("z", "t")).is_some());
        assert_eq!(board.remaining_block(&key("z", "other")), None);
    }

    #[test]
    fn five_throttled_users_over_several_minutes_do_not_block_the_tenant() {
        let (clock, board) = board();
        for user in ["a", "b", "c", "d", "e", "f"] {
            board.record(&key(user, "t"), MINUTE, BlockCause::UserThrottled);
            clock.advance(Duration::from_secs(30));
        }
        assert_eq!(board.remaining_block(&key("z", "t")), None);
    }

    #[test]
    fn tenant_wide_throttling_blocks_the_tenant_at_once() {
        let (_, board) = board();
        board.record(&key("a", "t"), MINUTE, BlockCause::TenantThrottled);
        assert!(board.remaining_block(&key("z", "t")).is_some());
    }

    #[test]
    fn missing_retry_after_uses_the_default_block_and_a_huge_one_is_capped() {
        let (_, board) = board();
        board.record(&key("a", "t"), None, BlockCause::UserThrottled);
        assert!(board.remaining_block(&key("a", "t")).is_some_and(|block| block.wait <= DEFAULT_BLOCK));
        board.record(&key("b", "t"), Some(Duration::MAX), BlockCause::UserThrottled);
        assert!(board.remaining_block(&key("b", "t")).is_some_and(|block| block.wait <= MAX_BLOCK));
    }

    const HOUR: Option<Duration> = Some(Duration::from_hours(1));

    #[test]
    fn a_fault_blocks_its_user_for_a_minute_at_most() {
        let (clock, board) = board();
        assert_eq!(board.record(&key("a", "t"), HOUR, BlockCause::Fault), MAX_FAULT_BLOCK);
        assert_eq!(board.remaining_block(&key("a", "t")).map(|block| block.cause), Some(BlockCause::Fault));
        assert_eq!(board.remaining_block(&key("b", "t")), None);
        clock.advance(Duration::from_secs(61));
        assert_eq!(board.remaining_block(&key("a", "t")), None);
    }

    #[test]
    fn one_request_tests_a_guessed_block_and_its_success_ends_the_block() {
        let (clock, board) = board();
        for user in ["a", "b", "c", "d", "e"] {
            board.record(&key(user, "t"), HOUR, BlockCause::UserThrottled);
        }
        assert!(board.remaining_block(&key("z", "t")).is_some_and(|block| block.wait <= PROBE_INTERVAL));
        clock.advance(PROBE_INTERVAL + Duration::from_secs(1));
        assert_eq!(board.remaining_block(&key("a", "t")).map(|block| block.cause), Some(BlockCause::UserThrottled));
        assert_eq!(board.remaining_block(&key("z", "t")), None, "the test");
        assert!(board.remaining_block(&key("y", "t")).is_some(), "one test at a time");
        board.record_success(&key("z", "t"));
        assert_eq!(board.remaining_block(&key("y", "t")), None);
        assert!(board.remaining_block(&key("a", "t")).is_some(), "the issuer blocked this user itself");
    }

    #[test]
    fn a_block_that_the_issuer_stated_is_not_tested() {
        let (clock, board) = board();
        board.record(&key("a", "t"), HOUR, BlockCause::TenantThrottled);
        clock.advance(Duration::from_mins(30));
        assert!(board.remaining_block(&key("z", "t")).is_some());
        board.record_success(&key("y", "t"));
        assert!(board.remaining_block(&key("z", "t")).is_some());
    }
}
