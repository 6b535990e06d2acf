#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Collection, Content, Kind, Lifetime, Plaintext, RecordBinding, RecordError, SealError, encode_json};
use crate::domain::{Clock as _, RecordKey, SystemClock, SystemEntropy};
use crate::records::testing::{ThrowawayRecords, throwaway_records, throwaway_replicas};
use crate::sealing::{KeyRing, Sealer};
use crate::store::Record;

const LIFETIME: Duration = Duration::from_mins(15);

/// Content in version 2. Version 1 had no colour.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Parcel {
    #[serde(default)]
    v: u8,
    text: String,
    #[serde(default)]
    colour: Option<String>,
}

impl Content for Parcel {
    const KIND: &'static Kind =
        &Kind::new("test.parcel", "records", Lifetime::Fixed(LIFETIME)).version(2).listed_by("test.parcels");

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

/// Content that is bound to a generation.
#[derive(Debug, PartialEq)]
struct Stamp {
    generation: RecordBinding,
    text: Vec<u8>,
}

impl Content for Stamp {
    const KIND: &'static Kind = &Kind::new("test.stamp", "records", Lifetime::SetByWriter).bound();

    fn binding(&self) -> RecordBinding {
        self.generation
    }

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.text.clone()))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        Some(Self { generation: plain.binding(), text: plain.bytes().to_vec() })
    }
}

fn parcel(text: &str) -> Parcel {
    Parcel { v: 2, text: text.to_owned(), colour: Some("red".to_owned()) }
}

async fn put(parcels: &Collection<Parcel>, name: &str, content: &Parcel) -> RecordKey {
    let key = parcels.key(&[name.as_bytes()]);
    parcels.put(parcels.seal(key, content).unwrap()).await.unwrap();
    key
}

async fn found(parcels: &Collection<Parcel>, key: RecordKey) -> Option<Parcel> {
    parcels.get(key).await.unwrap().map(|record| record.content)
}

/// Seals a plaintext that another version may have written, and writes it under `key`.
async fn put_plain(storage: &ThrowawayRecords, key: RecordKey, plain: &[u8]) {
    let sealed = storage.sealer.seal(&[b"test.parcel", &key.0], plain).unwrap();
    storage.overwrite(key, sealed.into()).await;
}

#[tokio::test]
async fn a_record_is_found_unchanged_until_it_expires() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let key = put(&parcels, "a", &parcel("ä\n\"")).await;
    assert_eq!(found(&parcels, key).await, Some(parcel("ä\n\"")));
    assert!(parcels.contains(key).await.unwrap());
    storage.clock.advance(LIFETIME);
    assert_eq!(found(&parcels, key).await, None);
}

#[tokio::test]
async fn keys_and_indexes_are_macs_with_the_purposes_of_the_kind() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    assert_eq!(parcels.key(&[b"a", b"bc"]), RecordKey(storage.sealer.mac("test.parcel", &[b"a", b"bc"])));
    assert_eq!(parcels.key_from_texts(&["a".into(), "bc".into()]), parcels.key(&[b"a", b"bc"]));
    assert_eq!(parcels.index(["a"]), RecordKey(storage.sealer.mac("test.parcels", &[b"a"])));
    assert_ne!(parcels.key(&[b"ab", b"c"]), parcels.key(&[b"a", b"bc"]));
}

#[tokio::test]
async fn a_record_that_was_moved_to_another_key_does_not_open() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let (one, other) = (put(&parcels, "one", &parcel("1")).await, put(&parcels, "other", &parcel("2")).await);
    let moved = storage.store.get(one).await.unwrap().unwrap();
    storage.overwrite(other, moved.clone()).await;
    assert!(matches!(parcels.get(other).await, Err(RecordError::Seal(SealError::NotAuthentic))));
    // The record does not open as a record of another kind either.
    let of_another_kind = RecordKey(storage.sealer.mac("test.stamp", &[b"one"]));
    storage.overwrite(of_another_kind, moved).await;
    assert!(Collection::<Stamp>::new(&storage.records).get(of_another_kind).await.is_err());
}

