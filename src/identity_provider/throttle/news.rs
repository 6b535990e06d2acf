use std::sync::Arc;
use std::time::Duration;

use super::blocks::{BlockName, Blocks};
use super::{Block, BlockCause};
use crate::domain::RecordKey;
use crate::records::catalogue::PROVIDER_BLOCK;
use crate::records::{ChangeListener, Records};

const DIGEST_BYTES: usize = 32;

/// What has become of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockChange {
    Begun(Block),
    /// A request has tested it and was granted.
    Ended,
}

/// What replicas tell each other of blocks. Clients, tenants and users are told as digests. A block is told by the time that it
/// has left, so the clocks of replicas need not agree.
pub(super) struct BlockNews {
    records: Records,
    blocks: Arc<Blocks>,
    /// The name under which blocks are told.
    topic: RecordKey,
}

impl BlockNews {
    /// Tells the replicas that share `records`, and puts what they tell into `blocks`.
    pub(super) fn new(records: Records, blocks: Arc<Blocks>) -> Self {
        let topic = RecordKey(records.mac(&PROVIDER_BLOCK, &[]));
        Self { records, blocks, topic }
    }

    pub(super) fn digest(&self, parts: &[&str]) -> RecordKey {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        RecordKey(self.records.mac(&PROVIDER_BLOCK, &parts))
    }

    /// Tells in the background what has become of a block. If the store fails, the other replicas learn of it from the issuer.
    pub(super) fn tell(&self, digest: RecordKey, change: BlockChange) {
        let Some(replicas) = self.records.replicas().cloned() else { return };
        let (topic, note) = (self.topic, to_note(digest, change));
        tokio::spawn(async move {
            if let Err(error) = replicas.tell(topic, &note).await {
                tracing::debug!(%error, "a block of an identity provider is not told to other replicas");
            }
        });
    }
}

impl ChangeListener for BlockNews {
    /// This replica hears its own news, too, which changes nothing.
    fn changed(&self, key: RecordKey, note: &[u8]) {
        if key != self.topic {
            return;
        }
        let Some((digest, rest)) = note.split_first_chunk::<DIGEST_BYTES>() else { return };
        let name = BlockName::Digest(RecordKey(*digest));
        match read_change(rest) {
            Some(BlockChange::Begun(block)) => self.blocks.begin_told(&name, block),
            Some(BlockChange::Ended) => self.blocks.end(&name),
            // A replica of a later version may tell more.
            None => {}
        }
    }

    /// A block that was missed is learned from the issuer.
    fn all_may_have_changed(&self) {}
}

/// The digest, the cause, and the milliseconds that are left.
fn to_note(digest: RecordKey, change: BlockChange) -> Vec<u8> {
    let (cause, wait) = match change {
        BlockChange::Begun(Block { wait, cause: BlockCause::UserThrottled }) => (b'u', wait),
        BlockChange::Begun(Block { wait, cause: BlockCause::TenantThrottled }) => (b't', wait),
        BlockChange::Begun(Block { wait, cause: BlockCause::Fault }) => (b'f', wait),
        BlockChange::Ended => (b'e', Duration::ZERO),
    };
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    [&digest.0[..], &[cause], &millis.to_be_bytes()].concat()
}

/// What a note says after the digest; `None` if this version does not know it.
fn read_change(note: &[u8]) -> Option<BlockChange> {
    let (cause, millis) = note.split_first()?;
    let wait = Duration::from_millis(u64::from_be_bytes(millis.try_into().ok()?));
    let cause = match cause {
        b'u' => BlockCause::UserThrottled,
        b't' => BlockCause::TenantThrottled,
        b'f' => BlockCause::Fault,
        b'e' => return Some(BlockChange::Ended),
        _ => return None,
    };
    Some(BlockChange::Begun(Block { wait: wait.min(cause.longest()), cause }))
}
