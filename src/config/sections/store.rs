use std::path::PathBuf;

use serde::Deserialize;

use crate::config::review::{Place, Review};

/// The persistent store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSection {
    /// The database file, created if it does not exist. Its directory exists.
    pub path: PathBuf,
    /// What a finished write survives.
    pub durability: StoreDurability,
    /// The size limit of the in-memory token cache.
    pub l1_bytes: u64,
}

/// What a finished write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreDurability {
    /// A power cut.
    #[default]
    Full,
    /// A crash of the process; a power cut may lose the latest writes.
    Normal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawStore {
    path: Option<PathBuf>,
    durability: StoreDurability,
    l1_bytes: Option<u64>,
}

impl RawStore {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<StoreSection> {
        let place = Place::section("store");
        let path = review.resolve(&self.path.unwrap_or_else(|| PathBuf::from("bot-sso.db")));
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            let message =
                format!("the directory {} does not exist: make it, or write another path", directory.display());
            review.report(&place.key("path"), message);
        }
        let l1_bytes = review.number(
            self.l1_bytes,
            64 * 1024 * 1024,
            &(1024 * 1024..=64 * 1024 * 1024 * 1024),
            &place.key("l1_bytes"),
        );
        Some(StoreSection { path, durability: self.durability, l1_bytes: l1_bytes? })
    }
}
