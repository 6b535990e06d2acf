//! Resolves paths to the file that declares what they name, through aliases, re-exports and globs.
//!
//! It does not see methods and fields, because they are no paths; paths in strings, as in `#[serde(with = "…")]`; and
//! paths that a macro assembles. A `use` inside of a function counts as a `use` of the module.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::paths::{Names, Use, names};
use super::source_tree::{SourceFile, SourceTree};

/// The longest chain of aliases and re-exports that is followed.
const MAX_STEPS: usize = 12;

/// The place of a module: an index into [`Resolver::files`], and the inline modules in that file.
#[derive(Clone)]
struct Place {
    file: usize,
    inline: Vec<String>,
}

/// A path of a file into the crate.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Reference {
    /// The path from the root of the crate, before re-exports are followed.
    pub path: Vec<String>,
    /// The file that declares what the path names.
    pub owner: usize,
}

pub struct Resolver<'a> {
    pub files: Vec<&'a SourceFile>,
    modules: HashMap<Vec<String>, Place>,
    /// The names of each file, tests included.
    names: Vec<Names>,
    /// The names of each file without its inline tests; for a test file, all of them.
    own_names: Vec<Names>,
}

impl<'a> Resolver<'a> {
    pub fn new(tree: &'a SourceTree) -> Self {
        let files: Vec<&SourceFile> = tree.src().collect();
        let names_of_all: Vec<Names> = files.iter().map(|file| names(&file.tokens)).collect();
        let own = files.iter().map(|file| names(if file.is_test_code() { &file.tokens } else { &file.production }));
        let own_names = own.collect();
        let mut modules = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            for inline in &names_of_all[index].inline_modules {
                let module = [file.module(), inline.clone()].concat();
                modules.insert(module, Place { file: index, inline: inline.clone() });
            }
            modules.insert(file.module(), Place { file: index, inline: Vec::new() });
        }
        Self { files, modules, names: names_of_all, own_names }
    }

    /// All paths of a file into the crate, tests included.
    pub fn references(&self, file: usize) -> BTreeSet<Reference> {
        self.references_of(file, &self.names[file])
    }

    /// The same without inline tests; for a test file, all of them.
    pub fn own_references(&self, file: usize) -> BTreeSet<Reference> {
        self.references_of(file, &self.own_names[file])
    }

    /// All paths outside tests in full: `Instant::now` becomes `std::time::Instant::now` if the file imports that
    /// `Instant`.
    pub fn full_paths(&self, file: usize) -> BTreeSet<Vec<String>> {
        let names = &self.own_names[file];
        let imported = names.uses.iter().map(|import| self.absolute(file, &import.inline, &import.path, 0));
        let mentioned = names.mentions.iter().map(|mention| self.absolute(file, &mention.inline, &mention.path, 0));
        let globs = names.uses.iter().filter(|import| import.name.is_none());
        let globs =
            globs.map(|glob| self.absolute(file, &glob.inline, &glob.path, 0)).filter(|glob| glob[0] != "crate");
        let behind_globs = globs.flat_map(|glob| {
            let words = self.files[file].production.iter().map(|token| vec![token.text.clone()]);
            let paths = names.mentions.iter().map(|mention| mention.path.clone());
            words.chain(paths).map(move |path| [glob.as_slice(), path.as_slice()].concat())
        });
        imported.chain(mentioned).chain(behind_globs).collect()
    }

    fn references_of(&self, file: usize, names: &Names) -> BTreeSet<Reference> {
        let mut found = BTreeSet::new();
        for import in &names.uses {
            let path = self.absolute(file, &import.inline, &import.path, 0);
            if import.name.is_none() {
                self.glob_references(file, names, &path, &mut found);
            }
            self.refer(&path, &mut found);
        }
        for mention in &names.mentions {
            self.refer(&self.absolute(file, &mention.inline, &mention.path, 0), &mut found);
        }
        found
    }

    fn refer(&self, path: &[String], found: &mut BTreeSet<Reference>) {
        if path.first().is_some_and(|first| first == "crate")
            && let Some(owner) = self.owner(path, 0)
        {
            found.insert(Reference { path: path[1..].to_vec(), owner });
        }
    }

    /// What the file uses of a glob import: names that the module itself imports, and its child modules.
    fn glob_references(&self, file: usize, names: &Names, target: &[String], found: &mut BTreeSet<Reference>) {
        let Some(place) = target.get(1..).and_then(|module| self.modules.get(module)) else { return };
        let words: HashSet<&str> = self.files[file].tokens.iter().map(|token| token.text.as_str()).collect();
        for import in self.names[place.file].uses.iter().filter(|import| import.inline == place.inline) {
            if import.name.as_ref().is_some_and(|name| words.contains(name.as_str())) {
                self.refer(&self.absolute(place.file, &import.inline, &import.path, 0), found);
            }
        }
        for mention in &names.mentions {
            let path = [target, mention.path.as_slice()].concat();
            if self.modules.contains_key(&path[1..=target.len()]) {
                self.refer(&path, found);
            }
        }
    }

    /// The path from its root, which is `crate` or the name of another crate.
    fn absolute(&self, file: usize, inline: &[String], path: &[String], steps: usize) -> Vec<String> {
        let here = || [vec!["crate".to_owned()], self.files[file].module(), inline.to_vec()].concat();
        let Some(first) = path.first() else { return here() };
        let (mut full, rest) = match first.as_str() {
            "crate" | "bot_sso" => (vec!["crate".to_owned()], &path[1..]),
            "self" | "super" => (here(), path),
            name => (self.in_scope(file, inline, name, steps).unwrap_or_else(|| vec![name.to_owned()]), &path[1..]),
        };
        for segment in rest {
            match segment.as_str() {
                "super" => drop(full.pop().filter(|last| last != "crate")),
                "self" => {}
                name => full.push(name.to_owned()),
            }
        }
        if full.is_empty() { vec!["crate".to_owned()] } else { full }
    }

    /// The path of a name that the module or a module around it imports, or that is a child module.
    fn in_scope(&self, file: usize, inline: &[String], name: &str, steps: usize) -> Option<Vec<String>> {
        for length in (0..=inline.len()).rev() {
            let scope = &inline[..length];
            let mut uses = self.names[file].uses.iter().filter(|import| import.inline == scope);
            let import = uses.find(|import| import.name.as_deref() == Some(name));
            // The first `name` of `use name::name` is another crate or a child module, not the import itself.
            if let Some(import) = import.filter(|import| import.path[0] != name && steps < MAX_STEPS) {
                return Some(self.absolute(file, scope, &import.path, steps + 1));
            }
            let module = [self.files[file].module(), scope.to_vec(), vec![name.to_owned()]].concat();
            if self.modules.contains_key(&module) {
                return Some([vec!["crate".to_owned()], module].concat());
            }
        }
        None
    }

    /// The file that declares the last segment that names an item.
    fn owner(&self, path: &[String], steps: usize) -> Option<usize> {
        let path = path.split_first().filter(|first| first.0 == "crate")?.1;
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]))?;
        let place = &self.modules[&path[..depth]];
        let Some(name) = path.get(depth).filter(|_| steps < MAX_STEPS) else { return Some(place.file) };
        let scope = || self.names[place.file].uses.iter().filter(|import| import.inline == place.inline);
        let follow = |import: &Use, rest: &[String]| {
            let target = self.absolute(place.file, &import.inline, &import.path, 0);
            (target.get(1..) != Some(&path[..depth]))
                .then(|| self.owner(&[target.as_slice(), rest].concat(), steps + 1))
                .flatten()
        };
        if let Some(import) = scope().find(|import| import.name.as_ref() == Some(name)) {
            return follow(import, &path[depth + 1..]).or(Some(place.file));
        }
        if self.names[place.file].declared.contains(name) {
            return Some(place.file);
        }
        let mut through_globs =
            scope().filter(|import| import.name.is_none()).filter_map(|glob| follow(glob, &path[depth..]));
        let declared = through_globs.find(|owner| self.names[*owner].declared.contains(name));
        declared.or(Some(place.file))
    }
}
