//! The slots of tokens: the keys of their records, what the records hold, and the generations that sign-outs end.

mod slot_fence;
mod slot_generations;
mod slot_keys;
mod slot_record;

pub(super) use self::slot_fence::{FenceJson, SlotFence};
pub use self::slot_generations::SlotGeneration;
pub(super) use self::slot_generations::SlotGenerations;
pub(super) use self::slot_keys::SlotKeys;
pub(super) use self::slot_record::{SlotRecord, TokenRecord};
