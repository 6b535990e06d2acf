//! Tests of the rules. Each rule is broken in synthetic sources, in many spellings; sources that only look like
//! violations pass.

mod circles;
mod files;
mod functions;
mod imports;
mod links;
mod names;
mod order;
mod prose;
mod references;
mod tokens;

use super::source_tree::SourceTree;

/// A tree of files with paths relative to `Cargo.toml`, and a `lib.rs`.
fn tree(files: &[(&str, &str)]) -> SourceTree {
    let mut files = files.to_vec();
    if files.iter().all(|(path, _)| *path != "src/lib.rs") {
        files.push(("src/lib.rs", "//! The root."));
    }
    files.sort_unstable();
    let mut tree = SourceTree::default();
    for (path, text) in files {
        tree.add(path, text.to_owned());
    }
    tree
}

#[track_caller]
fn assert_one(problems: &[String], expected: &str, case: &str) {
    assert!(problems.len() == 1 && problems[0].starts_with(expected), "{case}\n{problems:#?}");
}

#[track_caller]
fn assert_fine(problems: &[String], case: &str) {
    assert!(problems.is_empty(), "{case}\n{problems:#?}");
}
