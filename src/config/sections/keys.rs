use std::path::PathBuf;

use serde::Deserialize;

use crate::config::review::{Place, Review};

/// The keys that seal all stored records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysSection {
    /// The key ring's file. It exists, and only its owner can read it.
    pub file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawKeys {
    file: Option<PathBuf>,
}

impl RawKeys {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<KeysSection> {
        let path = self.file.unwrap_or_else(|| PathBuf::from("bot-sso.keys"));
        let create = format!("make it with bot-sso keys create {}", review.resolve(&path).display());
        let at = Place::section("keys").key("file");
        let file = review.private_file(&path, &at, &create)?;
        review.key_file(&file, &at)?;
        Some(KeysSection { file })
    }
}
