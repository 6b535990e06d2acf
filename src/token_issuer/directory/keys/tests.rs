#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::key_records::PUBLISHED_AFTER_REPLACEMENT;
use super::{DirectoryKeyRing, DirectoryKeys};
use crate::domain::{Directory, TenantId};
use crate::token_issuer::directory::testing::TestDirectory;

fn kids(keys: &DirectoryKeys) -> Vec<String> {
    keys.public_keys().into_iter().map(|key| key.kid).collect()
}

fn keys_of(ring: &DirectoryKeyRing, directory: &Directory) -> Arc<DirectoryKeys> {
    ring.find(&directory.tenant).unwrap()
}

#[tokio::test]
async fn the_keys_of_a_directory_are_its_own_and_outlive_a_restart() {
    let test = TestDirectory::new();
    let (first, again) = (test.open_keys().await, test.open_keys().await);
    let (one, other) = (keys_of(&first, &test.directory), keys_of(&first, &test.other));
    let reread = keys_of(&again, &test.directory);
    assert_eq!(kids(&one), kids(&reread));
    assert_ne!(kids(&one), kids(&other));
    assert_eq!(one.mac("a", &[b"b"]), reread.mac("a", &[b"b"]));
    assert_ne!(one.mac("a", &[b"b"]), other.mac("a", &[b"b"]));
    assert!(first.find(&TenantId::new("unknown")).is_none());
}

#[tokio::test]
async fn the_boundaries_between_the_parts_of_a_mac_count() {
    let test = TestDirectory::new();
    let keys = keys_of(&test.open_keys().await, &test.directory);
    let macs = [
        keys.mac("cookie", &[b"ab", b"c"]),
        keys.mac("cookie", &[b"a", b"bc"]),
        keys.mac("cookie", &[b"abc"]),
        keys.mac("cookie", &[b"ab", b"c", b""]),
        keys.mac("form", &[b"ab", b"c"]),
        keys.mac("cookieab", &[b"c"]),
    ];
    assert_eq!(macs.iter().collect::<HashSet<_>>().len(), macs.len());
    assert_eq!(keys.mac("cookie", &[b"ab", b"c"]), macs[0]);
}

#[tokio::test]
async fn a_key_is_replaced_at_its_age_and_stays_published_for_a_day() {
    let test = TestDirectory::new();
    let ring = test.open_keys().await;
    let (first, cookie) = (kids(&keys_of(&ring, &test.directory)), keys_of(&ring, &test.directory).mac("m", &[]));
    let lifetime = Duration::from_secs(test.directory.signing_key_lifetime_seconds);
    test.storage.clock.advance(lifetime.saturating_sub(Duration::from_mins(1)));
    ring.rotate(|_| {}).await.unwrap();
    assert_eq!(kids(&keys_of(&ring, &test.directory)), first, "a minute before its age");

    test.storage.clock.advance(Duration::from_mins(1));
    ring.rotate(|_| {}).await.unwrap();
    let both = kids(&keys_of(&ring, &test.directory));
    assert_eq!(both.len(), 2);
    assert_eq!(both[1], first[0], "the previous key comes second");
    ring.rotate(|_| {}).await.unwrap();
    assert_eq!(kids(&keys_of(&ring, &test.directory)), both, "nothing is to be done twice");

    test.storage.clock.advance(PUBLISHED_AFTER_REPLACEMENT.saturating_sub(Duration::from_mins(1)));
    ring.rotate(|_| {}).await.unwrap();
    assert_eq!(kids(&keys_of(&ring, &test.directory)), both);
    test.storage.clock.advance(Duration::from_mins(2));
    ring.rotate(|_| {}).await.unwrap();
    assert_eq!(kids(&keys_of(&ring, &test.directory)), both[..1]);
    assert_eq!(kids(&keys_of(&test.open_keys().await, &test.directory)), both[..1], "after a restart");
    assert_eq!(keys_of(&ring, &test.directory).mac("m", &[]), cookie, "the key of cookies is never replaced");
}

#[tokio::test]
async fn a_clock_that_is_set_back_replaces_no_key() {
    let test = TestDirectory::new();
    test.storage.clock.advance(Duration::from_hours(365 * 24));
    let ring = test.open_keys().await;
    let first = kids(&keys_of(&ring, &test.directory));
    test.storage.clock.set_back(Duration::from_hours(365 * 24));
    for _ in 0..3 {
        ring.rotate(|_| {}).await.unwrap();
    }
    assert_eq!(kids(&keys_of(&ring, &test.directory)), first);
}
