//! Finds files of one room that import each other in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::resolver::Resolver;

/// File → the files of its room that it imports; indices into [`Resolver::files`].
type Imports = BTreeMap<usize, BTreeSet<usize>>;

/// Lists every circle inside a room. An import between a file and the `mod.rs` of a folder around it does not count,
/// because a `mod.rs` re-exports what its children hold.
pub fn circles(resolver: &Resolver) -> Vec<String> {
    let imports = imports(resolver);
    let reached: BTreeMap<usize, BTreeSet<usize>> =
        imports.keys().map(|file| (*file, reach(&imports, *file))).collect();
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for file in imports.keys() {
        let circle: BTreeSet<usize> =
            reached[file].iter().copied().filter(|other| reached[other].contains(file)).collect();
        if circle.is_empty() || !seen.insert(circle.clone()) {
            continue;
        }
        let name = |file: usize| resolver.files[file].name();
        let all: Vec<&str> = circle.iter().map(|file| name(*file)).collect();
        let shortest: Vec<&str> = shortest_circle(&imports, *file).into_iter().map(name).collect();
        problems.push(format!("{} files: {}; for instance {}", all.len(), all.join(", "), shortest.join(" → ")));
    }
    problems
}

fn imports(resolver: &Resolver) -> Imports {
    let modules: Vec<Vec<String>> = resolver.files.iter().map(|file| file.module()).collect();
    let counts = |from: usize, to: usize| {
        let (from, to) = (&modules[from], &modules[to]);
        !from.is_empty() && from.first() == to.first() && !from.starts_with(to) && !to.starts_with(from)
    };
    let of_file = |file: usize| {
        let owners = resolver.own_references(file).into_iter().map(|reference| reference.owner);
        owners.filter(|owner| counts(file, *owner)).collect()
    };
    (0..modules.len()).map(|file| (file, of_file(file))).collect()
}

/// All files that a file imports, directly or through other files.
fn reach(imports: &Imports, file: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        open.extend(imports[&file].iter().copied().filter(|next| reached.insert(*next)));
    }
    reached
}

/// The shortest way from a file that lies in a circle back to itself.
fn shortest_circle(imports: &Imports, file: usize) -> Vec<usize> {
    let mut open = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop_front() {
        for next in way.last().into_iter().flat_map(|last| &imports[last]) {
            let longer = [way.as_slice(), &[*next]].concat();
            if *next == file {
                return longer;
            }
            if seen.insert(*next) {
                open.push_back(longer);
            }
        }
    }
    vec![file]
}
