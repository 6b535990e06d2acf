//! Rules on references: a `§` in a comment names a heading of a document of this repository, or a section of a standard.

use super::source_tree::SourceTree;
use super::tables::{PAPERS_ELSEWHERE, STANDARDS};
use super::tokens::Comment;

/// The words that number something within a section: `§2 rules 5 to 7, §3`.
const NUMBERED: [&str; 11] = ["rule", "rules", "row", "rows", "case", "cases", "item", "items", "to", "and", "–"];

/// Consecutive comments of a file as one text.
struct Paragraph<'t> {
    path: &'t str,
    /// The number of its first line, from 1.
    line: usize,
    text: String,
}

/// A reference to a document: the file, and the text behind each `§` with what that names.
struct Reference<'p> {
    /// Relative to `docs/`.
    file: String,
    has_extension: bool,
    sections: Vec<Section<'p>>,
}

struct Section<'p> {
    /// The text from behind the `§`.
    text: &'p str,
    is_heading: bool,
}

/// Lists references to `docs/` whose file does not exist, or whose `§` names no heading of that file.
pub fn unresolved_references(tree: &SourceTree) -> Vec<String> {
    let mut problems = Vec::new();
    for paragraph in paragraphs(tree) {
        let mut problem = |text: String| problems.push(format!("{}:{}: {text}", paragraph.path, paragraph.line));
        for Reference { file, has_extension, sections } in references(tree, &paragraph.text) {
            if !tree.documents.contains_key(&file) {
                if has_extension || !sections.is_empty() {
                    problem(format!("there is no docs/{file}"));
                }
            } else if let Some(section) = sections.iter().find(|section| !section.is_heading) {
                problem(format!("docs/{file} has no heading “{}”", beginning(section.text)));
            }
        }
    }
    problems
}

/// Lists every `§` that belongs to no document of this repository and to no standard, and every name of a paper that
/// is not in this repository or is named without its path. A document may refer to its own sections by `§` alone.
pub fn foreign_references(tree: &SourceTree) -> Vec<String> {
    // The rules' own sources show what a violation looks like.
    let read = paragraphs(tree).into_iter().filter(|paragraph| !paragraph.path.starts_with("tests/it/architecture/"));
    read.flat_map(|paragraph| foreign(tree, &paragraph)).collect()
}

fn foreign(tree: &SourceTree, paragraph: &Paragraph<'_>) -> Vec<String> {
    let Paragraph { path, line, text } = paragraph;
    let referenced: Vec<usize> = references(tree, text)
        .iter()
        .flat_map(|reference| &reference.sections)
        .filter_map(|section| text[..text.len() - section.text.len()].rfind('§'))
        .collect();
    let own = path.strip_prefix("docs/").and_then(|name| tree.documents.get(name));
    let mut problems = Vec::new();
    for (at, mark) in text.match_indices('§') {
        let section = &text[at + mark.len()..];
        let is_own = own.is_some_and(|headings| heading_length(section, headings).is_some());
        if !(is_own || is_placeholder(section) || referenced.contains(&at) || follows_standard(&text[..at])) {
            problems.push(format!("{path}:{line}: “§{}” belongs to no document or standard", beginning(section)));
        }
    }
    let protocols = tree.documents.keys().filter_map(|name| name.strip_prefix("protocols/")?.strip_suffix(".md"));
    let papers = protocols.filter(|name| *name != "README").chain(PAPERS_ELSEWHERE.iter().copied());
    // A `§` behind the name is reported already.
    let named = papers.filter(|name| own.is_none() && problems.is_empty() && is_named_without_path(text, name));
    let named: Vec<String> = named.map(|name| format!("{path}:{line}: {name} is named without docs/")).collect();
    problems.extend(named);
    problems
}

fn is_named_without_path(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let (before, behind) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(is_part) && !behind.starts_with(is_part) && !before.ends_with("docs/protocols/")
    })
}

/// Whether a `§` behind this text is a section of a standard: `RFC 6749 §4`, `RFC 6749 §4, §5 and §6`.
fn follows_standard(before: &str) -> bool {
    let plain = before.replace('`', "");
    let before = plain.trim_end();
    let listed = before.strip_suffix(',').or_else(|| before.strip_suffix(" and"));
    if let Some((earlier, section)) = listed.and_then(|listed| listed.rsplit_once('§')) {
        return !section.contains(' ') && follows_standard(earlier);
    }
    let is_rfc = before
        .rsplit_once(' ')
        .is_some_and(|(words, number)| words.ends_with("RFC") && number.starts_with(|c: char| c.is_ascii_digit()));
    is_rfc || STANDARDS.iter().any(|standard| before.ends_with(standard))
}

