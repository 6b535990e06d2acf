#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Collection, Content, Kind, Life, Plaintext, RecordBinding, RecordError, SealError, encode_json};
use crate::domain::Clock as _;
use crate::domain::RecordKey;
use crate::records::testing::{ThrowawayRecords, throwaway_records};

const LIFETIME: Duration = Duration::from_mins(15);

/// In its second version, which has a colour.
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
        &Kind::new("test.parcel", "records", Life::Fixed(LIFETIME)).version(2).listed_by("test.parcels");

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

/// Bound to a generation.
#[derive(Debug, PartialEq)]
struct Stamp {
    generation: RecordBinding,
    text: Vec<u8>,
}

impl Content for Stamp {
    const KIND: &'static Kind = &Kind::new("test.stamp", "records", Life::SetByWriter).bound();

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

/// Seals what another version may have written, and puts it under `key`.
async fn put_plain(beneath: &ThrowawayRecords, key: RecordKey, plain: &[u8]) {
    let sealed = beneath.sealer.seal(&[b"test.parcel", &key.0], plain).unwrap();
    beneath.overwrite(key, sealed.into()).await;
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_put_until_its_life_ends() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let key = put(&parcels, "a", &parcel("ä\n\"")).await;
    assert_eq!(found(&parcels, key).await, Some(parcel("ä\n\"")));
    assert!(parcels.contains(key).await.unwrap());
    beneath.clock.advance(LIFETIME);
    assert_eq!(found(&parcels, key).await, None);
}

#[tokio::test]
async fn keys_and_indexes_are_macs_under_the_purposes_that_the_kind_states() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    assert_eq!(parcels.key(&[b"a", b"bc"]), RecordKey(beneath.sealer.mac("test.parcel", &[b"a", b"bc"])));
    assert_eq!(parcels.key_of(&["a".into(), "bc".into()]), parcels.key(&[b"a", b"bc"]));
    assert_eq!(parcels.index(["a"]), RecordKey(beneath.sealer.mac("test.parcels", &[b"a"])));
    assert_ne!(parcels.key(&[b"ab", b"c"]), parcels.key(&[b"a", b"bc"]));
}

#[tokio::test]
async fn a_record_in_another_place_does_not_open() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let (one, other) = (put(&parcels, "one", &parcel("1")).await, put(&parcels, "other", &parcel("2")).await);
    let moved = beneath.store.get(one).await.unwrap().unwrap();
    beneath.overwrite(other, moved.clone()).await;
    assert!(matches!(parcels.get(other).await, Err(RecordError::Seal(SealError::NotAuthentic))));
    // Nor under its own key as a record of another kind.
    let of_another_kind = RecordKey(beneath.sealer.mac("test.stamp", &[b"one"]));
    beneath.overwrite(of_another_kind, moved).await;
    assert!(Collection::<Stamp>::new(&beneath.records).get(of_another_kind).await.is_err());
}

#[tokio::test]
async fn an_older_version_is_read_and_a_later_one_is_refused() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let key = parcels.key(&[b"a"]);
    put_plain(&beneath, key, br#"{"text":"old"}"#).await;
    assert_eq!(found(&parcels, key).await, Some(Parcel { v: 0, text: "old".to_owned(), colour: None }));
    for plain in [&br#"{"v":3,"text":"later"}"#[..], br#"{"v":256,"text":"much later"}"#, b"[]", b"", b"nonsense"] {
        put_plain(&beneath, key, plain).await;
        let refused = parcels.get(key).await.unwrap_err();
        assert!(matches!(refused, RecordError::Unreadable { purpose: "test.parcel" }), "{refused}");
    }
}

#[tokio::test]
async fn of_many_takers_one_gets_the_record_and_an_unreadable_one_is_gone_with_the_first() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let key = put(&parcels, "a", &parcel("1")).await;
    let takers = (0..8).map(|_| parcels.take(key));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count(), 1);
    put_plain(&beneath, key, b"nonsense").await;
    assert!(parcels.take(key).await.is_err());
    assert_eq!(parcels.take(key).await.unwrap(), None);
}

