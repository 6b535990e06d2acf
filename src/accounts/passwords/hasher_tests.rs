#![allow(clippy::unwrap_used)]
use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::argon2_hash::verify;
use super::decoy_hashes::DecoyHashes;
use super::{HashParameters, HasherBusy, PasswordHasher};
use crate::domain::{Secret, SystemEntropy};

fn hasher(memory_kib: u32) -> PasswordHasher {
    PasswordHasher::start(HashParameters { memory_kib, passes: 1 }, Arc::new(SystemEntropy))
}

#[tokio::test]
async fn a_password_is_right_for_its_own_hash_alone_and_for_no_user() {
    let (hasher, right) = (hasher(8), Secret::from("correct horse"));
    let hash = hasher.hash(&right).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
    assert_ne!(hasher.hash(&right).await.unwrap(), hash, "each hash has a salt of its own");
    for (password, is_right) in [("correct horse", true), ("correct horses", false), ("", false)] {
        assert_eq!(hasher.check(&Secret::from(password), &hash).await.unwrap(), is_right, "{password}");
    }
    assert!(!hasher.check_decoy(&right, &["nobody"]).await.unwrap());
}

#[tokio::test]
async fn a_hash_with_other_parameters_is_checked_by_its_own_and_is_outdated() {
    let (older, newer, password) = (hasher(8), hasher(16), Secret::from("correct horse"));
    let hash = older.hash(&password).await.unwrap();
    assert!(newer.check(&password, &hash).await.unwrap());
    assert!(newer.is_outdated(&hash) && !older.is_outdated(&hash));
    assert!(older.is_outdated("no hash"));
    assert!(older.is_outdated(&hash.replacen("argon2id", "argon2i", 1)));
}

#[test]
fn a_hash_that_is_malformed_of_another_algorithm_or_absurdly_expensive_is_not_checked() {
    let parameters = HashParameters { memory_kib: 8, passes: 1 };
    let hash = parameters.hash("correct horse", &SystemEntropy).unwrap();
    assert_eq!(verify("correct horse", &hash), Some(true));
    for (from, to) in [
        ("m=8", "m=1048577"),
        ("m=8", "m=4294967295"),
        ("t=1", "t=65"),
        ("p=1", "p=17"),
        ("argon2id", "argon2i"),
        ("v=19", "v=16"),
        ("$argon2id", ""),
    ] {
        assert_eq!(verify("correct horse", &hash.replacen(from, to, 1)), None, "{to}");
    }
}

#[tokio::test]
async fn no_more_than_64_callers_wait_and_those_that_went_away_leave_their_places() {
    let (hasher, password) = (hasher(8 * 1024), Secret::from("correct horse"));
    let hash = HashParameters { memory_kib: 8 * 1024, passes: 1 }.draw_hash(&SystemEntropy).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut checks: Vec<_> = (0..400).map(|_| Box::pin(hasher.check(&password, &hash))).collect();
    let mut busy = 0;
    for check in &mut checks {
        busy += usize::from(matches!(check.as_mut().poll(&mut context), Poll::Ready(Err(HasherBusy))));
    }
    assert!(busy > 0, "none of 400 callers was refused");
    assert!(400 - busy >= 64, "only {} callers waited", 400 - busy);
    drop(checks);
    assert!(!hasher.check(&password, &hash).await.unwrap());
}

#[tokio::test]
async fn the_threads_end_with_the_hasher() {
    let hasher = hasher(8);
    hasher.hash(&Secret::from("correct horse")).await.unwrap();
    let threads = hasher.watch_threads();
    drop(hasher.clone());
    assert!(threads.strong_count() > 0);
    drop(hasher);
    // Hangs if a thread stays.
    while threads.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_login_without_a_user_has_the_parameters_of_some_user_and_keeps_them() {
    let parameters = |memory_kib| HashParameters { memory_kib, passes: 1 };
    let decoys = DecoyHashes::new(parameters(16), &SystemEntropy);
    let cost = |number: usize| HashParameters::of_hash(&decoys.choose(&["shop", &number.to_string()])).unwrap();
    assert!((0..100).all(|number| cost(number) == parameters(16)), "no user has others");
    for _ in 0..3 {
        decoys.note(parameters(8), &SystemEntropy);
    }
    let costs: Vec<_> = (0..100).map(cost).collect();
    let older = costs.iter().filter(|cost| **cost == parameters(8)).count();
    assert!((10..=90).contains(&older), "{older} of 100 logins have the older parameters");
    assert_eq!(costs, (0..100).map(cost).collect::<Vec<_>>());
    assert_eq!(HashParameters::of_hash(&decoys.present()), Some(parameters(16)));
}

#[tokio::test]
async fn the_parameters_of_a_users_hash_are_remembered_for_logins_without_a_user() {
    let (older, newer, password) = (hasher(8), hasher(16), Secret::from("correct horse"));
    let hash = older.hash(&password).await.unwrap();
    let are_older =
        |hasher: &PasswordHasher| hasher.decoy_costs(100).contains(&HashParameters { memory_kib: 8, passes: 1 });
    assert!(!are_older(&newer));
    newer.check(&password, &hash).await.unwrap();
    assert!(are_older(&newer));
}
