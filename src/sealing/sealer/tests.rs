#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use proptest::prelude::*;

use crate::domain::{SystemClock, SystemEntropy};
use crate::sealing::{KeyRing, KeyRingError, SealError, Sealer};

fn ring() -> KeyRing {
    KeyRing::generate(&SystemClock, &SystemEntropy)
}

fn sealer(ring: &KeyRing) -> Sealer {
    Sealer::new(ring.clone(), Arc::new(SystemEntropy))
}

fn rotated(ring: &KeyRing) -> KeyRing {
    ring.rotated(&SystemClock, &SystemEntropy)
}

#[test]
fn an_envelope_opens_only_with_the_same_associated_parts() {
    let sealer = sealer(&ring());
    let envelope = sealer.seal(&[b"a", b"bc"], b"secret").unwrap();
    assert_eq!(sealer.open(&[b"a", b"bc"], &envelope).unwrap().as_slice(), b"secret");
    for other in [&[b"ab".as_slice(), b"c"][..], &[b"abc"], &[b"bc", b"a"], &[b"a", b"bc", b""], &[]] {
        assert_eq!(sealer.open(other, &envelope).unwrap_err(), SealError::NotAuthentic);
    }
    assert!(!envelope.windows(6).any(|window| window == b"secret"));
    assert_ne!(envelope, sealer.seal(&[b"a", b"bc"], b"secret").unwrap(), "each envelope has its own nonce");
}

#[test]
fn an_envelope_stands_behind_its_head() {
    let sealer = sealer(&ring());
    let record = sealer.seal_behind(b"head", &[b"a"], b"secret").unwrap();
    let (head, envelope) = record.split_at(4);
    assert_eq!(head, b"head");
    assert_eq!(sealer.open(&[b"a"], envelope).unwrap().as_slice(), b"secret");
    assert_eq!(record.len(), record.capacity(), "the buffer has never grown");
}

#[test]
fn after_a_rotation_old_envelopes_open_and_new_ones_use_the_new_key() {
    let old_ring = ring();
    let sealer = sealer(&old_ring);
    let old = sealer.seal(&[b"k"], b"old").unwrap();
    let name = sealer.mac("record", &[b"x"]);

    let new_ring = rotated(&old_ring);
    assert_eq!(new_ring.active_key_id(), old_ring.active_key_id() + 1);
    sealer.replace(new_ring).unwrap();
    let new = sealer.seal(&[b"k"], b"new").unwrap();
    assert_eq!(sealer.open(&[b"k"], &old).unwrap().as_slice(), b"old");
    assert_eq!(sealer.open(&[b"k"], &new).unwrap().as_slice(), b"new");
    assert_eq!(sealer.mac("record", &[b"x"]), name, "a rotation does not change names");

    let before_rotation = self::sealer(&old_ring);
    assert_eq!(before_rotation.open(&[b"k"], &new).unwrap_err(), SealError::UnknownKey { key_id: 2 });
    assert!(SealError::UnknownKey { key_id: 2 }.to_string().contains("key 2"));
}

#[test]
fn replace_refuses_a_key_ring_that_lacks_a_key() {
    let first = ring();
    let second = rotated(&first);
    let sealer = sealer(&second);
    let envelope = sealer.seal(&[], b"x").unwrap();
    assert!(matches!(sealer.replace(first.clone()), Err(KeyRingError::LostKey { key_id: 2 })));
    assert!(
        matches!(sealer.replace(rotated(&first)), Err(KeyRingError::LostKey { key_id: 2 })),
        "the key has the same id but other material"
    );
    assert!(matches!(sealer.replace(ring()), Err(KeyRingError::OtherNamingKey)));
    assert_eq!(sealer.open(&[], &envelope).unwrap().as_slice(), b"x", "the current key ring stays");
    sealer.replace(second).unwrap();
}

#[test]
fn macs_differ_by_key_purpose_and_boundaries_of_parts() {
    let sealer = sealer(&ring());
    let mac = sealer.mac("a", &[b"bc", b"d"]);
    assert_eq!(mac, sealer.mac("a", &[b"bc", b"d"]));
    for other in [sealer.mac("b", &[b"bc", b"d"]), sealer.mac("a", &[b"b", b"cd"]), sealer.mac("a", &[b"bcd"])] {
        assert_ne!(mac, other);
    }
    assert_ne!(mac, sealer.mac("a", &[b"bc", b"d", b""]));
    assert_ne!(mac, self::sealer(&ring()).mac("a", &[b"bc", b"d"]));
}

#[test]
fn debug_output_contains_no_secret() {
    let ring = ring();
    let printed = format!("{ring:?} {:?}", sealer(&ring));
    assert_eq!(printed, "KeyRing { active: 1, .. } Sealer(..)");
}

proptest! {
    #[test]
    fn an_altered_envelope_never_opens(plaintext in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let sealer = sealer(&ring());
        let mut envelope = sealer.seal(&[b"place"], &plaintext).unwrap();
        let at = at.index(envelope.len());
        envelope[at] ^= flip;
        prop_assert!(sealer.open(&[b"place"], &envelope).is_err());
    }

    #[test]
    fn a_cut_or_lengthened_envelope_never_opens(plaintext in proptest::collection::vec(any::<u8>(), 0..64), cut in any::<prop::sample::Index>(), tail in proptest::collection::vec(any::<u8>(), 1..20)) {
        let sealer = sealer(&ring());
        let envelope = sealer.seal(&[], &plaintext).unwrap();
        prop_assert!(sealer.open(&[], &envelope[..cut.index(envelope.len())]).is_err());
        prop_assert!(sealer.open(&[], &[envelope.as_slice(), &tail].concat()).is_err());
    }

    #[test]
    fn open_refuses_arbitrary_bytes_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(sealer(&ring()).open(&[], &bytes).is_err());
    }
}
