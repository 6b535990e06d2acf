//! Keys, codes and tokens of directories (docs/directory.md §Tokens).

mod administrator_tokens;
mod codes;
mod drawn_secret;
mod grants;
mod keys;
#[cfg(test)]
mod testing;
mod tokens;

pub use administrator_tokens::{AdministratorKey, AdministratorTokens};
pub use codes::{AuthorizationCodeStore, CodeChallenge, CodeContent, TakenCode};
pub use grants::{GrantOutcome, Grants, NewGrant, UserGrant};
pub use keys::{DirectoryKeyRing, DirectoryKeys, PublicKeyJson};
pub use tokens::{
    AccessTokenClaims, CheckedAssertion, DirectoryTokens, IdTokenHint, IssuedTokens, TokenRefusal, TokenSubject,
    UserClaims,
};
