//! Test helpers of this room: a store in a temporary folder, and the test suite that every back end must pass.

pub(crate) mod conformance;
mod throwaway;

pub(crate) use throwaway::{ThrowawayStore, embedded_store_at, throwaway_store};
