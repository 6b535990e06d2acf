//! Tests of the rules. Each rule is broken in synthetic sources, in many spellings; sources that only look like
//! violations pass.

mod circles;
mod files;
mod functions;
mod imports;
mod names;
mod order;
mod prose;
mod tokens;

use std::collections::HashMap;

use super::source_tree::{SourceFile, SourceTree, headings};

/// A tree of files with paths as in [`SourceFile::path`], and a `lib.rs`.
fn tree(files: &[(&str, &str)]) -> SourceTree {
    let mut files: Vec<SourceFile> = files.iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    if files.iter().all(|file| file.path != "src/lib.rs") {
        files.push(SourceFile::new("src/lib.rs", "//! The root."));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    SourceTree { files, documents: HashMap::new() }
}

/// The same with documents; their paths are relative to `docs/`.
fn tree_with_documents(files: &[(&str, &str)], documents: &[(&str, &str)]) -> SourceTree {
    let documents = documents.iter().map(|(path, text)| ((*path).to_owned(), headings(text)));
    SourceTree { documents: documents.collect(), ..tree(files) }
}

#[track_caller]
fn assert_one(problems: &[String], expected: &str, case: &str) {
    assert!(problems.len() == 1 && problems[0].starts_with(expected), "{case}\n{problems:#?}");
}

#[track_caller]
fn assert_fine(problems: &[String], case: &str) {
    assert!(problems.is_empty(), "{case}\n{problems:#?}");
}
