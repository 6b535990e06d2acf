#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{DirectoryKeyRing, DirectoryKeys};
use crate::domain::{ClockAndEntropy, Directory, SystemEntropy};
use crate::records::Records;
use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};
use crate::token_issuer::directory::testing::TestDirectory;

async fn open(beneath: &ThrowawayReplicas, records: &Records, directory: &Directory) -> DirectoryKeyRing {
    let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    DirectoryKeyRing::open(records, ambient, &[directory]).await.unwrap()
}

fn kids(keys: &DirectoryKeys) -> Vec<String> {
    keys.public_keys().into_iter().map(|key| key.kid).collect()
}

#[tokio::test]
async fn replicas_that_start_at_the_same_time_agree_on_the_keys() {
    let (beneath, directory) = (throwaway_replicas(3).await, TestDirectory::new().directory);
    let rings = join_all(beneath.replicas.iter().map(|records| open(&beneath, records, &directory))).await;
    let keys: Vec<_> = rings.iter().map(|ring| ring.find(&directory.tenant).unwrap()).collect();
    assert_eq!(keys.iter().map(|keys| kids(keys)).collect::<HashSet<_>>().len(), 1);
    assert_eq!(keys.iter().map(|keys| keys.mac("a", &[b"b"])).collect::<HashSet<_>>().len(), 1);
}

#[tokio::test]
async fn a_key_that_one_replica_makes_is_published_by_the_other_before_either_signs_with_it() {
    let (beneath, directory) = (throwaway_replicas(2).await, TestDirectory::new().directory);
    let rings = join_all(beneath.replicas.iter().map(|records| open(&beneath, records, &directory))).await;
    let keys_of = |replica: usize| rings[replica].find(&directory.tenant).unwrap();
    let first = kids(&keys_of(0));
    beneath.clock.advance(Duration::from_secs(directory.signing_key_lifetime_seconds));
    let made = Cell::new(0);
    for ring in &rings {
        ring.rotate(|_| made.set(made.get() + 1)).await.unwrap();
    }
    assert_eq!(made.get(), 1, "one replica makes the key");
    let both = kids(&keys_of(0));
    assert_eq!((both.len(), &both[1]), (2, &first[0]));
    while kids(&keys_of(1)) != both {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for replica in 0..2 {
        assert_eq!(keys_of(replica).signing_key().kid(), first[0], "it is only published");
    }
    beneath.clock.advance(Duration::from_secs(4));
    for replica in 0..2 {
        assert_eq!(keys_of(replica).signing_key().kid(), both[0]);
    }
    let signature = keys_of(0).signing_key().sign("message").unwrap();
    assert!(keys_of(1).is_signed(&both[0], b"message", &signature));
    let late = open(&beneath, &beneath.replicas[1], &directory).await;
    assert_eq!(kids(&late.find(&directory.tenant).unwrap()), both);
}

#[tokio::test]
async fn replicas_that_replace_a_key_at_once_make_one() {
    let (beneath, directory) = (throwaway_replicas(2).await, TestDirectory::new().directory);
    let rings = join_all(beneath.replicas.iter().map(|records| open(&beneath, records, &directory))).await;
    beneath.clock.advance(Duration::from_secs(directory.signing_key_lifetime_seconds));
    let made = Cell::new(0);
    let count = |_: &_| made.set(made.get() + 1);
    let (one, other) = tokio::join!(rings[0].rotate(count), rings[1].rotate(count));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(made.get(), 1);
    while kids(&rings[0].find(&directory.tenant).unwrap()) != kids(&rings[1].find(&directory.tenant).unwrap()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
