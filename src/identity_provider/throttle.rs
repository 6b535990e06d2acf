use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::domain::{SharedClock, Timestamp};
use crate::records::SingleWriter;

/// MSAL's cap of a `Retry-After`.
const LONGEST_BLOCK: Duration = Duration::from_hours(1);
/// Where the issuer names no time: long enough to break a loop, short enough for a person who tries again.
const UNNAMED_BLOCK: Duration = Duration::from_secs(10);
/// So many users throttled within the window are the tenant's trouble, not theirs (entra-obo §4, row 429).
const USERS_OF_A_TENANT: usize = 5;
const WINDOW: Duration = Duration::from_mins(1);
const REMEMBERED_USERS: usize = 16_384;
const REMEMBERED_TENANTS: usize = 1024;

/// What a block applies to: one user of one tenant, through one client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ThrottleKey {
    pub(super) client: String,
    pub(super) tenant: String,
    pub(super) user: String,
}

/// Who must not ask for how long, shared by all providers of the process.
///
/// One user's 429 blocks that user; the whole client in a tenant only once several users were hit or the issuer says
/// so. A bot with a million users must not fall silent because one of them hammers.
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
    /// A board with nobody on it.
    #[must_use]
    pub fn new(clock: SharedClock, _: SingleWriter) -> Self {
        Self::of_one_command(clock)
    }

    /// The board of a command that ends when it has asked, and serves no requests: it need not be shared.
    #[must_use]
    pub fn of_one_command(clock: SharedClock) -> Self {
        Self { clock, users: Cache::new(REMEMBERED_USERS), tenants: Cache::new(REMEMBERED_TENANTS) }
    }

    /// How long requests of this key must still stay away.
    pub(super) fn blocked_for(&self, key: &ThrottleKey) -> Option<Duration> {
        let now = self.clock.now();
        let user = self.users.get(key);
        let tenant = self
            .tenants
            .get(&(key.client.clone(), key.tenant.clone()))
            .map(|record| record.lock().unwrap_or_else(PoisonError::into_inner).blocked_until);
        user.into_iter().chain(tenant).map(|until| now.until(until)).max().filter(|wait| !wait.is_zero())
    }

    /// Notes that the issuer throttled requests of this key, or (`tenant_wide`) the whole client in that tenant.
    pub(super) fn note(&self, key: &ThrottleKey, retry_after: Option<Duration>, tenant_wide: bool) {
        let now = self.clock.now();
        let until = now.plus(retry_after.unwrap_or(UNNAMED_BLOCK).min(LONGEST_BLOCK));
        self.users.insert(key.clone(), until);
        let name = (key.client.clone(), key.tenant.clone());
        let fresh = || {
            let record = TenantRecord { window_began: now, users: Vec::new(), blocked_until: now };
            Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(record)))
        };
        let Ok(record) = self.tenants.get_or_insert_with(&name, fresh);
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        if now > record.window_began.plus(WINDOW) {
            record.window_began = now;
            record.users.clear();
        }
        if !record.users.contains(&key.user) && record.users.len() < USERS_OF_A_TENANT {
            record.users.push(key.user.clone());
        }
        if tenant_wide || record.users.len() >= USERS_OF_A_TENANT {
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
        (clock.clone(), ThrottleBoard::of_one_command(clock))
    }

    fn key(user: &str, tenant: &str) -> ThrottleKey {
        ThrottleKey { client: "client".into(), tenant: tenant.into(), user: user.into() }
    }

    const MINUTE: Option<Duration> = Some(Duration::from_mins(1));

    #[test]
    fn one_users_throttling_blocks_that_user_until_the_named_time() {
        let (clock, board) = board();
        for _ in 0..10 {
            board.note(&key("a", "t"), MINUTE, false);
        }
        assert!(board.blocked_for(&key("a", "t")).is_some_and(|wait| wait > Duration::from_secs(55)));
        assert_eq!(board.blocked_for(&key("b", "t")), None);
        assert_eq!(board.blocked_for(&key("a", "other")), None);
        clock.advance(Duration::from_secs(61));
        assert_eq!(board.blocked_for(&key("a", "t")), None);
    }

    #[test]
    fn five_users_within_a_minute_block_the_tenant() {
        let (_, board) = board();
        for user in ["a", "b", "c", "d"] {
            board.note(&key(user, "t"), MINUTE, false);
        }
        assert_eq!(board.blocked_for(&key("z", "t")), None);
        board.note(&key("e", "t"), MINUTE, false);
        assert!(board.blocked_for(&key("z", "t")).is_some());
        assert_eq!(board.blocked_for(&key("z", "other")), None);
    }

    #[test]
    fn five_users_over_an_hour_do_not() {
        let (clock, board) = board();
        for user in ["a", "b", "c", "d", "e", "f"] {
            board.note(&key(user, "t"), MINUTE, false);
            clock.advance(Duration::from_secs(30));
        }
        assert_eq!(board.blocked_for(&key("z", "t")), None);
    }

    #[test]
    fn a_tenant_wide_code_blocks_the_tenant_at_once() {
        let (_, board) = board();
        board.note(&key("a", "t"), MINUTE, true);
        assert!(board.blocked_for(&key("z", "t")).is_some());
    }

    #[test]
    fn an_unnamed_time_is_short_and_an_absurd_one_is_capped() {
        let (_, board) = board();
        board.note(&key("a", "t"), None, false);
        assert!(board.blocked_for(&key("a", "t")).is_some_and(|wait| wait <= UNNAMED_BLOCK));
        board.note(&key("b", "t"), Some(Duration::MAX), false);
        assert!(board.blocked_for(&key("b", "t")).is_some_and(|wait| wait <= LONGEST_BLOCK));
    }
}
