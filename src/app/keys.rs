use std::sync::Arc;

use crate::config::KeySource;
use crate::domain::ClockAndEntropy;
use crate::outbound::Outbound;
use crate::token_validation::{KeySet, KeySetSource};

/// The keys of `source`, called `name` in the log. They are fetched at once, in a task of their own.
pub(super) fn key_set(name: &str, source: &KeySource, outbound: &Outbound, ambient: &ClockAndEntropy) -> Arc<KeySet> {
    let source = match source {
        KeySource::Jwks(url) => KeySetSource::Jwks(url.clone()),
        KeySource::Metadata(url) => KeySetSource::Metadata(url.clone()),
    };
    let keys = KeySet::new(name, source, outbound.clone(), ambient.clock.clone(), ambient.entropy.clone());
    let warming = keys.clone();
    tokio::spawn(async move { warming.warm().await });
    keys
}
