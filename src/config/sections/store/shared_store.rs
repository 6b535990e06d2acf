use std::path::PathBuf;
use std::time::Duration;

use crate::config::review::{Place, Review, SecretReference};
use crate::domain::Secret;

/// The schemes of a store's address, for messages.
const SCHEMES: &str = "redis://, rediss://, redis+sentinel://, redis+cluster:// or redis+unix://";
/// The name of the keys of one installation, if the configuration writes none.
const DEFAULT_PREFIX: &str = "bot-sso:";
/// The longest prefix. It stands in front of every key, so it takes memory a million times.
const MAX_PREFIX_BYTES: usize = 64;

/// A store on a server, which any number of replicas use at the same time.
#[derive(Clone, Debug)]
pub struct SharedStoreSection {
    /// The address. It contains neither a user nor a password.
    pub url: String,
    /// The user of the server's access control list, if there is one.
    pub user: Option<String>,
    /// The password of the user, or of the server.
    pub password: Option<Secret>,
    /// Stands before the name of every key.
    pub prefix: String,
    /// The file of the certificate authorities that sign the server's certificate; `None` for those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether the server may keep the records in memory only.
    pub allow_volatile: bool,
    /// The number of the server's own replicas that must have a write before it counts as kept.
    pub wait_replicas: u32,
    /// How long after its last answer the store is trusted to have told every change.
    pub l1_trust: Duration,
    /// How much longer tokens in memory are used while the store is silent.
    pub l1_grace: Duration,
}

/// The keys of a store on a server, as they are written.
#[derive(Default)]
pub(super) struct RawSharedStore {
    pub(super) url: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretReference>,
    pub(super) prefix: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) allow_volatile: Option<bool>,
    pub(super) wait_replicas: Option<u64>,
    pub(super) l1_trust_ms: Option<u64>,
    pub(super) l1_grace_s: Option<u64>,
}

impl RawSharedStore {
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<SharedStoreSection> {
        let url = validate_url(self.url, review, &place.key("url"));
        let password = match &self.password {
            Some(reference) => Some(review.secret(reference, &place.key("password"))?),
            None => None,
        };
        if self.user.is_some() && password.is_none() {
            let message =
                "has no password: write password = { env = \"NAME\" } or { file = \"/path\" }, or leave user out";
            review.report(&place.key("user"), message.to_owned());
        }
        let prefix = validate_prefix(self.prefix, review, &place.key("prefix"));
        let wait_replicas = review.number(self.wait_replicas, 0, &(0..=16), &place.key("wait_replicas"));
        let l1_trust = review.number(self.l1_trust_ms, 1000, &(200..=10_000), &place.key("l1_trust_ms"));
        let l1_grace = review.number(self.l1_grace_s, 30, &(0..=3600), &place.key("l1_grace_s"));
        let ca_at = place.key("ca_file");
        if let Some(file) = &self.ca_file {
            review.public_file(file, &ca_at)?;
        }
        Some(SharedStoreSection {
            url: url?,
            user: self.user,
            password,
            prefix: prefix?,
            ca_file: self.ca_file.map(|file| review.resolve(&file)),
            allow_volatile: self.allow_volatile.unwrap_or(false),
            wait_replicas: u32::try_from(wait_replicas?).ok()?,
            l1_trust: Duration::from_millis(l1_trust?),
            l1_grace: Duration::from_secs(l1_grace?),
        })
    }
}

/// The store at `url` with the defaults of all other keys.
pub(in crate::config) fn validate_shared_store_at(
    url: String,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<SharedStoreSection> {
    RawSharedStore { url, ..RawSharedStore::default() }.validate(review, place)
}

/// Checks what can be told without the back end, which reads the rest of the address.
fn validate_url(url: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        review.report(place, format!("is no address of a store: write {SCHEMES}"));
        return None;
    };
    if !matches!(
        scheme,
        "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster" | "rediss+cluster" | "redis+unix"
    ) {
        review.report(place, format!("begins with {scheme:?}: write {SCHEMES}"));
        return None;
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        let message = "has a user or a password, which are never written into an address: write the keys user and \
                       password, and leave out what stands before the @";
        review.report(place, message.to_owned());
        return None;
    }
    if rest.is_empty() {
        review.report(place, "names no server: write its host after the //".to_owned());
        return None;
    }
    Some(url)
}

fn validate_prefix(prefix: Option<String>, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let prefix = prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
    let is_good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
    if prefix.is_empty() || prefix.len() > MAX_PREFIX_BYTES || !prefix.bytes().all(is_good) {
        let message = format!(
            "is no prefix of keys: write 1 to {MAX_PREFIX_BYTES} letters, digits or signs without braces and spaces"
        );
        review.report(place, message);
        return None;
    }
    Some(prefix)
}
