//! What the next sign-in or exchange of a slot must bring: what a resource wants of the next token, and what the last
//! silent attempt lacked.

mod claims_challenges;
mod sign_in_needs;

pub use claims_challenges::ClaimsChallenges;
pub use sign_in_needs::{SignInNeed, SignInNeeds};
