#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use proptest::prelude::*;

use super::{KeyRing, KeyRingError};
use crate::domain::{SystemClock, SystemEntropy};
use crate::sealing::{Sealer, key_text};

fn ring() -> KeyRing {
    KeyRing::generate(&SystemClock, &SystemEntropy).rotated(&SystemClock, &SystemEntropy)
}

fn problem(text: &str) -> String {
    key_text::parse(text).unwrap_err().to_string()
}

#[test]
fn parse_reads_what_write_writes() {
    let ring = ring();
    let text = key_text::write(&ring);
    let again = key_text::parse(text.expose()).unwrap();
    again.check_can_replace(&ring).unwrap();
    ring.check_can_replace(&again).unwrap();
    assert_eq!(again.active_key_id(), 2);
    assert_eq!(key_text::write(&again).expose(), text.expose());
}

#[test]
fn a_prepared_key_opens_and_seals_only_after_the_next_rotation() {
    let ring = KeyRing::generate(&SystemClock, &SystemEntropy);
    let prepared = ring.with_prepared_key(&SystemClock, &SystemEntropy);
    assert_eq!(prepared.active_key_id(), 1);
    let again = key_text::parse(key_text::write(&prepared).expose()).unwrap();
    assert_eq!((again.active_key_id(), again.sealing_keys().count()), (1, 2));
    assert!(again.with_prepared_key(&SystemClock, &SystemEntropy).check_can_replace(&again).is_ok());

    let rotated = again.rotated(&SystemClock, &SystemEntropy);
    assert_eq!((rotated.active_key_id(), rotated.sealing_keys().count()), (2, 2));
    let sealer = |ring: &KeyRing| Sealer::new(ring.clone(), Arc::new(SystemEntropy));
    let by_new_key = sealer(&rotated).seal(&[], b"token").unwrap();
    assert_eq!(*sealer(&again).open(&[], &by_new_key).unwrap(), b"token", "a replica that has not rotated yet");
    assert!(sealer(&ring).open(&[], &by_new_key).is_err());
}

#[test]
fn the_key_with_the_greatest_id_is_active_in_any_order() {
    let one = format!("version = 1\nnaming_key = \"{0}\"\n{1}{2}", b64(1), entry(7), entry(3));
    assert_eq!(key_text::parse(&one).unwrap().active_key_id(), 7);
}

fn b64(byte: u8) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode([byte; 32])
}

fn entry(id: u8) -> String {
    format!("[[sealing_key]]\nid = {id}\ncreated = \"2026-11-21T10:00:00Z\"\nmaterial = \"{}\"\n", b64(id))
}

#[test]
fn parse_names_each_problem_without_quoting_the_text() {
    let head = format!("version = 1\nnaming_key = \"{}\"\n", b64(1));
    let good = format!("{head}{}", entry(1));
    key_text::parse(&good).unwrap();
    let cases = [
        (String::new(), "`version` must be 1"),
        (good.replace("version = 1", "version = 2"), "`version` must be 1"),
        (head.clone(), "at least one [[sealing_key]]"),
        (format!("{head}sealing_key = []"), "at least one [[sealing_key]]"),
        (format!("{head}sealing_key = [4]"), "list of tables"),
        (good.replace("naming_key", "nameing_key"), "`naming_key` must be 32 bytes"),
        (good.replace(&b64(1)[..4], "AAE="), "32 bytes in base64"),
        (good.replace("id = 1", "id = 0"), "`id` of sealing key number 1"),
        (good.replace("id = 1", "id = 4294967295"), "`id` of sealing key number 1"),
        (good.replace("2026-11-21T10", "yesterday"), "`created` of sealing key number 1"),
        (format!("{good}{}", entry(1)), "the same id"),
        (format!("{good}extra = 1"), "an unknown member of sealing key number 1"),
        (format!("{good}prepared = true\n"), "at least one [[sealing_key]] that seals"),
        (format!("{good}prepared = true\n{}", entry(2)), "only the newest sealing key may be prepared"),
        (format!("{good}prepared = 1\n"), "`prepared` of sealing key number 1"),
        (format!("hunter2 = 1\n{good}"), "an unknown member"),
        (format!("{good}\nhunter2 hunter2"), "line 8 is not TOML"),
    ];
    for (text, expected) in cases {
        let message = problem(&text);
        assert!(message.contains(expected), "{message} / {expected}");
        assert!(!message.contains("hunter2") && !message.contains(&b64(1)[4..20]), "{message}");
    }
}

#[test]
fn create_file_writes_a_private_file_and_never_overwrites_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let ring = ring();
    ring.create_file(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    KeyRing::load(&path).unwrap().check_can_replace(&ring).unwrap();
    assert!(matches!(self::ring().create_file(&path), Err(KeyRingError::Exists { .. })));
    KeyRing::load(&path).unwrap().check_can_replace(&ring).unwrap();
}

#[test]
fn load_refuses_a_file_that_other_users_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    ring().create_file(&path).unwrap();
    for mode in [0o644, 0o604, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = KeyRing::load(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    assert!(matches!(KeyRing::load(&folder.path().join("none")), Err(KeyRingError::File { .. })));
}

#[test]
fn replace_file_replaces_the_whole_file_and_keeps_it_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let ring = ring();
    ring.create_file(&path).unwrap();
    fs::write(folder.path().join("keys.toml.new"), "left by an interrupted replacement").unwrap();
    let next = ring.rotated(&SystemClock, &SystemEntropy);
    next.replace_file(&path).unwrap();
    assert_eq!(KeyRing::load(&path).unwrap().active_key_id(), 3);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left in the folder");
}

proptest! {
    #[test]
    fn parse_refuses_arbitrary_text_without_a_panic(text in ".{0,300}") {
        prop_assert!(key_text::parse(&text).is_err());
    }

    #[test]
    fn parse_never_quotes_a_key_of_a_damaged_text(cut in any::<prop::sample::Index>(), insert in "[\\[\\]\"=\\n a-z0-9]{0,6}") {
        let ring = ring();
        let text = key_text::write(&ring);
        let text = text.expose();
        let at = cut.index(text.len());
        let damaged = format!("{}{insert}{}", &text[..at], &text[(at + 3).min(text.len())..]);
        if let Err(error) = key_text::parse(&damaged) {
            let message = error.to_string();
            for line in text.lines().filter_map(|line| line.split('"').nth(1)).filter(|value| value.len() == 44) {
                prop_assert!(!message.contains(&line[..20]));
            }
        }
    }
}
