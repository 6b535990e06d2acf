//! Test helpers of this room: records in a temporary folder, a store whose operations a test can hold back, and copies
//! of stores that earlier versions of the program wrote.

mod gated_store;
mod throwaway;
mod throwaway_replicas;

pub(crate) use gated_store::GatedStore;
pub(crate) use throwaway::{FixtureRecords, ThrowawayRecords, records_of_fixture, throwaway_records};
pub(crate) use throwaway_replicas::{ThrowawayReplicas, throwaway_replicas};

/// The stores in `fixtures/store`.
pub(crate) const FIXTURES: [&str; 1] = ["a030e75"];
