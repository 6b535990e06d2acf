use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::presented::PresentedSecret;
use crate::domain::SecretHash;

/// As many hashes are compared for every client, known or not: a client has up to two secrets.
const COMPARISONS: usize = 2;

/// The hashes of the clients' secrets, by client id. Clones share them, so they can be replaced while a door is open.
#[derive(Clone)]
pub struct ClientSecrets {
    by_client: Arc<ArcSwap<HashMap<String, Vec<SecretHash>>>>,
    /// Compared in the place of a hash that does not exist. It is the hash of no secret that anybody knows.
    absent: SecretHash,
}

impl ClientSecrets {
    /// Knows these hashes, by client id.
    #[must_use]
    pub fn new(by_client: HashMap<String, Vec<SecretHash>>) -> Self {
        Self { by_client: Arc::new(ArcSwap::from_pointee(by_client)), absent: SecretHash::of("") }
    }

    /// Replaces the hashes: the secrets of the old ones are no longer accepted.
    pub fn replace(&self, by_client: HashMap<String, Vec<SecretHash>>) {
        self.by_client.store(Arc::new(by_client));
    }

    /// Whether `secret` is one of the client's. The comparison takes the same time for a client that does not exist.
    #[must_use]
    pub fn check(&self, client_id: &str, secret: &str) -> bool {
        let by_client = self.by_client.load();
        let known = by_client.get(client_id).map_or(&[][..], Vec::as_slice);
        is_hashed(secret, known, &self.absent)
    }

    /// The ids of the clients that have `secret`. The hashes of all clients are compared.
    #[must_use]
    pub fn list_owners(&self, secret: &str) -> Vec<String> {
        let by_client = self.by_client.load();
        let owners = by_client
            .iter()
            .filter(|(_, hashes)| hashes.iter().fold(false, |is_one, hash| is_one | hash.matches(secret)));
        owners.map(|(client_id, _)| client_id.clone()).collect()
    }

    /// The id of the client whose secret is presented, in one of the ways that the credentials can be read.
    #[must_use]
    pub fn authenticate(&self, presented: &PresentedSecret<'_>) -> Option<String> {
        let mut readings = presented.readings();
        readings
            .find(|reading| self.check(&reading.client_id, &reading.secret))
            .map(|found| found.client_id.to_string())
    }
}

/// Whether `secret` is that of one of the hashes `known`. The comparison takes the same time for a client without any: it is
/// made with `absent`, the hash of no secret that anybody knows.
pub(super) fn is_hashed(secret: &str, known: &[SecretHash], absent: &SecretHash) -> bool {
    let compared = known.len().max(COMPARISONS);
    let hashes = known.iter().map(Some).chain(std::iter::repeat(None)).take(compared);
    let matches = |hash: Option<&SecretHash>| hash.unwrap_or(absent).matches(secret) & hash.is_some();
    hashes.fold(false, |is_one, hash| is_one | matches(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(client_id: &str, secrets: &[&str]) -> HashMap<String, Vec<SecretHash>> {
        HashMap::from([(client_id.to_owned(), secrets.iter().map(|secret| SecretHash::of(secret)).collect())])
    }

    #[test]
    fn each_secret_of_a_client_is_accepted_and_nothing_else() {
        let known = ClientSecrets::new(secrets("orders", &["old", "new"]));
        assert!(known.check("orders", "old") && known.check("orders", "new"));
        for (client_id, secret) in [("orders", ""), ("orders", "Old"), ("Orders", "old"), ("other", ""), ("", "")] {
            assert!(!known.check(client_id, secret), "{client_id}:{secret}");
        }
    }

    #[test]
    fn the_owners_of_a_secret_are_all_clients_that_have_it() {
        let both = [secrets("one", &["shared", "own"]), secrets("two", &["shared"])];
        let known = ClientSecrets::new(both.into_iter().flatten().collect());
        let owners = |secret: &str| {
            let mut owners = known.list_owners(secret);
            owners.sort();
            owners
        };
        assert_eq!(owners("shared"), ["one", "two"]);
        assert_eq!(owners("own"), ["one"]);
        assert!(owners("").is_empty() && owners("Own").is_empty());
    }

    #[test]
    fn a_replaced_secret_is_refused() {
        let known = ClientSecrets::new(secrets("orders", &["old"]));
        let shared = known.clone();
        known.replace(secrets("orders", &["new"]));
        assert!(shared.check("orders", "new") && !shared.check("orders", "old"));
    }
}
