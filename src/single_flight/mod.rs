//! Sharing in memory between those who want the same thing at the same time, inside one process.
//!
//! Owns two shapes: work that is done once for all who ask for it while it runs ([`SingleFlight`]), and a value of which
//! at most one lives per key ([`WeakRegistry`]). It deliberately knows neither what the work is nor what the values
//! mean, and it keeps nothing: once the last user of an outcome or a value is gone, so is the entry.

mod flight;
mod weak_registry;

pub use flight::{Flight, SingleFlight};
pub use weak_registry::{Registered, WeakRegistry};
