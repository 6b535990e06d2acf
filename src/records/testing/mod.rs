//! What tests need of this room: records that go away with their test, those of a fixture, and a store that waits and
//! fails as the test says.

mod gated_store;
mod throwaway;

pub(crate) use gated_store::GatedStore;
pub(crate) use throwaway::{FixtureRecords, ThrowawayRecords, records_of_fixture, throwaway_records};
