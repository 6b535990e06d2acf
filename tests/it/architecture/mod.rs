//! The house rules that a compiler does not check: who may import whom (DESIGN §2), how long a file may be, and that
//! every room says what it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Room → the rooms it may import. `*` is every room but `cli` and `dev`.
const ROOMS: &[(&str, &str)] = &[
    ("domain", ""),
    ("observability", "domain"),
    ("protocol", "domain"),
    ("config", "domain"),
    ("sealing", "domain"),
    ("store", "domain"),
    ("outbound", "domain observability"),
    ("token_validation", "domain protocol outbound observability"),
    ("identity_provider", "domain protocol outbound token_validation observability"),
    ("vault", "domain store sealing observability"),
    ("pending", "domain store sealing observability"),
    ("exchange", "domain observability token_validation identity_provider vault pending store"),
    (
        "sign_in",
        "domain observability protocol identity_provider token_validation exchange vault pending store sealing",
    ),
    ("bot_connector", "domain observability protocol outbound identity_provider pending"),
    ("inbound", "domain observability protocol token_validation store"),
    ("endpoints", "domain observability protocol inbound exchange sign_in bot_connector pending outbound"),
    ("dev", "domain protocol outbound"),
    ("app", "*"),
    // `domain` beyond the table: the command line is where the system's clock and randomness are chosen.
    ("cli", "app config dev observability sealing domain"),
    ("main", "cli"),
];

/// Things that only these rooms may name, tests apart: the HTTP client, the database, the back ends.
const RESERVED: &[(&str, &str)] = &[
    ("reqwest", "outbound"),
    ("rusqlite", "store"),
    ("redis", "store"),
    ("EmbeddedStore", "store app"),
    ("RedisStore", "store app"),
    ("anyhow", "cli main"),
    ("actix_web", "app cli dev endpoints inbound"),
    ("temp_dir", "config"),
    // Wire types, and what doors say of themselves.
    ("utoipa", "protocol inbound endpoints"),
    // What an app token is asked for is never chosen by a request.
    ("configured_for", "config domain"),
];

const MAX_LINES: usize = 400;

