//! JSON from outside as a value: bounded in memory, and a claims challenge. JSON strings as text.

mod bounded;
mod claims_challenge;
mod string_literal;

pub use self::bounded::{JsonShape, is_object_text, read_bounded_json, read_bounded_object};
pub use self::claims_challenge::ClaimsChallenge;
pub use self::string_literal::write_string_literal;