#[tokio::test]
async fn a_record_is_replaced_or_ended_only_while_it_is_the_one_that_was_read() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let key = parcels.key(&[b"a"]);
    let seal = |text| parcels.seal(key, &parcel(text)).unwrap();
    assert!(parcels.put_if_absent(seal("first")).await.unwrap().is_none());
    let first = parcels.put_if_absent(seal("late")).await.unwrap().unwrap();
    assert_eq!(first.content, parcel("first"));
    assert!(parcels.compare_and_put(Some(first.stored.clone()), seal("second")).await.unwrap());
    assert!(!parcels.compare_and_put(Some(first.stored.clone()), seal("third")).await.unwrap());
    assert!(!parcels.compare_and_put(None, seal("third")).await.unwrap());
    assert!(!parcels.end(first.stored).await.unwrap());
    let second = parcels.get(key).await.unwrap().unwrap();
    assert_eq!(second.content, parcel("second"));
    assert!(parcels.end(second.stored.clone()).await.unwrap());
    assert_eq!(found(&parcels, key).await, None);
    assert!(!parcels.end(second.stored.clone()).await.unwrap());
    let again = second.stored.again_until(beneath.clock.now().plus(Duration::from_mins(1)));
    assert!(parcels.compare_and_put(None, again).await.unwrap());
    assert_eq!(found(&parcels, key).await, Some(parcel("second")));
    parcels.remove(vec![key, parcels.key(&[b"never"])]).await.unwrap();
    assert_eq!(found(&parcels, key).await, None);
}

#[tokio::test]
async fn an_index_lists_its_records_and_no_ended_one() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let index = parcels.index(["alice"]);
    for name in ["one", "two", "three"] {
        let key = parcels.key(&[name.as_bytes()]);
        parcels.put(parcels.seal(key, &parcel(name)).unwrap().listed_by(index)).await.unwrap();
    }
    put(&parcels, "in no index", &parcel("x")).await;
    let three = parcels.get(parcels.key(&[b"three"])).await.unwrap().unwrap();
    parcels.end(three.stored).await.unwrap();
    let mut listed = parcels.members(index).await.unwrap();
    listed.sort_by_key(|stored| stored.key() != parcels.key(&[b"one"]));
    let texts: Vec<_> = listed.iter().map(|stored| parcels.open(stored).unwrap().text).collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(parcels.members(parcels.index(["bob"])).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_binding_stands_in_front_and_the_seal_covers_it() {
    let beneath = throwaway_records();
    let stamps = Collection::<Stamp>::new(&beneath.records);
    let key = stamps.key(&[b"a"]);
    let stamp = Stamp { generation: [7; 8], text: b"text".to_vec() };
    let ends = beneath.clock.now().plus(Duration::from_mins(1));
    stamps.put(stamps.seal_until(key, &stamp, ends).unwrap()).await.unwrap();
    assert_eq!(stamps.get(key).await.unwrap().unwrap().content, stamp);
    let mut bytes = beneath.store.get(key).await.unwrap().unwrap().to_vec();
    assert_eq!(bytes[..8], [7; 8]);
    bytes[7] ^= 1;
    beneath.overwrite(key, bytes.into()).await;
    assert!(matches!(stamps.get(key).await, Err(RecordError::Seal(SealError::NotAuthentic))));
    beneath.overwrite(key, vec![1, 2, 3].into()).await;
    assert!(matches!(stamps.get(key).await, Err(RecordError::Unreadable { purpose: "test.stamp" })));
}

#[tokio::test]
async fn a_rotation_keeps_old_records_readable_and_a_lost_key_is_named() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let behind = Collection::<Parcel>::new(&beneath.reopened());
    let old = put(&parcels, "old", &parcel("old")).await;
    beneath.rotate_keys();
    let new = put(&parcels, "new", &parcel("new")).await;
    let after = Collection::<Parcel>::new(&beneath.reopened());
    for key in [old, new] {
        assert!(found(&after, key).await.is_some());
    }
    assert!(found(&behind, old).await.is_some());
    assert!(matches!(behind.get(new).await, Err(RecordError::Seal(SealError::UnknownKey { key_id: 2 }))));
}

#[tokio::test]
async fn the_names_of_what_ends_soon_are_listed_unless_they_are_too_many() {
    let beneath = throwaway_records();
    let parcels = Collection::<Parcel>::new(&beneath.records);
    let (one, index) = (parcels.key(&[b"one"]), parcels.index(["alice"]));
    parcels.put(parcels.seal(one, &parcel("1")).unwrap().listed_by(index)).await.unwrap();
    let two = put(&parcels, "two", &parcel("2")).await;
    let soon = beneath.clock.now().plus(LIFETIME);
    let names = beneath.records.names_ending_by(soon, 2).await.unwrap().unwrap();
    assert_eq!(names, [one, two, index].into());
    assert_eq!(beneath.records.names_ending_by(soon, 1).await.unwrap(), None);
    assert!(beneath.records.names_ending_by(beneath.clock.now(), 2).await.unwrap().unwrap().is_empty());
}

#[test]
fn a_store_that_others_write_to_gives_no_proof_of_a_single_writer() {
    let beneath = throwaway_records();
    assert!(beneath.records.single_writer().is_some());
    let shared = crate::records::testing::GatedStore::shared_with_others(beneath.store.clone());
    let records = super::Records::new(shared, beneath.sealer.clone(), beneath.shared_clock.clone());
    assert!(records.single_writer().is_none());
}
