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
/// The longest block after a fault: a proxy's maintenance page may ask for an hour and be gone in a minute.
const MAX_FAULT_BLOCK: Duration = Duration::from_mins(1);
/// While a tenant is blocked, one request is sent this often, as a test. If it succeeds, the block ends: `Retry-After`
/// may say an hour for what is gone in a minute.
const TEST_INTERVAL: Duration = Duration::from_secs(10);
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
/// A failure of one user blocks that user. The client is blocked in a whole tenant only if the issuer's answer says so
/// (docs/protocols/entra-obo.md §4, row 429): however many users are throttled for what they do themselves, another user
/// is not. Single requests test whether the block of a tenant still holds.
pub struct ThrottleBoard {
    clock: SharedClock,
    users: Cache<ThrottleKey, TimedBlock>,
    tenants: Cache<(String, String), Arc<Mutex<TenantBlock>>>,
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

    /// The block of requests of this key, if there is one. At most one caller per test interval finds the block of a
    /// tenant open.
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
        let until = now.plus(wait);
        if cause == BlockCause::TenantThrottled {
            let name = (key.client.clone(), key.tenant.clone());
            let fresh = || {
                let block = TenantBlock { until, next_test: until, is_tested: false };
                Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(block)))
            };
            let Ok(block) = self.tenants.get_or_insert_with(&name, fresh);
            block.lock().unwrap_or_else(PoisonError::into_inner).extend(until, now);
        } else {
            self.users.insert(key.clone(), TimedBlock { until, cause });
        }
        wait
    }

    /// Records that the issuer granted a request of this key. That ends the block of the tenant, if the request may have
    /// been its test.
    pub(super) fn record_success(&self, key: &ThrottleKey) {
        let Some(block) = self.find_tenant(key) else { return };
        let mut block = block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.is_tested {
            block.until = self.clock.now();
        }
    }

    fn find_tenant(&self, key: &ThrottleKey) -> Option<Arc<Mutex<TenantBlock>>> {
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
    fn many_throttled_users_do_not_block_another_one() {
        let (_, board) = board();
        for number in 0..100 {
            for cause in [BlockCause::UserThrottled, BlockCause::Fault] {
                board.record(&key(&number.to_string(), "t"), MINUTE, cause);
            }
        }
        assert_eq!(board.remaining_block(&key("z", "t")), None);
        assert!(board.remaining_block(&key("7", "t")).is_some());
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
    fn one_request_at_a_time_tests_the_block_of_a_tenant_and_its_success_ends_the_block() {
        let (clock, board) = board();
        assert_eq!(board.record(&key("a", "t"), HOUR, BlockCause::TenantThrottled), MAX_BLOCK);
        board.record_success(&key("b", "t"));
        assert!(board.remaining_block(&key("z", "t")).is_some(), "this request was sent before the block began");
        clock.advance(TEST_INTERVAL + Duration::from_secs(1));
        assert_eq!(board.remaining_block(&key("z", "t")), None, "the test");
        assert!(board.remaining_block(&key("y", "t")).is_some(), "one test at a time");
        board.record(&key("z", "t"), MINUTE, BlockCause::TenantThrottled);
        assert!(board.remaining_block(&key("y", "t")).is_some_and(|block| block.wait > Duration::from_mins(30)));
        clock.advance(TEST_INTERVAL + Duration::from_secs(1));
        assert_eq!(board.remaining_block(&key("a", "t")), None, "the next test");
        board.record_success(&key("a", "t"));
        assert_eq!(board.remaining_block(&key("y", "t")), None);
    }
}
