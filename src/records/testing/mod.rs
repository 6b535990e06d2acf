//! Test helpers of this room: records in a temporary folder, a store whose operations a test can hold back, and copies
//! of stores that earlier versions of the program wrote.

mod gated_store;
mod throwaway;

pub(crate) use gated_store::GatedStore;
pub(crate) use throwaway::{FixtureRecords, ThrowawayRecords, records_of_fixture, throwaway_records};

/// The stores in `fixtures/store`.
pub(crate) const FIXTURES: [&str; 1] = ["a030e75"];

/// A proof of a single writer, for tests of types that require it.
#[allow(clippy::unwrap_used, reason = "only in tests")]
pub(crate) fn single_writer() -> super::SingleWriter {
    throwaway_records().records.single_writer().unwrap()
}
