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
const MAX_REMEMBERED_USERS: usize = 16_384;
const MAX_REMEMBERED_TENANTS: usize = 1024;

/// What a block applies to: one user of one tenant, through one client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ThrottleKey {
    pub(super) client: String,
    pub(super) tenant: String,
    pub(super) user: String,
}

/// The blocks that issuers imposed by throttling. All providers of the process share one board.
///
/// A 429 for one user blocks that user. The client is blocked in a whole tenant only if several users were throttled or
/// the issuer says so, because one user who sends too many requests must not block all users of a bot.
pub struct ThrottleBoard {
    clock: SharedClock,
    users: Cache<ThrottleKey, Timestamp>,
    tenants: Cache<(String, String), Arc<Mutex<TenantRecord>>>,
}

struct TenantRecord {
    window_began: Timestamp,
    users: Vec<String>,
    blocked_until: Timestamp,
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

    /// The remaining time for which requests of this key are blocked.
    pub(super) fn remaining_block(&self, key: &ThrottleKey) -> Option<Duration> {
        let now = self.clock.now();
        let user = self.users.get(key);
        let tenant = self
            .tenants
            .get(&(key.client.clone(), key.tenant.clone()))
            .map(|record| record.lock().unwrap_or_else(PoisonError::into_inner).blocked_until);
        user.into_iter().chain(tenant).map(|until| now.until(until)).max().filter(|wait| !wait.is_zero())
    }

    /// Records that the issuer throttled requests of this key or, if `tenant_wide` is set, of the client in the whole
    /// tenant.
    pub(super) fn record(&self, key: &ThrottleKey, retry_after: Option<Duration>, tenant_wide: bool) {
        let now = self.clock.now();
        let until = now.plus(retry_after.unwrap_or(DEFAULT_BLOCK).min(MAX_BLOCK));
        self.users.insert(key.clone(), until);
        let name = (key.client.clone(), key.tenant.clone());
        let fresh = || {
            let record = TenantRecord { window_began: now, users: Vec::new(), blocked_until: now };
            Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(record)))
        };
        let Ok(record) = self.tenants.get_or_insert_with(&name, fresh);
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        if now > record.window_began.plus(TENANT_WINDOW) {
            record.window_began = now;
            record.users.clear();
        }
        if !record.users.contains(&key.user) && record.users.len() < TENANT_BLOCK_THRESHOLD {
            record.users.push(key.user.clone());
        }
        if tenant_wide || record.users.len() >= TENANT_BLOCK_THRESHOLD {
            record.blocked_until = record.blocked_until.max(until);
        }
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
            board.record(&key("a", "t"), MINUTE, false);
        }
        assert!(board.remaining_block(&key("a", "t")).is_some_and(|wait| wait > Duration::from_secs(55)));
        assert_eq!(board.remaining_block(&key("b", "t")), None);
        assert_eq!(board.remaining_block(&key("a", "other")), None);
        clock.advance(Duration::from_secs(61));
        assert_eq!(board.remaining_block(&key("a", "t")), None);
    }

    #[test]
    fn five_throttled_users_within_a_minute_block_the_tenant() {
        let (_, board) = board();
        for user in ["a", "b", "c", "d"] {
            board.record(&key(user, "t"), MINUTE, false);
        }
        assert_eq!(board.remaining_block(&key("z", "t")), None);
        board.record(&key("e", "t"), MINUTE, false);
        assert!(board.remaining_block(&key("z", "t")).is_some());
        assert_eq!(board.remaining_block(&key("z", "other")), None);
    }

    #[test]
    fn five_throttled_users_over_several_minutes_do_not_block_the_tenant() {
        let (clock, board) = board();
        for user in ["a", "b", "c", "d", "e", "f"] {
            board.record(&key(user, "t"), MINUTE, false);
            clock.advance(Duration::from_secs(30));
        }
        assert_eq!(board.remaining_block(&key("z", "t")), None);
    }

    #[test]
    fn tenant_wide_throttling_blocks_the_tenant_at_once() {
        let (_, board) = board();
        board.record(&key("a", "t"), MINUTE, true);
        assert!(board.remaining_block(&key("z", "t")).is_some());
    }

    #[test]
    fn missing_retry_after_uses_the_default_block_and_a_huge_one_is_capped() {
        let (_, board) = board();
        board.record(&key("a", "t"), None, false);
        assert!(board.remaining_block(&key("a", "t")).is_some_and(|wait| wait <= DEFAULT_BLOCK));
        board.record(&key("b", "t"), Some(Duration::MAX), false);
        assert!(board.remaining_block(&key("b", "t")).is_some_and(|wait| wait <= MAX_BLOCK));
    }
}
