//! Circles between the files of a room.

use super::super::circles::circles;
use super::super::resolver::Resolver;
use super::{assert_fine, assert_one, tree};

fn found(files: &[(&str, &str)]) -> Vec<String> {
    circles(&Resolver::new(&tree(files)))
}

/// Checks a room in which `tokens.rs` imports `pins.rs`.
fn with_pins(room: &str, pins: &str) -> Vec<String> {
    let tokens = "use super::pins::Pin; pub struct Vault;";
    found(&[("src/vault/mod.rs", room), ("src/vault/tokens.rs", tokens), ("src/vault/pins.rs", pins)])
}

const ROOM: &str = "mod pins; mod tokens; pub use tokens::Vault; use tokens as kept; pub struct Own;";

#[test]
fn two_files_that_import_each_other_are_found_in_every_spelling() {
    for pins in [
        "use super::tokens::Vault;",
        "use crate::vault::tokens::Vault;",
        "fn f() -> super::tokens::Vault {}",
        "use super::{Own, tokens::{self}};",
        "use super::super::vault::tokens;",
        // Through re-exports and aliases of `mod.rs`.
        "use super::Vault;",
        "use crate::vault::{Own, Vault as V};",
        "fn f() -> crate::vault::Vault {}",
        "use super::kept;",
        "use super::kept::Vault;",
        "use super::*; fn f(x: Vault) {}",
        "use super::*; fn f(x: tokens::Vault) {}",
        "use super as room; fn f(x: room::Vault) {}",
        "use crate::vault; fn f(x: vault::Vault) {}",
        "mod inner { use super::super::Vault; }",
        "mod inner { use super::super::tokens::*; }",
    ] {
        let expected =
            "2 files: vault/pins.rs, vault/tokens.rs; for instance vault/pins.rs → vault/tokens.rs → vault/pins.rs";
        assert_one(&with_pins(ROOM, pins), expected, pins);
    }
    let globs = "mod pins; mod tokens; pub use tokens::*;";
    assert_eq!(with_pins(globs, "use super::Vault;").len(), 1, "over a glob of mod.rs");
}

#[test]
fn what_only_looks_like_a_circle_passes() {
    for pins in [
        "use super::Own;",
        "use super::*; fn f(x: Own) {}",
        "// use super::tokens::Vault;\nuse crate::domain::tokens::Vault;",
        "#[cfg(test)] mod tests { use super::super::tokens::Vault; }",
        "const S: &str = \"super::tokens::Vault\";",
        "use tokens::Vault; fn f(tokens: u8, vault: Vault) {}",
        "pub(in crate::vault) struct Pin;",
    ] {
        assert_fine(&with_pins(ROOM, pins), pins);
    }
}

#[test]
fn longer_circles_are_found_whole_and_once() {
    let room = ("src/dev/mod.rs", "mod a; mod b; mod c; mod d; pub use c::C;");
    let files = [
        room,
        ("src/dev/a.rs", "use super::b::inner::B;"),
        ("src/dev/b/mod.rs", "pub mod inner;"),
        ("src/dev/b/inner.rs", "use crate::dev::C;"),
        ("src/dev/c.rs", "use super::a;"),
        ("src/dev/d.rs", "use super::{a, b, c};"),
    ];
    let expected =
        "3 files: dev/a.rs, dev/b/inner.rs, dev/c.rs; for instance dev/a.rs → dev/b/inner.rs → dev/c.rs → dev/a.rs";
    assert_one(&found(&files), expected, "three");
}

#[test]
fn a_folder_and_what_lies_in_it_are_one_thing() {
    let files = [
        ("src/vault/mod.rs", "mod pins; pub use pins::Pin; pub struct Own; fn f() { pins::open() }"),
        ("src/vault/pins/mod.rs", "mod store; use store::X; use super::Own;"),
        ("src/vault/pins/store.rs", "use super::Pin; use super::super::Own;"),
    ];
    assert_fine(&found(&files), "parents and children");
    let rooms = [("src/vault/mod.rs", "use crate::store::X;"), ("src/store/mod.rs", "use crate::vault::X;")];
    assert_fine(&found(&rooms), "rooms are held by the table");
}

#[test]
fn tests_that_import_each_other_are_found_and_tests_that_look_up_are_not() {
    let helpers = |other: &str| {
        found(&[
            ("src/vault/mod.rs", "mod tokens; #[cfg(test)] mod testing;"),
            ("src/vault/tokens.rs", "#[cfg(test)] mod tests { use super::super::testing::a; }"),
            ("src/vault/testing/mod.rs", "pub mod a; pub mod b;"),
            ("src/vault/testing/a.rs", "use super::b; use super::super::tokens;"),
            ("src/vault/testing/b.rs", other),
        ])
    };
    assert_fine(&helpers("use super::super::tokens;"), "looking up");
    assert_eq!(helpers("use super::a;").len(), 1);
}
