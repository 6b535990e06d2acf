//! The kept tokens: handed out, refreshed without the user, exchanged for other resources, removed at sign-out.
//!
//! Owns when a kept token is refreshed and which further tokens are obtained with it. It deliberately knows nothing of
//! the exchanges that clients request, nor of the callers that ask for a token.

mod account_owners;
mod current;
mod given;
mod id_token_renewal;
mod id_tokens;
mod person_offers;
mod person_tokens;
mod refresh;
mod refresh_aim;
mod refresh_turns;
#[cfg(test)]
mod replica_tests;
mod resource;
mod revocation;
mod sign_out;
mod unkept;
#[cfg(test)]
mod unkept_tests;

pub use account_owners::{AccountOwners, OwnedAccount};
pub use current::CurrentTokens;
pub use given::{GivenToken, GivenTokens};
pub use id_tokens::ObtainedIdToken;
pub use person_offers::{PersonOffer, PersonOffers};
pub use person_tokens::{PersonPin, PersonPins, PersonToken, PersonTokens};
pub use resource::{ResourceExchange, ResourceScope, ResourceTokens, WantedResource};
pub use revocation::{EndedTokens, TokenRevocation};
pub use sign_out::TokenSignOut;
pub use unkept::UnkeptTokens;
