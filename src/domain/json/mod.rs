//! JSON from outside as a value: bounded in memory, and a claims challenge.

mod bounded;
mod claims_challenge;

pub use self::bounded::{JsonShape, read_bounded_json};
pub use self::claims_challenge::ClaimsChallenge;
