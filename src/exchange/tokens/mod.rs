//! The tokens that are kept: given out, refreshed without their user, exchanged for other resources, ended.
//!
//! Owns when a kept token is refreshed and what its user can have by it. It deliberately knows nothing of exchanges that
//! a client asks for, nor of who asks for a token.

mod current;
mod refresh;
mod resource;
mod sign_out;

pub use current::{Challenged, CurrentTokens};
pub use resource::{ResourceExchange, ResourceScope, ResourceTokens, WantedResource};
pub use sign_out::TokenSignOut;
