//! The interactive path: what happens when a client could not vouch for the user.
//!
//! Owns the way of a browser from a card's link to the identity provider and back, and the magic codes that prove that who
//! signed in there is who sits in the chat. It deliberately knows no HTTP, no page and no activity.

mod browser_sign_ins;
mod code_redemption;
mod flow;
mod identification;
mod magic_code;
mod signed_in_tokens;

#[cfg(test)]
mod magic_code_tests;

pub use browser_sign_ins::{BrowserSignIns, BrowserStep, Found};
pub use code_redemption::{CodeError, CodeRedemption};
pub use flow::{
    BrowserFlow, BrowserSecret, Completion, Names, ProviderAccess, ProviderAnswer, ProviderRefusal, Review,
    SignInCompletion, SignInError, SignInFailure, SignInReturn, SignInStart,
};
pub use identification::{IdTokenValidators, IdentificationError};
pub use magic_code::{CodeGrant, CodeRecord, IssuedCode, MagicCodeError, MagicCodes, RightCode};
pub use signed_in_tokens::{SignedInTokens, SignedInTokensError};
