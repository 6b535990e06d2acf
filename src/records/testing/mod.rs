//! What tests need of this room: records that go away with their test, stores that hold back an operation, and the stores
//! that earlier versions wrote.

mod gated_store;
mod throwaway;

pub(crate) use gated_store::GatedStore;
pub(crate) use throwaway::{FixtureRecords, ThrowawayRecords, records_of_fixture, throwaway_records};

/// The proof for tests of what assumes one writing process.
#[allow(clippy::unwrap_used, reason = "only in tests")]
pub(crate) fn single_writer() -> super::SingleWriter {
    throwaway_records().records.single_writer().unwrap()
}
