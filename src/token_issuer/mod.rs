//! Tokens that bot-sso issues itself: the user tokens of apps with a service role, and the codes that give one.
//!
//! Owns the user and the life of such a token, and what ends it early. The room deliberately knows neither the doors
//! that accept a token nor the tokens of identity providers.

mod app_tokens;
mod directory;
mod epochs;
mod owner_records;

#[cfg(test)]
mod app_tokens_tests;

pub use app_tokens::{AppTokenOwner, AppUserTokens, IssuedToken, RedeemedCode};
pub use directory::{
    AccessTokenClaims, AdministratorKey, AdministratorTokens, AuthorizationCodeStore, CheckedAssertion, CodeChallenge,
    CodeContent, DirectoryKeyRing, DirectoryKeys, DirectoryTokens, GrantOutcome, Grants, IdTokenHint, IssuedTokens,
    NewGrant, PublicKeyJson, TakenCode, TokenRefusal, TokenSubject, UserClaims, UserGrant,
};
