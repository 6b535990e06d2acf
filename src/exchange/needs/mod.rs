//! What the next sign-in or exchange of a slot must satisfy: the claims challenge of a resource, and what the issuer
//! asked for when the last silent attempt failed.

mod claims_challenges;
mod sign_in_needs;

pub use claims_challenges::ClaimsChallenges;
pub use sign_in_needs::{SignInNeed, SignInNeeds};
