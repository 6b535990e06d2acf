use std::sync::Arc;

use crate::config::KeySource;
use crate::domain::ClockAndEntropy;
use crate::outbound::Outbound;
use crate::token_validation::{KeySet, KeySetSource};

/// A key set, and the name of its publisher: `channels`, or an identity provider's.
#[derive(Clone)]
pub(super) struct NamedKeySet {
    pub(super) name: String,
    pub(super) keys: Arc<KeySet>,
}

/// Creates the key set of `source`, without fetching it. `name` names it in the log.
pub(super) fn build_key_set(
    name: &str,
    source: &KeySource,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> Arc<KeySet> {
    let (source, clock, entropy) = (key_set_source(source), ambient.clock.clone(), ambient.entropy.clone());
    KeySet::new(name, source, outbound.clone(), clock, entropy)
}

/// The key set of a provider of kind `oidc`, as [`build_key_set`].
pub(super) fn build_openid_key_set(
    name: &str,
    source: &KeySource,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> Arc<KeySet> {
    let (source, clock, entropy) = (key_set_source(source), ambient.clock.clone(), ambient.entropy.clone());
    KeySet::of_openid_provider(name, source, outbound.clone(), clock, entropy)
}

/// Starts a task that fetches the keys at once, so that the first request does not wait for them.
pub(super) fn warm_up(keys: Arc<KeySet>) -> Arc<KeySet> {
    let warming = keys.clone();
    tokio::spawn(async move { warming.warm().await });
    keys
}

fn key_set_source(source: &KeySource) -> KeySetSource {
    match source {
        KeySource::Jwks(url) => KeySetSource::Jwks(url.clone()),
        KeySource::Metadata(url) => KeySetSource::Metadata(url.clone()),
    }
}
