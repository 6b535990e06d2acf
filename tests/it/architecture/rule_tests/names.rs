//! Names of types.

use super::super::type_names::{public_types, shared_type_names};
use super::{assert_fine, assert_one, tree};

fn found(vault: &str, exchange: &str) -> Vec<String> {
    shared_type_names(&tree(&[("src/vault/mod.rs", vault), ("src/exchange/engine.rs", exchange)]), &[])
}

#[test]
fn a_public_type_name_of_two_rooms_is_found_whatever_it_is() {
    for text in [
        "pub struct Kept;",
        "pub enum Kept<'a> {}",
        "pub trait Kept: Send {}",
        "pub type Kept = u8;",
        "pub(crate) struct Kept(u8);",
        "pub unsafe trait Kept {}",
        "/// Doc.\n#[derive(Debug)]\npub struct Kept {}",
    ] {
        assert_one(&found(text, "pub struct Kept;"), "Kept is a type of exchange, vault", text);
    }
}

#[test]
fn names_that_stay_in_a_room_or_belong_to_tests_pass() {
    for text in [
        "struct Kept;",
        "pub(super) struct Kept;",
        "pub(in crate::vault) enum Kept {}",
        "#[cfg(test)] pub struct Kept;",
        "#[cfg(test)] mod tests { pub struct Kept; }",
        "pub use crate::exchange::Kept; pub struct KeptToken; pub fn kept(kept: Kept) {}",
        "impl X for Y { type Kept = u8; } // pub struct Kept;",
    ] {
        assert_fine(&found(text, "pub struct Kept;"), text);
    }
    let same_room = [("src/vault/a.rs", "pub struct Kept;"), ("src/vault/b.rs", "pub struct Kept;")];
    assert_fine(&shared_type_names(&tree(&same_room), &[]), "one room");
    let tests = [("src/vault/a.rs", "pub struct Kept;"), ("src/store/testing/b.rs", "pub struct Kept;")];
    assert_fine(&shared_type_names(&tree(&tests), &[]), "a helper of tests");
}

#[test]
fn an_exception_is_made_for_a_listed_name_as_long_as_it_is_needed() {
    let shared = [("src/vault/a.rs", "pub struct Kept;"), ("src/exchange/b.rs", "pub struct Kept;")];
    let exceptions = [("Kept", "for a reason")];
    assert_fine(&shared_type_names(&tree(&shared), &exceptions), "a listed name");
    let problems = shared_type_names(&tree(&shared[..1]), &exceptions);
    assert_one(&problems, "Kept is on the list of shared names, but is not shared", "one room");
}

#[test]
fn every_public_type_is_counted_once() {
    let tokens = super::super::tokens::scan("pub struct A { pub b: B } pub(crate) enum C { D } pub fn e() {}").tokens;
    assert_eq!(public_types(&tokens), ["A", "C"]);
}
