//! Hashes of passwords (argon2id), computed on threads of their own, and what a password must be like.

mod argon2_hash;
mod decoy_hashes;
mod hasher;
mod rules;

#[cfg(test)]
mod hasher_tests;
#[cfg(test)]
mod rules_tests;

pub use argon2_hash::HashParameters;
pub use hasher::{HasherBusy, PasswordHasher};
pub(super) use rules::PasswordRules;
pub use rules::{PasswordFault, is_password_pattern};
