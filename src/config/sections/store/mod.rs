//! The section `[store]`: a file of this process alone, or a server that several replicas share.
//!
//! Owns the keys of both forms and which of them contradict each other. It deliberately opens no store and reads no address:
//! the room `store` does both.

mod shared_store;

use std::path::PathBuf;

use serde::Deserialize;

use self::shared_store::RawSharedStore;
use crate::config::review::{Place, Review, SecretReference};

pub use self::shared_store::SharedStoreSection;
pub(in crate::config) use self::shared_store::validate_shared_store_at;

/// The persistent store.
#[derive(Clone, Debug)]
pub struct StoreSection {
    /// Where the records are.
    pub place: StorePlace,
    /// The size limit of the in-memory token cache.
    pub l1_bytes: u64,
}

/// Where the records are.
#[derive(Clone, Debug)]
pub enum StorePlace {
    /// In a file, which only this process uses.
    File(StoreFileSection),
    /// On a server, which any number of replicas use at the same time.
    Shared(Box<SharedStoreSection>),
}

/// A store in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFileSection {
    /// The database file, created if it does not exist. Its directory exists.
    pub path: PathBuf,
    /// What a finished write survives.
    pub durability: StoreDurability,
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
    durability: Option<StoreDurability>,
    l1_bytes: Option<u64>,
    url: Option<String>,
    user: Option<String>,
    password: Option<SecretReference>,
    prefix: Option<String>,
    ca_file: Option<PathBuf>,
    allow_volatile: Option<bool>,
    wait_replicas: Option<u64>,
    l1_trust_ms: Option<u64>,
    l1_grace_s: Option<u64>,
}

impl StoreSection {
    /// The file of the store; `None` if the store is on a server.
    #[must_use]
    pub fn file(&self) -> Option<&StoreFileSection> {
        match &self.place {
            StorePlace::File(file) => Some(file),
            StorePlace::Shared(_) => None,
        }
    }
}

impl RawStore {
    pub(in crate::config) fn validate(mut self, review: &mut Review<'_>) -> Option<StoreSection> {
        let place = Place::section("store");
        let l1_bytes = review.number(
            self.l1_bytes,
            64 * 1024 * 1024,
            &(1024 * 1024..=64 * 1024 * 1024 * 1024),
            &place.key("l1_bytes"),
        );
        let store = if let Some(url) = self.url.take() {
            self.refuse_file(review, &place);
            self.shared(url).validate(review, &place).map(|shared| StorePlace::Shared(Box::new(shared)))
        } else {
            self.refuse_shared(review, &place);
            Some(StorePlace::File(self.validate_file(review, &place)))
        };
        Some(StoreSection { place: store?, l1_bytes: l1_bytes? })
    }

    fn validate_file(self, review: &mut Review<'_>, place: &Place) -> StoreFileSection {
        let path = review.resolve(&self.path.unwrap_or_else(|| PathBuf::from("bot-sso.db")));
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            let message =
                format!("the directory {} does not exist: make it, or write another path", directory.display());
            review.report(&place.key("path"), message);
        }
        StoreFileSection { path, durability: self.durability.unwrap_or_default() }
    }

    /// Reports the keys of a store in a file.
    fn refuse_file(&self, review: &mut Review<'_>, place: &Place) {
        for (key, is_written) in [("path", self.path.is_some()), ("durability", self.durability.is_some())] {
            if is_written {
                let message = "is of a store in a file, and url names a store on a server: write one of the two";
                review.report(&place.key(key), message.to_owned());
            }
        }
    }

    /// Reports the keys of a store on a server.
    fn refuse_shared(&self, review: &mut Review<'_>, place: &Place) {
        let of_shared = [
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("prefix", self.prefix.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("allow_volatile", self.allow_volatile.is_some()),
            ("wait_replicas", self.wait_replicas.is_some()),
            ("l1_trust_ms", self.l1_trust_ms.is_some()),
            ("l1_grace_s", self.l1_grace_s.is_some()),
        ];
        for (key, _) in of_shared.into_iter().filter(|(_, is_written)| *is_written) {
            let message = "is only used with a store on a server: write its url, too, or leave this out";
            review.report(&place.key(key), message.to_owned());
        }
    }

    fn shared(self, url: String) -> RawSharedStore {
        RawSharedStore {
            url,
            user: self.user,
            password: self.password,
            prefix: self.prefix,
            ca_file: self.ca_file,
            allow_volatile: self.allow_volatile,
            wait_replicas: self.wait_replicas,
            l1_trust_ms: self.l1_trust_ms,
            l1_grace_s: self.l1_grace_s,
        }
    }
}
