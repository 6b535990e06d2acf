//! The core: turns an exchangeable token that arrived for a connection into a kept user token, once; keeps that token
//! fresh, gets others with it, and ends it.
//!
//! Owns the phases of one exchange (admit, join, recall, redeem, keep, settle), the binding of a token to the person who
//! sent it, the joining of duplicates, the refresh of a token without its user, and sign-out. It deliberately knows no
//! HTTP and no wire type: doors hand it a request and get an outcome, and what an outcome looks like to a client is
//! theirs to say.

mod binding;
mod current_token;
mod dedup;
mod engine;
mod exchange_name;
mod lacking;
mod needs;
mod outcome;
mod redeemed;
mod refresh;
mod request;
mod resource_tokens;
mod sign_out;
mod storage_failure;
mod user_rates;
mod validation;

pub use binding::may_be_bound;
pub use current_token::{Challenged, CurrentTokens};
pub use dedup::{Deduplicator, Settlement};
pub use engine::{ExchangeEngine, ExchangeParts};
pub use exchange_name::ExchangeNames;
pub use lacking::note_further_lack;
pub use needs::{ClaimsChallenges, SignInNeed, SignInNeeds};
pub use outcome::{Outcome, Reason, Refusal};
pub use redeemed::user_token;
pub use request::{Caller, Conversation, ExchangeRequest};
pub use resource_tokens::{ResourceScope, ResourceTokens, WantedResource};
pub use sign_out::{EndFuture, EndedAtSignOut, SignOut};
pub use storage_failure::StorageFailure;
pub use user_rates::UserRates;
pub use validation::TokenValidators;
