//! Rules on comments: the paragraph at the top of a room, the first line of a file, and references to documents.

use super::source_tree::{SourceFile, SourceTree};
use super::tables::SUB_ROOMS;
use super::tokens::{Comment, Token};

/// Lists rooms, and sub-rooms of the rooms that have an order, without a `//!` paragraph. `lib.rs` is listed if it
/// re-exports.
pub fn missing_room_paragraphs(tree: &SourceTree) -> Vec<String> {
    tree.src().filter_map(silence).collect()
}

fn silence(file: &SourceFile) -> Option<String> {
    let name = file.name();
    let parts: Vec<&str> = name.split('/').collect();
    let is_room = parts.len() == 1 || parts.len() == 2 && parts[1] == "mod.rs";
    let is_sub_room = parts.len() == 3 && parts[2] == "mod.rs" && SUB_ROOMS.iter().any(|(room, _)| *room == parts[0]);
    if (is_room || is_sub_room) && !file.text.starts_with("//! ") {
        return Some(format!("{name}: no //! paragraph that says what it is"));
    }
    let exports = name == "lib.rs" && file.tokens.windows(2).any(|pair| pair[0].text == "pub" && pair[1].text == "use");
    exports.then(|| format!("{name}: exports again; a room is named where it is used"))
}

/// Lists files without a `//!` line that declare no type and hold `impl` blocks of types from other files.
pub fn missing_first_lines(tree: &SourceTree) -> Vec<String> {
    let silent = tree.src().filter(|file| !file.is_test_code() && !file.text.starts_with("//! "));
    let added = silent.filter_map(|file| added_type(&file.production).map(|of| (file.name(), of)));
    added.map(|(name, of)| format!("{name}: belongs to {of} and does not say so in its first line")).collect()
}

/// The type of the first `impl` block, if the file declares no type itself.
fn added_type(tokens: &[Token]) -> Option<&str> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut depth = 0;
    let mut added = None;
    for at in 0..tokens.len() {
        match text(at) {
            "{" => depth += 1,
            "}" => depth -= 1,
            "struct" | "enum" | "union" | "trait" | "type" if depth == 0 => return None,
            // An `impl` in a signature has other tokens before it.
            "impl" if depth == 0 && (at == 0 || ["}", ";", "]", "unsafe"].contains(&text(at - 1))) => {
                added = added.or_else(|| impl_target(&tokens[at + 1..]));
            }
            _ => {}
        }
    }
    added
}

/// The last name before the braces: `Shared` of `impl<'a> super::Shared<'a> {`, `X` of `impl From<Y> for X {`.
fn impl_target(tokens: &[Token]) -> Option<&str> {
    let mut depth = 0;
    let mut target = None;
    for token in tokens {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            "{" | "where" if depth == 0 => return target,
            name if depth == 0 && name.starts_with(char::is_alphabetic) => target = Some(name),
            _ => {}
        }
    }
    target
}

/// Lists references to `docs/` in comments whose file does not exist, or whose `§` names no heading of that file.
pub fn unresolved_references(tree: &SourceTree) -> Vec<String> {
    let problems = tree.files.iter().flat_map(|file| {
        let of_file = paragraphs(&file.comments).into_iter().flat_map(|paragraph| unresolved(tree, &paragraph));
        of_file.map(|problem| format!("{}:{problem}", file.path)).collect::<Vec<_>>()
    });
    problems.collect()
}

/// Joins comments on consecutive lines into one text.
fn paragraphs(comments: &[Comment]) -> Vec<Comment> {
    let mut paragraphs: Vec<Comment> = Vec::new();
    let mut last_line = 0;
    for Comment { text, line } in comments {
        match paragraphs.last_mut() {
            Some(paragraph) if last_line + 1 == *line => {
                paragraph.text.push(' ');
                paragraph.text.push_str(text);
            }
            _ => paragraphs.push(Comment { text: text.clone(), line: *line }),
        }
        last_line = line + text.matches('\n').count();
    }
    paragraphs
}

fn unresolved(tree: &SourceTree, paragraph: &Comment) -> Vec<String> {
    let mut problems = Vec::new();
    for (start, _) in paragraph.text.match_indices("docs/") {
        let text = &paragraph.text[start + "docs/".len()..];
        let ends_name = |c: char| !(c.is_alphanumeric() || "-_./".contains(c));
        let (name, mut rest) = text.split_at(text.find(ends_name).unwrap_or(text.len()));
        let name = name.trim_end_matches('.');
        let is_elsewhere = paragraph.text[..start].ends_with(|c: char| c.is_alphanumeric() || "/.-_".contains(c));
        // A folder, or a page of another site.
        if is_elsewhere || name.is_empty() || name.ends_with('/') {
            continue;
        }
        let stem = name.strip_suffix(".md").unwrap_or(name);
        let file = format!("{stem}.md");
        let Some(headings) = tree.documents.get(&file) else {
            if name == file || after_section_mark(rest).is_some() {
                problems.push(format!("{}: there is no docs/{file}", paragraph.line));
            }
            continue;
        };
        while let Some(section) = after_section_mark(rest) {
            let Some(length) = headings.iter().filter_map(|heading| named_length(section, heading)).max() else {
                let shown: String = section.chars().take(40).collect();
                problems.push(format!("{}: docs/{file} has no heading “{shown}”", paragraph.line));
                break;
            };
            rest = &section[length..];
        }
    }
    problems
}

/// The text after the next `§`, if only a comma or `and` stands before it: ` §a, §b and §c`.
fn after_section_mark(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['`', '*', '"', '”', ')', ']', ',', ' ']);
    let text = text.strip_prefix("and ").unwrap_or(text).trim_start();
    Some(text.strip_prefix('§')?.trim_start_matches(['`', '*', '"', '“', ' ']))
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
