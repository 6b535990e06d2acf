//! JSON from outside as a value: bounded in memory, and a claims challenge.

mod bounded;
mod claims_challenge;

pub use self::bounded::{JsonShape, is_object_text, read_bounded_json, read_bounded_object};
pub use self::claims_challenge::ClaimsChallenge;
