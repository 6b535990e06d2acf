//! Rules on comments: the paragraph at the top of a room, and the first line of a file.

use super::source_tree::{SourceFile, SourceTree};
use super::tables::SUB_ROOMS;
use super::tokens::Token;

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
