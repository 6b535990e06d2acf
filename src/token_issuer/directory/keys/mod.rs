//! The keys of directories: one for MACs, and those that sign tokens.

mod directory_keys;
mod key_records;
mod signing_key;

#[cfg(test)]
mod replicas_tests;
#[cfg(test)]
mod tests;

pub use directory_keys::{DirectoryKeyRing, DirectoryKeys};
pub use signing_key::PublicKeyJson;
pub(super) use signing_key::SigningKey;
