//! Rules on files: their length, their number in a folder, the module style, and the names of test files.

use std::collections::BTreeMap;

use super::source_tree::{SourceFile, SourceTree, is_test_code};
use super::tokens::{closing, is_test_only};

const MAX_LINES: usize = 400;
const MAX_FILES_IN_FOLDER: usize = 20;

/// Lists files of more than 400 lines. Test files of `src` may be longer.
pub fn long_files(tree: &SourceTree) -> Vec<String> {
    let counted = tree.files.iter().filter(|file| !file.is_of_src() || !file.is_test_code());
    let lengths = counted.map(|file| (&file.path, file.text.lines().count()));
    lengths.filter(|(_, lines)| *lines > MAX_LINES).map(|(path, lines)| format!("{path}: {lines} lines")).collect()
}

/// Lists folders of `src` that directly hold more than 20 files.
pub fn crowded_folders(tree: &SourceTree) -> Vec<String> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for (folder, _) in tree.src().filter_map(|file| file.path.rsplit_once('/')) {
        *folders.entry(folder).or_default() += 1;
    }
    let full = folders.into_iter().filter(|(_, count)| *count > MAX_FILES_IN_FOLDER);
    full.map(|(folder, count)| format!("{folder}: {count} files")).collect()
}

/// Lists modules that have children and are no `mod.rs`, and modules that `#[path]` moves.
pub fn files_beside_their_folder(tree: &SourceTree) -> Vec<String> {
    let has_folder = |file: &&SourceFile| {
        let folder = format!("{}/", file.path.trim_end_matches(".rs"));
        tree.files.iter().any(|other| other.path.starts_with(&folder))
    };
    let beside = tree.files.iter().filter(has_folder).map(|file| format!("{}: lies beside its folder", file.path));
    let moved = tree.src().filter(|file| {
        file.tokens.windows(3).any(|three| three.iter().map(|token| token.text.as_str()).eq(["[", "path", "="]))
    });
    beside.chain(moved.map(|file| format!("{}: #[path] moves a module", file.path))).collect()
}

/// Lists files under `#[cfg(test)]` whose name does not say so, and files whose name says so but that are built into
/// the program. Test code thus never counts as production code, nor the other way round.
pub fn misnamed_tests(tree: &SourceTree) -> Vec<String> {
    tree.src().filter(|file| !file.is_test_code()).flat_map(|file| misnamed_children(tree, file)).collect()
}

fn misnamed_children(tree: &SourceTree, parent: &SourceFile) -> Vec<String> {
    let mut problems = Vec::new();
    let tokens = &parent.tokens;
    for at in 0..tokens.len() {
        let [Some(keyword), Some(name), Some(end)] = [at, at + 1, at + 2].map(|at| tokens.get(at)) else { continue };
        if keyword.text != "mod" || end.text != ";" {
            continue;
        }
        let module = [parent.module(), vec![name.text.clone()]].concat();
        let Some(child) = tree.src().find(|file| file.module() == module) else { continue };
        let for_tests = has_test_attribute(parent, at);
        if for_tests && !is_test_code(&child.path) {
            problems.push(format!("{}: is built for tests only, but its name does not say so", child.name()));
        }
        if !for_tests && is_test_code(&child.path) {
            problems.push(format!("{}: is called a test, but is built into the program", child.name()));
        }
    }
    problems
}

/// Whether the item at `at`, or an item around it, has the attribute `#[cfg(test)]`.
fn has_test_attribute(file: &SourceFile, at: usize) -> bool {
    let tokens = &file.tokens;
    let attributes = (0..at).filter(|start| is_test_only(&tokens[*start..]));
    attributes.into_iter().any(|start| {
        let mut end = start;
        while end < tokens.len() && !["{", ";"].contains(&tokens[end].text.as_str()) {
            end = if tokens[end].text == "[" { closing(tokens, end) } else { end } + 1;
        }
        let end = if tokens.get(end).is_some_and(|token| token.text == "{") { closing(tokens, end) } else { end };
        at < end
    })
}
