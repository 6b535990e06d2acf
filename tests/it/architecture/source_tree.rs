//! Reads the sources and documents that the rules check.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::tokens::{Comment, Token, scan, without_tests};

/// The folders that the rules check, relative to `Cargo.toml`.
const ROOTS: [&str; 2] = ["src", "tests/it"];

/// The folders in whose other files only references and links are checked.
const REFERRING_ROOTS: [&str; 4] = ["tests", "benches", "scripts", "fixtures"];

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

/// A Markdown file.
pub struct Markdown {
    /// The path relative to `Cargo.toml`: `README.md`.
    pub path: String,
    pub text: String,
}

/// The comments of a file that no other rule reads: a script, a fixture, a Markdown file.
pub struct Remarks {
    /// The path relative to `Cargo.toml`.
    pub path: String,
    /// Each line that is not empty, where the comments of the file's language are not known.
    pub comments: Vec<Comment>,
}

#[derive(Default)]
pub struct SourceTree {
    pub files: Vec<SourceFile>,
    /// The headings of each file below `docs/`, by its path relative to `docs/`.
    pub documents: HashMap<String, Vec<String>>,
    pub markdown: Vec<Markdown>,
    pub remarks: Vec<Remarks>,
    /// The paths of all files of the package, relative to `Cargo.toml`.
    pub paths: BTreeSet<String>,
}

impl Markdown {
    pub fn headings(&self) -> Vec<String> {
        headings(&self.text)
    }
}

impl Remarks {
    pub fn new(path: &str, text: &str) -> Self {
        let is_rust = Path::new(path).extension().is_some_and(|found| found == "rs");
        let comments = if is_rust { scan(text).comments } else { lines(text) };
        Self { path: path.to_owned(), comments }
    }
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
        let mut tree = Self { paths: files_below(base, ""), ..Self::default() };
        for path in tree.paths.clone() {
            // Anything but text has no references.
            if let Ok(text) = std::fs::read_to_string(base.join(&path)) {
                tree.add(&path, text);
            }
        }
        assert!(tree.files.len() > 100, "the sources were found");
        tree
    }

    /// Adds a file to the lists of what the rules read.
    pub fn add(&mut self, path: &str, text: String) {
        self.paths.insert(path.to_owned());
        let is_in = |roots: &[&str]| roots.iter().any(|root| path.starts_with(&format!("{root}/")));
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        if extension == Some("rs") && is_in(&ROOTS) {
            self.files.push(SourceFile::new(path, &text));
        } else if extension == Some("md") || is_in(&REFERRING_ROOTS) {
            self.remarks.push(Remarks::new(path, &text));
        }
        if extension == Some("md") {
            if let Some(name) = path.strip_prefix("docs/") {
                self.documents.insert(name.to_owned(), headings(&text));
            }
            self.markdown.push(Markdown { path: path.to_owned(), text });
        }
    }

    pub fn src(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_of_src())
    }
}

/// The files below a folder, without what builds and package managers put there.
fn files_below(base: &Path, folder: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(base.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if !entry.path().is_dir() {
                files.insert(path);
            } else if !(name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str())) {
                folders.push(path);
            }
        }
    }
    files
}

fn lines(text: &str) -> Vec<Comment> {
    let lines = text.lines().enumerate().map(|(number, line)| {
        let text = line.trim().trim_start_matches(['#', '/', '!', '*', '<', '-']).trim();
        Comment { text: text.to_owned(), line: number + 1 }
    });
    lines.filter(|line| !line.text.is_empty()).collect()
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
