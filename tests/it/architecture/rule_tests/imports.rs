//! The import table, doors, and reserved names.

use super::super::resolver::Resolver;
use super::super::rooms::{ImportRules, Table, meaningless_module_names, reserved_names};
use super::super::tables;
use super::{assert_fine, assert_one, tree};

const ROOMS: &Table = tables::ROOMS;

fn import_rules(rooms: &Table) -> ImportRules<'_> {
    ImportRules { rooms, rooms_of_tests: &[("endpoints", "vault")], sub_rooms: &[] }
}

/// Checks the imports of one file in a tree of a few rooms and doors.
fn found(path: &str, text: &str) -> Vec<String> {
    let others = [
        ("src/endpoints/mod.rs", ""),
        ("src/endpoints/token_service/mod.rs", ""),
        ("src/vault/mod.rs", "mod pins; pub use pins::Pin; pub struct TokenVault;"),
        ("src/vault/pins.rs", "pub struct Pin;"),
        ("src/exchange/mod.rs", "pub use crate::vault::{Pin as Thing, TokenVault}; pub struct Outcome;"),
    ];
    let mut files: Vec<(&str, &str)> = others.into_iter().filter(|(other, _)| *other != path).collect();
    files.push((path, text));
    import_rules(ROOMS).forbidden_imports(&Resolver::new(&tree(&files)))
}

#[test]
fn an_import_against_the_arrows_is_found_in_every_spelling() {
    for text in [
        "use crate::vault::TokenVault;",
        "use crate::{domain::Bot, vault};",
        "use crate::{domain::{Bot, Secret}, vault::{self, TokenVault as V}};",
        "use crate::{\n    // why\n    protocol::Activity,\n    vault::*,\n};",
        "fn f() { let x = crate::vault::open(); }",
        "fn f(x: &'a crate::vault::TokenVault) -> char { '\\'' }",
        "use super::super::vault::TokenVault;",
        "use super::super::{domain, vault};",
        "mod tests { use super::super::super::vault::X; }",
        "mod tests { mod inner { } use super::super::{super::vault::X}; }",
        "pub use crate::vault as strongbox;",
        "fn f() { bot_sso::vault::open() }",
        "macro_rules! m { () => { $crate::vault::X } }",
        "use ::bot_sso::vault::X;",
        "fn f(x: Option<crate::vault::X>) {}",
        "use crate as root; fn f() { root::vault::open() }",
        "use super::super as root; fn f() { root::vault::open() }",
    ] {
        let problems = found("src/endpoints/bot_gateway.rs", text);
        let problems: Vec<String> =
            problems.into_iter().filter(|problem| !problem.ends_with("imports the root of the crate")).collect();
        let start = "endpoints/bot_gateway.rs: the room endpoints may not import vault";
        assert!(!problems.is_empty(), "{text}");
        assert!(problems.iter().all(|problem| problem.starts_with(start)), "{text} {problems:?}");
    }
}

#[test]
fn what_another_room_exports_again_is_still_an_import_of_where_it_is_declared() {
    let start = "endpoints/bot_gateway.rs: the room endpoints may not import exchange::";
    for text in ["use crate::exchange::Thing;", "use crate::exchange; fn f(x: exchange::TokenVault) {}"] {
        assert_one(&found("src/endpoints/bot_gateway.rs", text), start, text);
    }
    assert_fine(&found("src/endpoints/bot_gateway.rs", "use crate::exchange::Outcome;"), "its own");
}

#[test]
fn everything_at_once_is_no_import() {
    for text in ["use crate::*;", "use super::super::*;"] {
        assert_one(&found("src/endpoints/bot_gateway.rs", text), "endpoints/bot_gateway.rs: imports the root", text);
    }
}

#[test]
fn what_is_allowed_or_only_looks_like_an_import_is_not_found() {
    for text in [
        "use crate::{domain::Bot, exchange::{self, Outcome}, protocol};",
        "use super::table::reply; use std::collections::vault;",
        "// use crate::vault::TokenVault;\n/* crate::vault */\n/// [`crate::vault`]\nfn f() {}",
        "const S: &str = \"crate::vault\"; const R: &str = r#\"crate::vault \" crate::store\"#;",
        "pub(crate) fn f<'crate_vault>() {} pub(in crate::endpoints) fn g() {}",
        "mod tests { use super::*; use super::super::table; } use super::table;",
        "fn f() { let vault = '\"'; } // \" crate::vault",
        "use vault::Client; fn f() { vault::seal() }",
        "impl X { const fn f() -> impl Sized + use<'_> { crate::domain::bot() } }",
    ] {
        assert_fine(&found("src/endpoints/bot_gateway/mod.rs", text), text);
    }
}

