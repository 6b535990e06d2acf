//! Authorization codes of directories, and the challenges that they are bound to.

mod authorization_codes;
mod code_challenge;
mod code_content;

#[cfg(test)]
mod tests;

pub use authorization_codes::{AuthorizationCodeStore, TakenCode};
pub use code_challenge::CodeChallenge;
pub use code_content::CodeContent;
