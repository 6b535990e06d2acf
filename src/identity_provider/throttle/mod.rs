//! How long identity providers have asked to be left alone, for one user or for a tenant.
//!
//! Owns the blocks, and what replicas tell each other of them. It deliberately knows neither requests nor tokens: the caller
//! says what it wants to ask, and reports how the provider has answered.

mod blocks;
mod news;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use self::blocks::{BlockName, Blocks};
use self::news::{BlockChange, BlockNews};
use crate::domain::SharedClock;
use crate::records::{ChangeListener, Records};

/// The longest block. A longer `Retry-After` is capped, as MSAL does.
const MAX_BLOCK: Duration = Duration::from_hours(1);
/// The block if the issuer sends no `Retry-After`: long enough to stop a client that loops, short enough for a person
/// who tries again.
const DEFAULT_BLOCK: Duration = Duration::from_secs(10);
/// The longest block after a fault: a proxy's maintenance page may ask for an hour and be gone in a minute.
const MAX_FAULT_BLOCK: Duration = Duration::from_mins(1);

/// What a block applies to: one user of one tenant, through one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThrottleKey<'a> {
    pub(super) client: &'a str,
    pub(super) tenant: &'a str,
    pub(super) user: &'a str,
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
///
/// Replicas tell each other of their blocks, and each tests the block of a tenant by requests of its own. A replica that starts,
/// or was cut off meanwhile, learns of a block by one request of its own.
#[derive(Clone)]
pub struct ThrottleBoard {
    blocks: Arc<Blocks>,
    /// What tells other replicas; `None` over an exclusive store.
    news: Option<Arc<BlockNews>>,
}

impl ThrottleBoard {
    /// Creates a board without blocks, which replicas that share `records` keep together.
    #[must_use]
    pub fn new(clock: SharedClock, records: &Records) -> Self {
        let blocks = Arc::new(Blocks::new(clock));
        let news = records.replicas().map(|replicas| {
            let news = Arc::new(BlockNews::new(records.clone(), Arc::clone(&blocks)));
            let listener: Arc<dyn ChangeListener> = news.clone();
            replicas.listen(Arc::downgrade(&listener));
            news
        });
        Self { blocks, news }
    }

    /// Creates the board of a command that sends its requests and exits. No other process shares it.
    #[must_use]
    pub fn for_single_command(clock: SharedClock) -> Self {
        Self { blocks: Arc::new(Blocks::new(clock)), news: None }
    }

    /// The block of requests of this key, if there is one. At most one caller per test interval finds the block of a
    /// tenant open.
    pub(super) fn remaining_block(&self, key: &ThrottleKey<'_>) -> Option<Block> {
        if !self.blocks.hold_any() {
            return None;
        }
        self.blocks.remaining(&self.user_name(key)).or_else(|| self.blocks.remaining_of_tenant(&self.tenant_name(key)))
    }

    /// Records that the issuer refused a request of this key for `cause` and asked for the time `retry_after`. Returns
    /// for how long the key is blocked.
    pub(super) fn record(&self, key: &ThrottleKey<'_>, retry_after: Option<Duration>, cause: BlockCause) -> Duration {
        let name = if cause == BlockCause::TenantThrottled { self.tenant_name(key) } else { self.user_name(key) };
        let block = Block { wait: retry_after.unwrap_or(DEFAULT_BLOCK).min(cause.longest()), cause };
        self.blocks.begin(&name, block);
        if let (Some(news), BlockName::Digest(digest)) = (&self.news, name) {
            news.tell(digest, BlockChange::Begun(block));
        }
        block.wait
    }

    /// Records that the issuer granted a request of this key. That ends the block of the tenant, if the request may have
    /// been its test.
    pub(super) fn record_success(&self, key: &ThrottleKey<'_>) {
        if !self.blocks.hold_any() {
            return;
        }
        let name = self.tenant_name(key);
        if self.blocks.end_tested(&name)
            && let (Some(news), BlockName::Digest(digest)) = (&self.news, name)
        {
            news.tell(digest, BlockChange::Ended);
        }
    }

    fn user_name(&self, key: &ThrottleKey<'_>) -> BlockName {
        let ThrottleKey { client, tenant, user } = key;
        self.name(&[client, tenant, user])
    }

    fn tenant_name(&self, key: &ThrottleKey<'_>) -> BlockName {
        self.name(&[key.client, key.tenant])
    }

    fn name(&self, parts: &[&str]) -> BlockName {
        match &self.news {
            Some(news) => BlockName::Digest(news.digest(parts)),
            None => BlockName::Texts(parts.iter().map(|part| (*part).to_owned()).collect()),
        }
    }
}

impl BlockCause {
    const fn longest(self) -> Duration {
        match self {
            Self::Fault => MAX_FAULT_BLOCK,
            Self::UserThrottled | Self::TenantThrottled => MAX_BLOCK,
        }
    }
}

impl std::fmt::Debug for ThrottleBoard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ThrottleBoard(..)")
    }
}
