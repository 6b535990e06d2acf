//! The rule that public types of different rooms have different names.

use std::collections::{BTreeMap, BTreeSet};

use super::source_tree::SourceTree;
use super::tokens::{Token, closing};

const KINDS: [&str; 5] = ["struct", "enum", "union", "trait", "type"];

/// Lists public type names that more than one room declares, and entries of `exceptions`, each with its reason, that are no
/// longer needed. Tests are exempt.
pub fn shared_type_names(tree: &SourceTree, exceptions: &[(&str, &str)]) -> Vec<String> {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in tree.src() {
        let Some(room) = file.module().first().cloned() else { continue };
        for name in public_types(&file.production) {
            rooms.entry(name).or_default().insert(room.clone());
        }
    }
    let is_shared = |name: &str| exceptions.iter().any(|(shared, _)| *shared == name);
    let clashes = rooms.iter().filter(|(name, rooms)| rooms.len() > 1 && !is_shared(name));
    let names_of = |rooms: &BTreeSet<String>| rooms.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut problems: Vec<String> =
        clashes.map(|(name, rooms)| format!("{name} is a type of {}", names_of(rooms))).collect();
    let unused = exceptions.iter().filter(|(name, _)| rooms.get(*name).is_none_or(|rooms| rooms.len() < 2));
    problems.extend(unused.map(|(name, _)| format!("{name} is on the list of shared names, but is not shared")));
    problems
}

/// The types that are `pub` or `pub(crate)`. A type that is `pub(super)` or `pub(in …)` is visible in its own room
/// only.
pub fn public_types(tokens: &[Token]) -> Vec<String> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let starts = (0..tokens.len()).filter(|at| text(*at) == "pub");
    let names = starts.filter_map(|at| {
        let is_restricted = text(at + 1) == "(";
        if is_restricted && text(at + 2) != "crate" {
            return None;
        }
        let mut at = if is_restricted { closing(tokens, at + 1) + 1 } else { at + 1 };
        if ["unsafe", "auto"].contains(&text(at)) {
            at += 1;
        }
        KINDS.contains(&text(at)).then(|| text(at + 1).to_owned())
    });
    names.collect()
}