#[test]
fn super_is_counted_from_the_depth_of_the_file() {
    let count = |path, text| found(path, text).len();
    assert_eq!(count("src/exchange/mod.rs", "use super::endpoints::X;"), 1);
    assert_eq!(count("src/exchange/engine.rs", "use super::endpoints::X;"), 0);
    assert_eq!(count("src/exchange/engine/mod.rs", "use super::super::endpoints::X;"), 1);
    assert_eq!(count("src/exchange/engine/tests.rs", "use super::super::super::endpoints::X;"), 1);
}

#[test]
fn doors_keep_apart() {
    let start = "endpoints/bot_gateway.rs: the door bot_gateway imports endpoints::token_service::X";
    for text in [
        "use crate::endpoints::token_service::X;",
        "use super::token_service::X;",
        "use super::*; fn f() { token_service::X; }",
    ] {
        assert_one(&found("src/endpoints/bot_gateway.rs", text), start, text);
        assert_fine(
            &found("src/endpoints/mod.rs", text).into_iter().filter(|p| !p.contains("root")).collect::<Vec<_>>(),
            text,
        );
    }
    let path = "src/endpoints/bot_gateway/reply.rs";
    assert_eq!(found(path, "use super::super::token_service::X;").len(), 1);
    assert_fine(&found(path, "use super::X; use crate::endpoints::Doors;"), "itself, and what all doors share");
}

#[test]
fn tests_may_import_what_is_listed_for_them_only() {
    let text = "use crate::vault::X;";
    assert_fine(&found("src/endpoints/bot_gateway/tests.rs", text), text);
    assert_eq!(found("src/endpoints/bot_gateway.rs", text).len(), 1);
    let inline = format!("#[cfg(test)] mod tests {{ {text} }}");
    assert_fine(&found("src/endpoints/bot_gateway.rs", &inline), &inline);
    assert_eq!(found("src/endpoints/bot_gateway/tests.rs", "use crate::store::X; use crate::config::Y;").len(), 2);
}

#[test]
fn a_room_that_is_not_in_the_table_is_found() {
    assert_one(&found("src/attic.rs", ""), "attic.rs: the room attic is not in the table", "");
    assert_fine(&found("src/lib.rs", "pub mod attic;"), "the root is no room");
}

#[test]
fn the_table_only_goes_down_and_the_core_gets_no_wire_type() {
    let problems = |rooms: &Table| import_rules(rooms).upward_rows();
    assert_fine(&problems(&[("a", ""), ("b", "a"), ("c", "a b")]), "downwards");
    assert_one(&problems(&[("a", "b"), ("b", "")]), "a: b does not stand above", "upwards");
    assert_one(&problems(&[("a", "a")]), "a: a does not stand above", "itself");
    assert_one(&problems(&[("protocol", ""), ("vault", "protocol")]), "vault: the core knows", "a wire type");
}

fn named(path: &str, text: &str) -> Vec<String> {
    reserved_names(&Resolver::new(&tree(&[(path, text)])))
}

