//! The core: turns an exchangeable token that arrived for a connection into a kept user token, once; keeps that token
//! fresh, gets others with it, and ends it.
//!
//! Owns the phases of one exchange (admit, join, recall, redeem, keep, settle), the binding of a token to the person who
//! sent it, the joining of duplicates, the refresh of a token without its user, and a sign-out's part of the tokens. It
//! deliberately knows no HTTP and no wire type: doors hand it a request and get an outcome, and what an outcome looks
//! like to a client is theirs to say.

mod binding;
mod engine;
mod evidence;
mod exchange_name;
mod needs;
mod outcome;
mod parent_slots;
mod redemption;
mod requirements;
mod storage_failure;
mod token_validators;
mod tokens;
mod user_rates;
mod user_token;

pub use binding::{BrowserBinding, ProvenIdentity, bind_browser_sign_in, may_be_bound};
pub use engine::{
    Acquisition, Admission, AfterExchange, ExchangeEngine, ExchangeRequest, JoinedExchange, LeadingExchange, Settlement,
};
pub use evidence::{ActivityEvidence, BotStatement, Conversation, Evidence};
pub use exchange_name::ExchangeNames;
pub use needs::{ClaimsChallenges, SignInNeed, SignInNeeds};
pub use outcome::{Outcome, Reason, Refusal};
pub use parent_slots::{WantedToken, end_tokens_of_others, last_obtained};
pub use redemption::Redemption;
pub use requirements::SignInRequirements;
pub use storage_failure::StorageFailure;
pub use token_validators::TokenValidators;
pub use tokens::{
    Challenged, CurrentTokens, ResourceExchange, ResourceScope, ResourceTokens, TokenSignOut, WantedResource,
};
pub use user_rates::{RateLimited, UserRates};
pub use user_token::{TokenOwner, user_token};