#[test]
fn every_room_imports_only_what_it_may() {
    let doors = doors();
    let problems: Vec<String> = sources().iter().flat_map(|(path, text)| violations(path, text, &doors)).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let problems: Vec<String> = sources().iter().filter_map(|(path, text)| too_long(path, text)).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_room_says_what_it_is_and_the_library_exports_rooms_only() {
    let problems: Vec<String> = sources().iter().filter_map(|(path, text)| unsaid(path, text)).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((path.strip_prefix(&root).unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.len() > 5, "the sources were found");
    files.sort();
    files
}

/// The modules directly under `endpoints/`.
fn doors() -> BTreeSet<String> {
    let paths = sources().into_iter().map(|(path, _)| module_of(&path));
    paths.filter(|module| module.len() > 1 && module[0] == "endpoints").map(|module| module[1].clone()).collect()
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`.
fn module_of(path: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if ["mod", "lib"].contains(&module.last().unwrap().as_str()) {
        module.pop();
    }
    module
}

fn violations(path: &Path, text: &str, doors: &BTreeSet<String>) -> Vec<String> {
    let module = module_of(path);
    let Some(room) = module.first() else { return Vec::new() };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
        return vec![format!("{}: the room {room} is not in the table", path.display())];
    };
    let tokens = tokens(text);
    let mut problems = BTreeSet::new();
    for import in imports(&tokens, &module) {
        let Some(target) = import.first().filter(|target| *target != room) else {
            let door = import.get(1).filter(|door| doors.contains(*door));
            if room == "endpoints" && module.len() > 1 && door.is_some_and(|door| *door != module[1]) {
                problems.insert(format!("{}: the door {} imports {}", path.display(), module[1], import.join("::")));
            }
            continue;
        };
        let known = ROOMS.iter().any(|(name, _)| name == target);
        let may = match *allowed {
            "*" => !["cli", "dev", "main"].contains(&target.as_str()),
            allowed => allowed.split(' ').any(|name| name == target),
        };
        if known && !may {
            problems.insert(format!("{}: the room {room} may not import {}", path.display(), import.join("::")));
        }
    }
    for (name, rooms) in RESERVED.iter().filter(|_| !is_test_file(path)) {
        if tokens.iter().any(|token| token == name) && !rooms.split(' ').any(|allowed| allowed == room) {
            problems.insert(format!("{}: the room {room} may not name {name}", path.display()));
        }
    }
    problems.into_iter().collect()
}

fn is_test_file(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    stem == "tests" || stem.ends_with("_tests") || stem.starts_with("test_")
}

fn too_long(path: &Path, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_LINES && !is_test_file(path)).then(|| format!("{}: {lines} lines", path.display()))
}

fn unsaid(path: &Path, text: &str) -> Option<String> {
    let is_room = path.components().count() == 1 || path.ends_with("mod.rs") && path.components().count() == 2;
    if is_room && !text.starts_with("//! ") {
        return Some(format!("{}: no //! paragraph that says what it is", path.display()));
    }
    let exports = path == Path::new("lib.rs") && tokens(text).windows(2).any(|pair| pair == ["pub", "use"]);
    exports.then(|| format!("{}: re-exports; a room is named where it is used", path.display()))
}

/// Every path into the crate, in `use` and inline, seen from the crate's root.
fn imports(tokens: &[String], module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // Inline modules that are open, with the depth of braces they were opened at.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => {
                depth += 1;
                if at >= 2 && tokens[at - 2] == "mod" {
                    inline.push((tokens[at - 1].clone(), depth));
                }
            }
            "}" => {
                inline.retain(|(_, opened)| *opened < depth);
                depth -= 1;
            }
            "crate" | "bot_sso" | "super" if at == 0 || tokens[at - 1] != "::" => {
                let here: Vec<String> =
                    module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone())).collect();
                let base = if token == "super" { here[..here.len().saturating_sub(1)].to_vec() } else { Vec::new() };
                follow(tokens, at + 1, &base, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Follows a path from `at`, where `::` is expected, through groups; answers where it ends.
fn follow(tokens: &[String], mut at: usize, base: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = base.to_vec();
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    while token(at) == "::" {
        at += 1;
        match token(at) {
            "{" => {
                at += 1;
                while !["}", ""].contains(&token(at)) {
                    at = match token(at) {
                        "," => at + 1,
                        // `{self}`, `{super::x}` and `{name::…}` go on from here.
                        _ => follow_item(tokens, at, &path, found),
                    };
                }
                return at + 1;
            }
            "super" => {
                path.pop();
                at += 1;
            }
            "" | "*" | "<" => break,
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    found.push(path);
    at
}

/// One member of a group: read as if it stood behind `::`; an `as name` is passed over.
fn follow_item(tokens: &[String], at: usize, path: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let member = tokens[at].as_str();
    let mut base = path.to_vec();
    match member {
        "super" => drop(base.pop()),
        "self" | "*" => {}
        name => base.push(name.to_owned()),
    }
    let mut at = follow(tokens, at + 1, &base, found);
    while tokens.get(at).is_some_and(|token| !["}", ","].contains(&token.as_str())) {
        at += 1;
    }
    at
}

/// Identifiers and punctuation, without comments, strings and characters. `::` is one token.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest).or_else(|| quoted(rest)) {
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inner = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(text.len() - inner.len() + length)
}

/// A string or a character; a lifetime's apostrophe is neither.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut escaped = false;
    let mut characters = text.char_indices().skip(1);
    let end = characters.find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    let end = end.map_or(text.len(), |(at, _)| at + 1);
    let is_character = text[1..end.max(2) - 1].starts_with('\\') || text[1..end.max(2) - 1].chars().count() == 1;
    (quote == '"' || is_character).then_some(end)
}

mod scanner {
    use super::{BTreeSet, Path, module_of, too_long, unsaid, violations};

    fn found(path: &str, text: &str) -> Vec<String> {
        let doors = ["bot_gateway", "token_service"].map(str::to_owned);
        violations(Path::new(path), text, &BTreeSet::from(doors))
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
        ] {
            let problems = found("endpoints/bot_gateway.rs", text);
            let start = "endpoints/bot_gateway.rs: the room endpoints may not import vault";
            assert!(!problems.is_empty(), "{text}");
            assert!(problems.iter().all(|problem| problem.starts_with(start)), "{problems:?}");
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
        ] {
            assert_eq!(found("endpoints/bot_gateway/mod.rs", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn super_is_counted_from_the_files_depth() {
        assert_eq!(module_of(Path::new("a/b/mod.rs")), ["a", "b"]);
        assert_eq!(module_of(Path::new("a/b/c.rs")), ["a", "b", "c"]);
        assert_eq!(found("exchange/mod.rs", "use super::endpoints::X;").len(), 1);
        assert_eq!(found("exchange/engine.rs", "use super::endpoints::X;").len(), 0);
        assert_eq!(found("exchange/engine/tests.rs", "use super::super::super::endpoints::X;").len(), 1);
    }

    #[test]
    fn doors_keep_apart() {
        for text in ["use crate::endpoints::token_service::X;", "use super::token_service::X;"] {
            assert_eq!(found("endpoints/bot_gateway.rs", text).len(), 1, "{text}");
            assert_eq!(found("endpoints/mod.rs", text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(found("endpoints/bot_gateway/reply.rs", "use super::super::token_service::X;").len(), 1);
        assert_eq!(found("endpoints/bot_gateway/reply.rs", "use super::X; use crate::endpoints::Doors;").len(), 0);
    }

    #[test]
    fn reserved_names_stay_in_their_rooms() {
        assert_eq!(found("exchange/mod.rs", "use actix_web::HttpResponse;").len(), 1);
        assert_eq!(found("vault/mod.rs", "use crate::store::EmbeddedStore;").len(), 1);
        assert_eq!(found("app.rs", "use crate::store::EmbeddedStore;").len(), 0);
        assert_eq!(found("app.rs", "use crate::dev::Stage;").len(), 1);
        assert_eq!(found("endpoints/mod.rs", "fn f() { reqwest::get() }").len(), 1);
        assert_eq!(found("outbound/tests.rs", "use actix_web::App;").len(), 0, "a test may bring a server");
    }

    #[test]
    fn an_unknown_room_is_found() {
        assert_eq!(found("util.rs", ""), ["util.rs: the room util is not in the table"]);
    }

    #[test]
    fn long_files_silent_rooms_and_re_exports_are_found() {
        let long = "x\n".repeat(401);
        assert!(too_long(Path::new("vault/mod.rs"), &long).is_some());
        assert!(too_long(Path::new("vault/vault_tests.rs"), &long).is_none());
        assert!(too_long(Path::new("vault/mod.rs"), &long[2..]).is_none());
        assert!(unsaid(Path::new("vault/mod.rs"), "use x;").is_some());
        assert!(unsaid(Path::new("outbound.rs"), "use x;").is_some());
        assert!(unsaid(Path::new("vault/l1.rs"), "use x;").is_none());
        assert!(unsaid(Path::new("vault/mod.rs"), "//! What it is.\nuse x;").is_none());
        assert!(unsaid(Path::new("lib.rs"), "//! x\npub mod vault;\npub use vault::TokenVault;").is_some());
        assert!(unsaid(Path::new("lib.rs"), "//! x\npub mod vault;").is_none());
    }
}