fn paragraphs(tree: &SourceTree) -> Vec<Paragraph<'_>> {
    let sources = tree.files.iter().map(|file| (file.path.as_str(), &file.comments));
    let others = tree.remarks.iter().map(|remarks| (remarks.path.as_str(), &remarks.comments));
    sources.chain(others).flat_map(|(path, comments)| joined(path, comments)).collect()
}

/// Joins comments on consecutive lines into one text.
fn joined<'t>(path: &'t str, comments: &[Comment]) -> Vec<Paragraph<'t>> {
    let mut paragraphs: Vec<Paragraph<'t>> = Vec::new();
    let mut last_line = 0;
    for Comment { text, line } in comments {
        match paragraphs.last_mut() {
            Some(paragraph) if last_line + 1 == *line => {
                paragraph.text.push(' ');
                paragraph.text.push_str(text);
            }
            _ => paragraphs.push(Paragraph { path, line: *line, text: text.clone() }),
        }
        last_line = line + text.matches('\n').count();
    }
    paragraphs
}

fn references<'p>(tree: &SourceTree, text: &'p str) -> Vec<Reference<'p>> {
    let starts = text.match_indices("docs/").map(|(start, _)| start);
    // A page of another site has a path before `docs/`.
    let starts = starts.filter(|start| !text[..*start].ends_with(|c: char| c.is_alphanumeric() || "/.-_".contains(c)));
    starts.filter_map(|start| reference(tree, &text[start + "docs/".len()..])).collect()
}

/// The reference with which the text begins; `None` for a folder.
fn reference<'p>(tree: &SourceTree, text: &'p str) -> Option<Reference<'p>> {
    let ends_name = |c: char| !(c.is_alphanumeric() || "-_./".contains(c));
    let (name, mut rest) = text.split_at(text.find(ends_name).unwrap_or(text.len()));
    let name = name.trim_end_matches('.');
    if name.is_empty() || name.ends_with('/') {
        return None;
    }
    let file = format!("{}.md", name.strip_suffix(".md").unwrap_or(name));
    let headings = tree.documents.get(&file).map_or(&[][..], Vec::as_slice);
    let mut sections = Vec::new();
    while let Some(text) = after_section_mark(rest) {
        let length = heading_length(text, headings);
        sections.push(Section { text, is_heading: length.is_some() });
        let Some(length) = length else { break };
        rest = behind_numbers(&text[length..]);
    }
    Some(Reference { has_extension: name == file, file, sections })
}

/// The text after the next `§`, if only a comma or `and` stands before it: ` §a, §b and §c`.
fn after_section_mark(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['`', '*', '"', '”', ')', ']', ',', ' ']);
    let text = text.strip_prefix("and ").unwrap_or(text).trim_start();
    let section = text.strip_prefix('§').filter(|section| !is_placeholder(section))?;
    Some(section.trim_start_matches(['`', '*', '"', '“', ' ']))
}

/// `§<heading>` shows the form of a reference and names no section.
fn is_placeholder(section: &str) -> bool {
    section.starts_with('<')
}

/// The text behind the numbers within a section; the same text if no `§` follows them.
fn behind_numbers(text: &str) -> &str {
    let mut rest = text;
    loop {
        let begun = rest.trim_start_matches([' ', ',']);
        let word = begun.split([' ', ',']).next().unwrap_or_default();
        if begun.starts_with('§') {
            return rest;
        }
        if !(NUMBERED.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit())) {
            return text;
        }
        rest = &begun[word.len()..];
    }
}

fn heading_length(text: &str, headings: &[String]) -> Option<usize> {
    headings.iter().filter_map(|heading| named_length(text, heading)).max()
}

/// The length of the reference to a heading with which the text begins: its number, its words, or both.
fn named_length(text: &str, heading: &str) -> Option<usize> {
    let plain = heading.replace(['`', '*'], "");
    let (number, words) = plain.split_once(' ').unwrap_or((&plain, ""));
    let number = number.trim_end_matches('.');
    let is_number = number.starts_with(|c: char| c.is_ascii_digit());
    let names = if is_number { vec![plain.as_str(), number, words.trim()] } else { vec![plain.as_str()] };
    let is_named = |name: &&str| {
        let begins = text.get(..name.len()).is_some_and(|begin| begin.to_lowercase() == name.to_lowercase());
        let mut behind = text.get(name.len()..).unwrap_or_default().chars();
        let ends = match behind.next() {
            // `§4.2` is no reference to `4`, but `§4.` at the end of a sentence is one.
            Some('.') => !behind.next().is_some_and(char::is_alphanumeric),
            Some(next) => !next.is_alphanumeric(),
            None => true,
        };
        !name.is_empty() && begins && ends
    };
    names.into_iter().filter(is_named).map(str::len).max()
}

fn beginning(text: &str) -> String {
    text.chars().take(40).collect()
}
