//! Rules on functions: no tuples in parameters, few parameters, short bodies.

use std::collections::HashSet;

use super::paths::is_name;
use super::source_tree::{SourceFile, SourceTree};
use super::tokens::{Token, closing};

const MAX_BODY_LINES: usize = 60;
const MAX_PARAMETERS: usize = 5;

/// Types that hold exactly one value. A tuple inside one of them counts as a tuple parameter.
const WRAPPERS: [&str; 6] = ["Option", "Box", "Arc", "Rc", "Cow", "Pin"];

/// A `fn` item or a method. Closures and function pointer types are not included.
pub struct Function {
    pub name: String,
    pub line: usize,
    /// All parameters but `self`.
    pub parameters: Vec<Parameter>,
    /// The number of lines between the braces; `None` for a declaration in a trait.
    pub body_lines: Option<usize>,
}

pub struct Parameter {
    pattern: Vec<String>,
    type_tokens: Vec<String>,
}

/// Lists functions that have a tuple pattern or a tuple type in a parameter. A type alias of a tuple that other files
/// can see is listed, too, because it would hide such a parameter.
pub fn tuple_parameters(tree: &SourceTree) -> Vec<String> {
    let mut problems = Vec::new();
    for SourceFile { path, tokens, .. } in &tree.files {
        let aliases = tuple_aliases(tokens);
        let shared = aliases.iter().filter(|alias| alias.is_shared);
        problems.extend(shared.map(|alias| format!("{path}: {} is a shared name for a tuple", alias.name)));
        let names: HashSet<String> = aliases.into_iter().map(|alias| alias.name).collect();
        for function in functions(tokens) {
            if function.parameters.iter().any(|parameter| parameter.is_tuple(&names)) {
                problems.push(format!("{path}:{}: {} takes a tuple", function.line, function.name));
            }
        }
    }
    problems
}

/// Lists functions with too many parameters, and functions outside tests with too many lines.
pub fn oversized_functions(tree: &SourceTree) -> Vec<String> {
    let mut problems = Vec::new();
    for file in &tree.files {
        for function in functions(&file.tokens).iter().filter(|function| function.parameters.len() > MAX_PARAMETERS) {
            let Function { name, line, parameters, .. } = function;
            problems.push(format!("{}:{line}: {name} takes {} parameters", file.path, parameters.len()));
        }
        for Function { name, line, body_lines, .. } in functions(&file.production) {
            if let Some(lines) = body_lines.filter(|lines| *lines > MAX_BODY_LINES) {
                problems.push(format!("{}:{line}: {name} has {lines} lines", file.path));
            }
        }
    }
    problems
}

pub fn functions(tokens: &[Token]) -> Vec<Function> {
    let starts = (0..tokens.len()).filter(|at| tokens[*at].text == "fn");
    starts.filter_map(|at| function(tokens, at)).collect()
}

fn function(tokens: &[Token], at: usize) -> Option<Function> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    // A macro may write the name as `$name`.
    let name = if text(at + 1) == "$" { at + 2 } else { at + 1 };
    if !is_name(text(name)) {
        return None;
    }
    let mut open = name + 1;
    if text(open) == "<" {
        open = angle_end(tokens, open) + 1;
    }
    if text(open) != "(" {
        return None;
    }
    let close = closing(tokens, open);
    let all = split_at_commas(&tokens[open + 1..close.min(tokens.len())]);
    let parameters = all.iter().filter_map(|parameter| Parameter::read(parameter)).collect();
    let (name, line) = (text(name).to_owned(), tokens[at].line);
    Some(Function { name, line, parameters, body_lines: body_lines(tokens, close + 1) })
}

/// Counts the lines between the braces of a function; `at` is the token after its parameters.
fn body_lines(tokens: &[Token], mut at: usize) -> Option<usize> {
    loop {
        match tokens.get(at)?.text.as_str() {
            ";" => return None,
            "(" | "[" => at = closing(tokens, at) + 1,
            "{" => {
                let end = tokens.get(closing(tokens, at))?;
                return Some((end.line - tokens[at].line).saturating_sub(1));
            }
            _ => at += 1,
        }
    }
}

