//! Sharing of work and of values between concurrent callers inside one process.
//!
//! Owns two tools: [`SingleFlight`] runs one piece of work for all callers that request it at the same time, and
//! [`WeakRegistry`] holds at most one value per key. The room deliberately knows neither what the work does nor what
//! the values mean. It is no cache: an entry is removed when the work ends or when the last holder drops the value.

mod flight;
mod weak_registry;

pub use flight::{Flight, SingleFlight};
pub use weak_registry::{Registered, WeakRegistry};
