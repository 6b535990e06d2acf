//! Reads the sources and documents that the rules check.

use std::collections::HashMap;
use std::path::Path;

use super::tokens::{Comment, Token, scan, without_tests};

/// The folders that the rules check, relative to `Cargo.toml`.
const ROOTS: [&str; 2] = ["src", "tests/it"];

/// One `.rs` file.
pub struct SourceFile {
    /// The path relative to `Cargo.toml`, with `/`: `src/vault/mod.rs`.
    pub path: String,
    pub text: String,
    /// All tokens, tests included.
    pub tokens: Vec<Token>,
    /// The tokens outside of `#[cfg(test)]`; empty for a test file.
    pub production: Vec<Token>,
    pub comments: Vec<Comment>,
}

pub struct SourceTree {
    pub files: Vec<SourceFile>,
    /// The headings of each file below `docs/`, by its path relative to `docs/`.
    pub documents: HashMap<String, Vec<String>>,
}

impl SourceFile {
    pub fn new(path: &str, text: &str) -> Self {
        let scan = scan(text);
        let production = if is_test_code(path) { Vec::new() } else { without_tests(&scan.tokens) };
        let text = text.to_owned();
        Self { path: path.to_owned(), text, tokens: scan.tokens, production, comments: scan.comments }
    }

    /// Whether the file lies in `src`; if not, it belongs to the integration tests.
    pub fn is_of_src(&self) -> bool {
        self.path.starts_with("src/")
    }

    pub fn is_test_code(&self) -> bool {
        is_test_code(&self.path)
    }

    /// `src/a/b.rs` and `src/a/b/mod.rs` are the module `a::b`; `src/lib.rs` is the empty path.
    pub fn module(&self) -> Vec<String> {
        module_of(&self.path)
    }

    /// The path relative to `src`, which the tables and messages use.
    pub fn name(&self) -> &str {
        self.path.strip_prefix("src/").unwrap_or(&self.path)
    }
}

impl SourceTree {
    /// Reads the sources and the documents of a package.
    pub fn read(base: &Path) -> Self {
        let mut files = Vec::new();
        for root in ROOTS {
            for path in files_below(base, root, "rs") {
                let text = std::fs::read_to_string(base.join(&path)).unwrap();
                files.push(SourceFile::new(&path, &text));
            }
        }
        assert!(files.len() > 100, "the sources were found");
        let documents = files_below(base, "docs", "md").into_iter().map(|path| {
            let text = std::fs::read_to_string(base.join(&path)).unwrap();
            (path["docs/".len()..].to_owned(), headings(&text))
        });
        Self { documents: documents.collect(), files }
    }

    pub fn src(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_of_src())
    }
}

fn files_below(base: &Path, root: &str, extension: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(base.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(path);
            } else if entry.path().extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

pub fn headings(markdown: &str) -> Vec<String> {
    let mut in_code = false;
    let lines = markdown.lines().filter(|line| {
        in_code ^= line.trim_start().starts_with("```");
        !in_code && line.starts_with('#')
    });
    lines.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
}

pub fn module_of(path: &str) -> Vec<String> {
    let below = ROOTS.iter().find_map(|root| path.strip_prefix(root)).unwrap_or(path);
    let mut module: Vec<String> =
        below.trim_end_matches(".rs").split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let is_root = module.len() == 1 && module[0] == "lib";
    if is_root || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

/// Whether the name of a file, or of a folder above it, says that it is test code. The integration tests always are.
pub fn is_test_code(path: &str) -> bool {
    let Some(below) = path.strip_prefix("src/") else { return true };
    let mut parts: Vec<&str> = below.trim_end_matches(".rs").split('/').collect();
    let file = parts.pop().unwrap_or_default();
    is_test_name(file) || parts.iter().any(|folder| *folder == "testing" || is_test_name(folder))
}

fn is_test_name(name: &str) -> bool {
    name == "tests" || name.ends_with("_tests") || name.starts_with("test_")
}