impl Parameter {
    /// Answers `None` for every form of `self`, and for `pattern in strategy` of a property test.
    fn read(tokens: &[Token]) -> Option<Self> {
        let mut tokens = tokens;
        while tokens.len() > 1 && tokens[0].text == "#" && tokens[1].text == "[" {
            tokens = tokens.get(closing(tokens, 1) + 1..).unwrap_or_default();
        }
        let mut depth = 0;
        let colon = tokens.iter().position(|token| {
            depth += depth_change(&token.text);
            depth == 0 && token.text == ":"
        })?;
        let words = |tokens: &[Token]| tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
        let (pattern, type_tokens) = (words(&tokens[..colon]), words(&tokens[colon + 1..]));
        (pattern.last()? != "self").then_some(Self { pattern, type_tokens })
    }

    /// `aliases` are the names of the tuple aliases that the file declares.
    fn is_tuple(&self, aliases: &HashSet<String>) -> bool {
        has_tuple_pattern(&self.pattern) || is_tuple_type(&self.type_tokens, aliases)
    }
}

/// The change of bracket depth that a token causes.
fn depth_change(token: &str) -> isize {
    match token {
        "(" | "[" | "{" | "<" => 1,
        ")" | "]" | "}" | ">" => -1,
        _ => 0,
    }
}

/// Looks for a bracket that holds a comma and has no name before it; `Wrapper(a, b)` destructures a struct.
fn has_tuple_pattern(pattern: &[String]) -> bool {
    let brackets = (0..pattern.len()).filter(|at| pattern[*at] == "(");
    brackets
        .filter(|at| *at == 0 || !is_name(&pattern[at - 1]) || pattern[at - 1] == "mut")
        .any(|at| is_list(&pattern[at..]))
}

fn is_tuple_type(words: &[String], aliases: &HashSet<String>) -> bool {
    let mut rest = words;
    // A qualified name belongs to another module, so it is not an alias of this file.
    let mut is_qualified = false;
    while let Some(first) = rest.first() {
        let next = rest.get(1).map_or("", String::as_str);
        let passed_over = match first.as_str() {
            "(" if is_list(rest) => return true,
            // Skips brackets around one type, references, and the comma after the lifetime of a `Cow`.
            "(" | "&" | "mut" | "," => 1,
            lifetime if lifetime.starts_with('\'') => 1,
            wrapper if WRAPPERS.contains(&wrapper) && next == "<" => 2,
            module if is_name(module) && next == "::" => {
                is_qualified = true;
                2
            }
            name => return !is_qualified && aliases.contains(name),
        };
        rest = &rest[passed_over..];
    }
    false
}

/// Whether the words begin with a bracket that directly holds a comma.
fn is_list(words: &[String]) -> bool {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate() {
        depth += depth_change(word);
        if depth == 1 && word == "," {
            return true;
        }
        if depth == 0 && at > 0 {
            return false;
        }
    }
    false
}

/// `type X = (A, B);`
struct TupleAlias {
    name: String,
    /// Whether it is `pub` in any form.
    is_shared: bool,
}

/// Finds all aliases of tuples. An associated type is found, too, but never matches a parameter, which names it
/// `Self::X`.
fn tuple_aliases(tokens: &[Token]) -> Vec<TupleAlias> {
    let words: Vec<String> = tokens.iter().map(|token| token.text.clone()).collect();
    let starts = (0..words.len()).filter(|at| words[*at] == "type");
    let aliases = starts.filter_map(|at| {
        let end = at + words[at..].iter().position(|word| word == ";")?;
        let equals = at + words[at..end].iter().position(|word| word == "=")?;
        let is_shared = at > 0 && ["pub", ")"].contains(&words[at - 1].as_str());
        let alias = TupleAlias { name: words[at + 1].clone(), is_shared };
        is_tuple_type(&words[equals + 1..end], &HashSet::new()).then_some(alias)
    });
    aliases.collect()
}

/// Splits at commas outside of brackets.
fn split_at_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0;
    let parts = tokens.split(|token| {
        depth += depth_change(&token.text);
        token.text == "," && depth == 0
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// The index of the `>` that closes the `<` at `at`. The `>` of `->` is not a token, so it closes nothing.
fn angle_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + offset;
        }
    }
    tokens.len()
}
