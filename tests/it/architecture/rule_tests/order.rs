//! The order of the parts of a room.

use super::super::resolver::Resolver;
use super::super::rooms::ImportRules;
use super::{assert_fine, assert_one, tree};

/// Checks one file in a room with the order `low < left right < high`.
fn found(path: &str, text: &str) -> Vec<String> {
    let mut files = vec![
        ("src/config/mod.rs", "mod low; mod left; mod right; mod high; pub use high::High; pub struct Own;"),
        ("src/config/low.rs", ""),
        ("src/config/left/mod.rs", ""),
        ("src/config/right/mod.rs", ""),
        ("src/config/high/mod.rs", "mod deep; pub use deep::Deep; pub struct High;"),
        ("src/config/high/deep.rs", "pub struct Deep;"),
        ("src/domain/mod.rs", ""),
    ];
    files.retain(|(other, _)| *other != path);
    files.push((path, text));
    let import_rules =
        ImportRules { rooms: &[], rooms_of_tests: &[], sub_rooms: &[("config", "low < left right < high < later")] };
    import_rules.out_of_order_imports(&Resolver::new(&tree(&files)))
}

#[test]
fn an_import_of_a_part_that_is_not_below_is_found() {
    for (path, text, expected) in [
        ("src/config/low.rs", "use super::left::X;", "config/low.rs: low may not import config::left::X"),
        ("src/config/low.rs", "use super::High;", "config/low.rs: low may not import config::High"),
        ("src/config/low.rs", "use super::*; fn f(x: High) {}", "config/low.rs: low may not import config::high"),
        (
            "src/config/low.rs",
            "fn f() { crate::config::high::Deep }",
            "config/low.rs: low may not import config::high::Deep",
        ),
        ("src/config/left/mod.rs", "use super::right;", "config/left/mod.rs: left may not import config::right"),
        ("src/config/left/x.rs", "use super::super::high::X;", "config/left/x.rs: left may not import config::high::X"),
        ("src/config/attic.rs", "", "config: attic has no place in its order"),
    ] {
        assert_one(&found(path, text), expected, text);
    }
}

#[test]
fn an_import_of_a_part_below_passes_and_so_do_tests_and_the_room_itself() {
    for (path, text) in [
        ("src/config/high/mod.rs", "mod deep; use super::low::X; use super::{left, right}; use deep::Deep;"),
        ("src/config/high/deep.rs", "use super::High; use crate::config::left::X;"),
        ("src/config/left/mod.rs", "use super::low; use super::Own; use crate::domain::high::X;"),
        ("src/config/low.rs", "#[cfg(test)] mod tests { use super::super::high::X; }"),
        ("src/config/low_tests.rs", "use super::high::X;"),
        ("src/domain/anything.rs", "use super::other::X;"),
    ] {
        assert_fine(&found(path, text), text);
    }
}
