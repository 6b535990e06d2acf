//! The core: exchanges a client's token once for a user token that the vault keeps; refreshes the kept token, gets
//! tokens for other resources with it, and removes it at sign-out.
//!
//! Owns the phases of one exchange (admit, join, recall, redeem, keep, settle), the binding of a token to the account
//! that sent it, the account under which a bot finds a token, the joining of duplicates, the refresh of a token without
//! its user, and the tokens' part of a sign-out. It deliberately knows no HTTP and no wire type: a door hands it a request and gets an outcome, and the
//! door turns the outcome into a reply.

mod assertion_exchange;
#[cfg(test)]
mod assertion_exchange_tests;
mod binding;
mod browser_binding;
mod channel_statements;
mod engine;
mod evidence;
mod exchange_name;
mod granted_scopes;
mod held_tokens;
mod missing_scope_report;
mod needs;
mod obtained;
mod outcome;
mod parent_slots;
mod redemption;
mod requirements;
mod speakers;
mod storage_failure;
mod token_sender;
mod token_validators;
mod tokens;
mod user_rates;
mod user_token;

pub use assertion_exchange::{AssertionExchange, AssertionRequest};
pub use binding::may_be_bound;
pub use browser_binding::{BrowserBinding, ProvenIdentity, bind_browser_sign_in, is_another_person};
pub use channel_statements::ChannelStatements;
pub use engine::{
    Acquisition, Admission, AfterExchange, ContinuationMark, ExchangeEngine, ExchangeReply, ExchangeRequest,
    JoinedExchange, LeadingExchange, OutcomeReport, Settlement,
};
pub use evidence::{ActivityEvidence, BotStatement, Conversation, Evidence};
pub use exchange_name::ExchangeNames;
pub use granted_scopes::{may_be_asked_for, missing_scopes, withheld_scopes};
pub use held_tokens::{HeldContent, HeldTokens};
pub use missing_scope_report::report_missing_scopes;
pub use needs::{ClaimsChallenges, SignInNeed, SignInNeeds};
pub use obtained::{ObtainedToken, Outage};
pub use outcome::{Outcome, Reason, Refusal};
pub use parent_slots::{TokenPlace, WantedToken, parent_slots};
pub use redemption::Redemption;
pub use requirements::SignInRequirements;
pub use speakers::Speakers;
pub use storage_failure::StorageFailure;
pub use token_sender::TokenSender;
pub use token_validators::{TokenValidators, is_for_microsoft_graph, read_stated_claims};
pub use tokens::{
    AccountOwners, CurrentTokens, EndedTokens, GivenToken, GivenTokens, ObtainedIdToken, OwnedAccount, PersonOffer,
    PersonOffers, PersonPin, PersonPins, PersonToken, PersonTokens, ResourceExchange, ResourceScope, ResourceTokens,
    TokenRevocation, TokenSignOut, UnkeptTokens, WantedResource,
};
pub use user_rates::{PAGE_RATE_HINT, RateLimited, UserRates};
pub use user_token::{TokenOwner, user_token};
