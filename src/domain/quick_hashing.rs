use std::collections::HashMap;
use std::hash::Hasher;

/// Hashes the keys of maps that no client can fill with keys that collide: names of the configuration, which requests look up
/// and do not add, and MACs, which clients cannot choose. `SipHash`, which resists that, takes several times as long.
pub type QuickHashing = foldhash::quality::RandomState;

/// A map by names of the configuration.
pub type ConfiguredMap<K, V> = HashMap<K, V, QuickHashing>;

/// Hashes `mac` by its first bytes, which tell MACs apart in a map.
pub(super) fn hash_mac<const LENGTH: usize>(mac: &[u8; LENGTH], state: &mut impl Hasher) {
    state.write_u64(mac.first_chunk().map_or(0, |first| u64::from_ne_bytes(*first)));
}