#[tokio::test]
async fn an_older_version_is_read_and_a_later_one_is_refused() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let key = parcels.key(&[b"a"]);
    put_plain(&storage, key, br#"{"text":"old"}"#).await;
    assert_eq!(found(&parcels, key).await, Some(Parcel { v: 0, text: "old".to_owned(), colour: None }));
    for plain in [&br#"{"v":3,"text":"later"}"#[..], br#"{"v":256,"text":"much later"}"#, b"[]", b"", b"nonsense"] {
        put_plain(&storage, key, plain).await;
        let refused = parcels.get(key).await.unwrap_err();
        assert!(matches!(refused, RecordError::Unreadable { purpose: "test.parcel" }), "{refused}");
    }
}

#[tokio::test]
async fn take_gives_a_record_to_one_caller_and_removes_an_unreadable_record() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let key = put(&parcels, "a", &parcel("1")).await;
    let takers = (0..8).map(|_| parcels.take(key));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count(), 1);
    put_plain(&storage, key, b"nonsense").await;
    assert!(parcels.take(key).await.is_err());
    assert_eq!(parcels.take(key).await.unwrap(), None);
}

#[tokio::test]
async fn over_a_shared_store_take_gives_a_record_to_one_replica_and_leaves_an_unreadable_one() {
    let shared = throwaway_replicas(3).await;
    let parcels: Vec<_> = shared.replicas.iter().map(Collection::<Parcel>::new).collect();
    let key = put(&parcels[0], "a", &parcel("1")).await;
    let taken = futures_util::future::join_all(parcels.iter().map(|parcels| parcels.take(key))).await;
    assert_eq!(taken.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count(), 1);

    let key = put(&parcels[0], "b", &parcel("2")).await;
    let strangers_keys = Arc::new(Sealer::new(
        KeyRing::generate(&SystemClock, &SystemEntropy).rotated(&SystemClock, &SystemEntropy),
        Arc::new(SystemEntropy),
    ));
    let sealed = strangers_keys.seal(&[], b"by a newer key").unwrap();
    let record = Record {
        value: sealed.into(),
        expires_at: shared.clock.now().plus(Duration::from_hours(1)),
        index: None,
        mark: None,
    };
    shared.replicas[0].store.put(key, record).await.unwrap();
    let refused = parcels[1].take(key).await.unwrap_err();
    assert!(refused.to_string().contains("key 2"), "{refused}");
    assert!(parcels[1].contains(key).await.unwrap(), "a replica that has the key takes it");
}

#[tokio::test]
async fn a_record_is_replaced_or_removed_only_if_it_is_unchanged() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let key = parcels.key(&[b"a"]);
    let seal = |text| parcels.seal(key, &parcel(text)).unwrap();
    assert!(parcels.put_if_absent(seal("first")).await.unwrap().is_none());
    let first = parcels.put_if_absent(seal("late")).await.unwrap().unwrap();
    assert_eq!(first.content, parcel("first"));
    assert!(parcels.compare_and_put(Some(first.stored.clone()), seal("second")).await.unwrap());
    assert!(!parcels.compare_and_put(Some(first.stored.clone()), seal("third")).await.unwrap());
    assert!(!parcels.compare_and_put(None, seal("third")).await.unwrap());
    assert!(!parcels.remove_if_unchanged(first.stored).await.unwrap());
    let second = parcels.get(key).await.unwrap().unwrap();
    assert_eq!(second.content, parcel("second"));
    assert!(parcels.remove_if_unchanged(second.stored.clone()).await.unwrap());
    assert_eq!(found(&parcels, key).await, None);
    assert!(!parcels.remove_if_unchanged(second.stored.clone()).await.unwrap());
    let again = second.stored.with_expiry(storage.clock.now().plus(Duration::from_mins(1)));
    assert!(parcels.compare_and_put(None, again).await.unwrap());
    assert_eq!(found(&parcels, key).await, Some(parcel("second")));
    parcels.remove(vec![key, parcels.key(&[b"never"])]).await.unwrap();
    assert_eq!(found(&parcels, key).await, None);
}

