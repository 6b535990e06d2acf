//! The interactive path: what happens when a client could not vouch for the user.
//!
//! Owns the magic codes that prove that who signed in in a browser is who sits in the chat. It deliberately knows no
//! HTTP, no page and no activity.

mod code_redemption;
mod identification;
mod magic_code;

#[cfg(test)]
mod magic_code_tests;

pub use code_redemption::{CodeError, CodeRedemption};
pub use identification::{IdTokenValidators, IdentificationError};
pub use magic_code::{CodeGrant, IssuedCode, MagicCodeError, MagicCodes};
