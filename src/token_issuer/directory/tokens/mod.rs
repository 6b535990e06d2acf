//! The signed tokens of directories, and the assertions of applications.

mod assertions;
mod directory_tokens;
mod logout_tokens;
mod token_content;
mod token_refusal;
mod unverified_jws;

#[cfg(test)]
mod assertions_tests;
#[cfg(test)]
mod tests;

pub use assertions::{CheckedAssertion, UserClaims};
pub use directory_tokens::{AccessTokenClaims, DirectoryTokens, IdTokenHint, IssuedTokens, TokenSubject};
pub use token_refusal::TokenRefusal;