#[tokio::test]
async fn an_index_lists_its_records_except_removed_ones() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let index = parcels.index(["alice"]);
    for name in ["one", "two", "three"] {
        let key = parcels.key(&[name.as_bytes()]);
        parcels.put(parcels.seal(key, &parcel(name)).unwrap().listed_by(index)).await.unwrap();
    }
    put(&parcels, "in no index", &parcel("x")).await;
    let three = parcels.get(parcels.key(&[b"three"])).await.unwrap().unwrap();
    parcels.remove_if_unchanged(three.stored).await.unwrap();
    let mut listed = parcels.members(index).await.unwrap();
    listed.sort_by_key(|stored| stored.key() != parcels.key(&[b"one"]));
    let texts: Vec<_> = listed.iter().map(|stored| parcels.open(stored).unwrap().text).collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(parcels.members(parcels.index(["bob"])).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_binding_precedes_the_sealed_bytes_and_the_seal_covers_it() {
    let storage = throwaway_records();
    let stamps = Collection::<Stamp>::new(&storage.records);
    let key = stamps.key(&[b"a"]);
    let stamp = Stamp { generation: [7; 8], text: b"text".to_vec() };
    let ends = storage.clock.now().plus(Duration::from_mins(1));
    stamps.put(stamps.seal_until(key, &stamp, ends).unwrap()).await.unwrap();
    assert_eq!(stamps.get(key).await.unwrap().unwrap().content, stamp);
    let mut bytes = storage.store.get(key).await.unwrap().unwrap().to_vec();
    assert_eq!(bytes[..8], [7; 8]);
    bytes[7] ^= 1;
    storage.overwrite(key, bytes.into()).await;
    assert!(matches!(stamps.get(key).await, Err(RecordError::Seal(SealError::NotAuthentic))));
    storage.overwrite(key, vec![1, 2, 3].into()).await;
    assert!(matches!(stamps.get(key).await, Err(RecordError::Unreadable { purpose: "test.stamp" })));
}

#[tokio::test]
async fn old_records_stay_readable_after_a_rotation_and_the_error_names_a_missing_key() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let before_rotation = Collection::<Parcel>::new(&storage.reopened());
    let old = put(&parcels, "old", &parcel("old")).await;
    storage.rotate_keys();
    let new = put(&parcels, "new", &parcel("new")).await;
    let after = Collection::<Parcel>::new(&storage.reopened());
    for key in [old, new] {
        assert!(found(&after, key).await.is_some());
    }
    assert!(found(&before_rotation, old).await.is_some());
    assert!(matches!(before_rotation.get(new).await, Err(RecordError::Seal(SealError::UnknownKey { key_id: 2 }))));
}

#[tokio::test]
async fn keys_that_expire_soon_are_listed_unless_there_are_too_many() {
    let storage = throwaway_records();
    let parcels = Collection::<Parcel>::new(&storage.records);
    let (one, index) = (parcels.key(&[b"one"]), parcels.index(["alice"]));
    parcels.put(parcels.seal(one, &parcel("1")).unwrap().listed_by(index)).await.unwrap();
    let two = put(&parcels, "two", &parcel("2")).await;
    let soon = storage.clock.now().plus(LIFETIME);
    let names = storage.records.list_keys_expiring_by(soon, 2).await.unwrap().unwrap();
    assert_eq!(names, [one, two, index].into());
    assert_eq!(storage.records.list_keys_expiring_by(soon, 1).await.unwrap(), None);
    assert!(storage.records.list_keys_expiring_by(storage.clock.now(), 2).await.unwrap().unwrap().is_empty());
}