#[test]
fn reserved_names_stay_in_their_rooms_in_every_spelling() {
    for (path, text, name) in [
        ("exchange/mod.rs", "use actix_web::HttpResponse;", "actix_web"),
        ("records/mod.rs", "use ::actix_web as web;", "actix_web"),
        ("endpoints/mod.rs", "fn f() { reqwest::get() }", "reqwest"),
        ("vault/mod.rs", "use rusqlite::Connection;", "rusqlite"),
        ("dev/mod.rs", "fn f() -> anyhow::Result<()> {}", "anyhow"),
        ("exchange/mod.rs", "fn f() { scope.configured_for(x) }", "configured_for"),
        ("dev/mod.rs", "fn f() { std::env::var(\"X\") }", "std::env::var"),
        ("dev/mod.rs", "use std::env; fn f() { env::var(\"X\") }", "std::env::var"),
        ("dev/mod.rs", "use std::env::var; fn f() { var(\"X\") }", "std::env::var"),
        ("dev/mod.rs", "use std::{env::{self as e}}; fn f() { e::vars_os() }", "std::env::vars_os"),
        ("dev/mod.rs", "use std::env::*; fn f() { home_dir() }", "std::env::home_dir"),
        ("dev/mod.rs", "fn f() { ::std::env::home_dir() }", "std::env::home_dir"),
        ("vault/l1.rs", "use std::time::SystemTime; fn f() { SystemTime::now() }", "std::time::SystemTime::now"),
        ("vault/l1.rs", "use std::time::SystemTime as Wall; fn f() { Wall::now() }", "std::time::SystemTime::now"),
        ("vault/l1.rs", "use std::time::*; fn f() { Instant::now() }", "std::time::Instant::now"),
        ("vault/l1.rs", "use std::time::Instant; const F: Now = Instant::now;", "std::time::Instant::now"),
        ("vault/l1.rs", "use std as s; fn f() { s::time::Instant::now() }", "std::time::Instant::now"),
        (
            "domain/token.rs",
            "use time::OffsetDateTime; fn f() { OffsetDateTime::now_utc() }",
            "time::OffsetDateTime::now_utc",
        ),
        ("domain/clock.rs", "use uuid::Uuid; fn f() { Uuid::new_v4() }", "uuid::Uuid::new_v4"),
        ("dev/keys.rs", "use aws_lc_rs::{digest, rand::SystemRandom};", "aws_lc_rs::rand"),
        ("dev/keys.rs", "fn f() { rand::random() }", "rand::"),
        ("dev/keys.rs", "use getrandom::fill;", "getrandom"),
    ] {
        let room = path.split('/').next().unwrap();
        let expected = format!("{path}: the room {room} may not name {name}");
        assert_one(&named(&format!("src/{path}"), text), &expected, text);
    }
}

#[test]
fn reserved_names_pass_where_they_belong_and_in_tests() {
    for (path, text) in [
        ("outbound/mod.rs", "use reqwest::Client;"),
        ("outbound/tests.rs", "use actix_web::App;"),
        ("vault/l1.rs", "#[cfg(test)] mod tests { use actix_web::App; fn f() { std::env::var(\"X\") } }"),
        ("vault/l1.rs", "use tokio::time::Instant; fn f() { Instant::now() }"),
        (
            "vault/l1.rs",
            "use std::time::{Duration, Instant}; fn f(at: Instant) -> SystemTime { SystemTime::UNIX_EPOCH }",
        ),
        ("vault/l1.rs", "use crate::domain::Clock; fn f() { clock.now(); operand::now(); my::rand::fill() }"),
        ("vault/l1.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\"); // std::env::var, reqwest"),
        ("cli/mod.rs", "fn f() { std::env::args() }"),
        ("domain/clock.rs", "fn f() { std::time::SystemTime::now() }"),
        ("domain/entropy.rs", "fn f() { aws_lc_rs::rand::fill(b) }"),
        ("config/environment.rs", "fn f() { std::env::vars_os(); std::env::temp_dir() }"),
    ] {
        assert_fine(&named(&format!("src/{path}"), text), text);
    }
}

#[test]
fn only_the_store_and_app_say_which_store_it_is() {
    for text in [
        "use crate::store::EmbeddedStore;",
        "fn redis_url() {}",
        "use redis::Client;",
        "struct S { is_embedded: bool }",
    ] {
        assert_eq!(named("src/vault/mod.rs", text).len(), 1, "{text}");
        assert_fine(&named("src/app/mod.rs", text), text);
        assert_fine(&named("src/store/embedded/mod.rs", text), text);
    }
    assert_fine(&named("src/vault/mod.rs", "// beside the embedded store\nconst S: &str = \"redis\";"), "prose");
}

#[test]
fn modules_whose_names_say_nothing_are_found() {
    for (path, text) in [
        ("src/vault/util.rs", ""),
        ("src/common/mod.rs", ""),
        ("src/vault/helpers/pins.rs", ""),
        ("src/vault/l1.rs", "mod misc { }"),
        ("src/vault/string_utils.rs", ""),
        ("src/vault/token_manager.rs", ""),
        ("tests/it/helpers.rs", ""),
    ] {
        assert_eq!(meaningless_module_names(&tree(&[(path, text)])).len(), 1, "{path} {text}");
    }
    for (path, text) in [
        ("src/vault/common_name.rs", "// mod util"),
        ("src/vault/l1.rs", "use std::util; mod utility_bills {}"),
        ("tests/it/harness/mod.rs", "mod manager_tests;"),
    ] {
        assert_fine(&meaningless_module_names(&tree(&[(path, text)])), path);
    }
}
