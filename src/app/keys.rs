use std::sync::Arc;

use crate::config::KeySource;
use crate::domain::ClockAndEntropy;
use crate::outbound::Outbound;
use crate::token_validation::{KeySet, KeySetSource};

/// Creates the key set of `source`; `name` names it in the log. A task fetches the keys at once, so that the first
/// request does not wait for them.
pub(super) fn start_key_set(
    name: &str,
    source: &KeySource,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> Arc<KeySet> {
    let keys = build_key_set(name, source, outbound, ambient);
    let warming = keys.clone();
    tokio::spawn(async move { warming.warm().await });
    keys
}

/// Creates the key set of `source` without fetching it.
pub(super) fn build_key_set(
    name: &str,
    source: &KeySource,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> Arc<KeySet> {
    let source = match source {
        KeySource::Jwks(url) => KeySetSource::Jwks(url.clone()),
        KeySource::Metadata(url) => KeySetSource::Metadata(url.clone()),
    };
    KeySet::new(name, source, outbound.clone(), ambient.clock.clone(), ambient.entropy.clone())
}
