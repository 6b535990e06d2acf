//! Rules on imports between rooms, between doors and between sub-rooms, and on reserved names.

use std::collections::BTreeSet;

use super::resolver::{Reference, Resolver};
use super::source_tree::SourceTree;
use super::tables::{CORE, MEANINGLESS_NAMES, RESERVED, RESERVED_WORDS};
use super::tokens::Token;

/// Pairs of a room and a list of names in one string.
pub type Table = [(&'static str, &'static str)];

/// The import tables; `tables` says what each of them means.
pub struct ImportRules<'a> {
    pub rooms: &'a Table,
    pub rooms_of_tests: &'a Table,
    pub sub_rooms: &'a Table,
}

impl ImportRules<'_> {
    /// Lists imports that the table does not allow, imports between doors, and rooms that the table does not know.
    pub fn forbidden_imports(&self, resolver: &Resolver) -> Vec<String> {
        let mut problems = BTreeSet::new();
        for (index, file) in resolver.files.iter().enumerate() {
            let module = file.module();
            let Some(room) = module.first() else { continue };
            if row(self.rooms, room).is_none() {
                problems.insert(format!("{}: the room {room} is not in the table", file.name()));
                continue;
            }
            let own = resolver.own_references(index);
            for reference in resolver.references(index) {
                let is_test = file.is_test_code() || !own.contains(&reference);
                let Reference { path, owner } = reference;
                let declared_in = resolver.files[owner].module();
                let shown = path.join("::");
                if path.is_empty() {
                    problems.insert(format!("{}: imports the root of the crate", file.name()));
                }
                let named_in = path.first().into_iter();
                // A re-export inside of the same room is listed at the file that re-exports.
                let behind = declared_in.first().filter(|_| path.first() != Some(room));
                if named_in.chain(behind).any(|target| !self.may_import(room, target, is_test)) {
                    problems.insert(format!("{}: the room {room} may not import {shown}", file.name()));
                }
                if is_other_door(resolver, &module, &path) || is_other_door(resolver, &module, &declared_in) {
                    problems.insert(format!("{}: the door {} imports {shown}", file.name(), module[1]));
                }
            }
        }
        problems.into_iter().collect()
    }

    fn may_import(&self, room: &str, target: &str, is_test: bool) -> bool {
        let is_known = row(self.rooms, target).is_some();
        let is_named = |table: &Table| row(table, room).is_some_and(|allowed| allowed.split(' ').any(|a| a == target));
        target == room || !is_known || is_named(self.rooms) || is_test && is_named(self.rooms_of_tests)
    }

    /// Lists rows of the table that allow a room that is not above them, or that allow the core HTTP or wire types.
    pub fn upward_rows(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut above = BTreeSet::new();
        for (room, allowed) in self.rooms {
            for name in allowed.split(' ').filter(|name| !name.is_empty()) {
                if !above.contains(name) {
                    problems.push(format!("{room}: {name} does not stand above it"));
                }
                if CORE.contains(room) && ["protocol", "inbound", "outbound"].contains(&name) {
                    problems.push(format!("{room}: the core knows no HTTP and no wire type, but may import {name}"));
                }
            }
            above.insert(*room);
        }
        problems
    }

    /// Lists imports against the order of sub-rooms, and parts that the order does not know. Tests are exempt.
    pub fn out_of_order_imports(&self, resolver: &Resolver) -> Vec<String> {
        let mut problems = BTreeSet::new();
        for (index, file) in resolver.files.iter().enumerate().filter(|(_, file)| !file.is_test_code()) {
            let module = file.module();
            let [room, part, ..] = module.as_slice() else { continue };
            let Some(order) = row(self.sub_rooms, room) else { continue };
            let Some(own_layer) = layer(order, part) else {
                problems.insert(format!("{room}: {part} has no place in its order"));
                continue;
            };
            for Reference { path, owner } in resolver.own_references(index) {
                let declared_in = resolver.files[owner].module();
                let [other_room, other, ..] = declared_in.as_slice() else { continue };
                let is_above = layer(order, other).is_some_and(|found| found >= own_layer);
                if other_room == room && other != part && is_above {
                    problems.insert(format!("{}: {part} may not import {} of {other}", file.name(), path.join("::")));
                }
            }
        }
        problems.into_iter().collect()
    }
}

fn row(table: &Table, room: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == room).map(|(_, row)| *row)
}

fn layer(order: &str, part: &str) -> Option<usize> {
    order.split('<').position(|layer| layer.split(' ').any(|name| name == part))
}

/// Whether a path from a module of `endpoints` leads into another door.
fn is_other_door(resolver: &Resolver, module: &[String], path: &[String]) -> bool {
    let ([room, own, ..], [other_room, other, ..]) = (module, path) else { return false };
    let is_door = || resolver.files.iter().any(|file| file.module().starts_with(&path[..2]));
    room == "endpoints" && other_room == room && own != other && is_door()
}

/// Lists reserved names outside of the rooms and files that may use them. Tests are exempt.
pub fn reserved_names(resolver: &Resolver) -> Vec<String> {
    let mut problems = BTreeSet::new();
    for (index, file) in resolver.files.iter().enumerate().filter(|(_, file)| !file.is_test_code()) {
        let module = file.module();
        let Some(room) = module.first() else { continue };
        let may = |allowed: &str| allowed.split(' ').any(|allowed| allowed == room || allowed == file.name());
        let full_paths = resolver.full_paths(index);
        for (name, _) in RESERVED.iter().filter(|(_, allowed)| !may(allowed)) {
            let segments: Vec<&str> = name.split("::").filter(|segment| !segment.is_empty()).collect();
            let is_path =
                |path: &Vec<String>| path.len() >= segments.len() && segments.iter().eq(&path[..segments.len()]);
            let is_word = |token: &Token| token.text == *name;
            if full_paths.iter().any(is_path) && name.contains("::") || file.production.iter().any(is_word) {
                problems.insert(format!("{}: the room {room} may not name {name}", file.name()));
            }
        }
        for (word, _) in RESERVED_WORDS.iter().filter(|(_, allowed)| !may(allowed)) {
            if let Some(token) = file.production.iter().find(|token| token.text.to_lowercase().contains(word)) {
                problems.insert(format!("{}:{}: the room {room} may not say {word}", file.name(), token.line));
            }
        }
    }
    problems.into_iter().collect()
}

/// Lists modules, inline ones included, whose name does not say what they hold.
pub fn meaningless_module_names(tree: &SourceTree) -> Vec<String> {
    let mut problems = BTreeSet::new();
    for file in &tree.files {
        let declared = file.tokens.windows(2).filter(|pair| pair[0].text == "mod").map(|pair| pair[1].text.clone());
        for name in file.module().into_iter().chain(declared) {
            let last = name.rsplit('_').next().unwrap_or_default();
            if MEANINGLESS_NAMES.contains(&last) {
                problems.insert(format!("{}: the name {name} does not say what it holds", file.path));
            }
        }
    }
    problems.into_iter().collect()
}
