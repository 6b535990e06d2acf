//! What tests need of this room: a store that goes away with its test, and the suite that every back end must pass.

pub(crate) mod conformance;
mod throwaway;

pub(crate) use throwaway::{ThrowawayStore, embedded_store_at, throwaway_store};
