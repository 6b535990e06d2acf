//! Finds every path in a file: in `use` declarations with groups and aliases, and inline.

use super::tokens::Token;

/// One leaf of a `use` declaration.
#[derive(Clone, Debug)]
pub struct Use {
    /// The path as written; it begins with `crate`, `super`, `self` or a name.
    pub path: Vec<String>,
    /// The name that it brings into scope; `None` for a glob.
    pub name: Option<String>,
    /// The inline modules around it, outermost first.
    pub inline: Vec<String>,
}

/// A path of at least two segments outside of `use`.
#[derive(Clone, Debug)]
pub struct Mention {
    pub path: Vec<String>,
    pub inline: Vec<String>,
}

/// The paths and declarations of a file.
#[derive(Debug, Default)]
pub struct Names {
    pub uses: Vec<Use>,
    pub mentions: Vec<Mention>,
    /// Every inline module as a path from the file's own module.
    pub inline_modules: Vec<Vec<String>>,
    /// The names of declared types, functions, constants and modules.
    pub declared: Vec<String>,
}

const DECLARING: [&str; 9] = ["struct", "enum", "union", "trait", "type", "fn", "const", "static", "mod"];

pub fn names(tokens: &[Token]) -> Names {
    let mut names = Names::default();
    // The inline modules around the current token, each with its depth of braces.
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    while at < tokens.len() {
        let inline = || open.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        match text(at) {
            "{" => {
                depth += 1;
                if at >= 2 && text(at - 2) == "mod" {
                    open.push((text(at - 1).to_owned(), depth));
                    names.inline_modules.push(open.iter().map(|(name, _)| name.clone()).collect());
                }
            }
            "}" => {
                open.retain(|(_, opened)| *opened < depth);
                depth = depth.saturating_sub(1);
            }
            "use" if text(at + 1) != "<" => {
                at = Tree { tokens, inline: inline() }.read(at + 1, &[], &mut names.uses);
                continue;
            }
            keyword if DECLARING.contains(&keyword) && is_name(text(at + 1)) => {
                names.declared.push(text(at + 1).to_owned());
            }
            word if is_name(word) && text(at + 1) == "::" && begins_path(tokens, at) => {
                let path = path_at(tokens, at);
                at += 2 * path.len() - 1;
                names.mentions.push(Mention { path, inline: inline() });
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    names
}

/// Whether the name at `at` is the first segment of a path. A leading `::` before it is allowed.
fn begins_path(tokens: &[Token], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).map_or("", |at| tokens[at].text.as_str());
    before(1) != "::" || !(is_name(before(2)) || before(2) == ">")
}

pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The segments from `at` on; generics end the path.
fn path_at(tokens: &[Token], mut at: usize) -> Vec<String> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut path = vec![text(at).to_owned()];
    while text(at + 1) == "::" && is_name(text(at + 2)) {
        path.push(text(at + 2).to_owned());
        at += 2;
    }
    path
}

/// Reads the tree of one `use` declaration.
struct Tree<'a> {
    tokens: &'a [Token],
    inline: Vec<String>,
}

impl Tree<'_> {
    /// Reads one branch from `at` on and answers the index behind it.
    fn read(&self, mut at: usize, base: &[String], found: &mut Vec<Use>) -> usize {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| token.text.as_str());
        let mut path = base.to_vec();
        if text(at) == "::" {
            at += 1;
        }
        loop {
            match text(at) {
                "{" => return self.group(at + 1, &path, found),
                "*" => {
                    found.push(Use { path, name: None, inline: self.inline.clone() });
                    return at + 1;
                }
                "self" if !path.is_empty() => {}
                "$" => {
                    at += 1;
                    continue;
                }
                name if is_name(name) => path.push(name.to_owned()),
                // The compiler would reject this declaration.
                _ => return at + 1,
            }
            if text(at + 1) != "::" {
                break;
            }
            at += 2;
        }
        let (name, end) = if text(at + 1) == "as" { (text(at + 2), at + 3) } else { ("", at + 1) };
        let name = if name.is_empty() { path.last().cloned() } else { Some(name.to_owned()) };
        found.push(Use { path, name, inline: self.inline.clone() });
        end
    }

    fn group(&self, mut at: usize, base: &[String], found: &mut Vec<Use>) -> usize {
        while let Some(token) = self.tokens.get(at) {
            at = match token.text.as_str() {
                "}" => return at + 1,
                "," => at + 1,
                _ => self.read(at, base, found),
            };
        }
        at
    }
}
