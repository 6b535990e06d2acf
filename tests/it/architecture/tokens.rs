//! Splits a source text into tokens and comments.

/// An identifier, a lifetime, a number, or one character of punctuation; `::`, `->` and `=>` are one token.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    /// The line number, from 1.
    pub line: usize,
}

/// The text of one `//`, `///`, `//!` or `/* */` comment.
#[derive(Debug)]
pub struct Comment {
    pub text: String,
    /// The number of its first line, from 1.
    pub line: usize,
}

#[derive(Debug, Default)]
pub struct Scan {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
}

const JOINED: [&str; 3] = ["::", "->", "=>"];

/// Splits a text. String and character literals yield no token.
pub fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = comment(rest) {
            let inner = rest[2..length].trim_start_matches(['/', '!']).trim_end_matches("*/");
            scan.comments.push(Comment { text: inner.trim().to_owned(), line });
            length
        } else if let Some(length) = raw_string(rest).or_else(|| quoted(rest)) {
            length
        } else if first.is_whitespace() {
            first.len_utf8()
        } else {
            let length = token_length(rest, first);
            scan.tokens.push(Token { text: rest[..length].to_owned(), line });
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    scan
}

fn token_length(text: &str, first: char) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word_end = |from: usize| text[from..].find(|c| !is_word(c)).map_or(text.len(), |end| from + end);
    if first == '\'' || is_word(first) {
        return word_end(1.max(first.len_utf8()));
    }
    if JOINED.iter().any(|joined| text.starts_with(joined)) { 2 } else { first.len_utf8() }
}

/// The length of the comment with which the text begins. Block comments can be nested.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.strip_prefix("/*")?;
    let mut open = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['*', '/']).map(|offset| at + offset) {
        let opens = text[found..].starts_with("/*");
        let closes = text[found..].starts_with("*/");
        open = if opens { open + 1 } else { open - usize::from(closes) };
        at = found + if opens || closes { 2 } else { 1 };
        if closes && open == 0 {
            return Some(at);
        }
    }
    Some(text.len())
}

fn raw_string(text: &str) -> Option<usize> {
    let prefixes = ["br", "cr", "r"];
    let body = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inner = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(text.len() - inner.len() + length)
}

/// The length of the string or character literal with which the text begins. The apostrophe of a lifetime begins
/// neither.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut escaped = false;
    let mut characters = text.char_indices().skip(1);
    let end = characters.find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    let end = end.map_or(text.len(), |(at, _)| at + 1);
    let inner = &text[1..end.max(2) - 1];
    let is_character = inner.starts_with('\\') || inner.chars().count() == 1;
    (quote == '"' || is_character).then_some(end)
}

/// The tokens without the items under `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_only(&tokens[at..]) {
            at = item_end(tokens, at);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Whether the tokens begin with an attribute that limits an item to tests: `#[cfg(test)]` or `#[cfg(all(test, …))]`.
pub fn is_test_only(tokens: &[Token]) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    if !(text(0) == "#" && text(1) == "[" && text(2) == "cfg") {
        return false;
    }
    let end = closing(tokens, 1);
    let condition = &tokens[3..end.max(3)];
    let plain = condition.len() == 3 && text(4) == "test";
    let all = text(4) == "all" && !condition.iter().any(|token| ["not", "any"].contains(&token.text.as_str()));
    plain || all && condition.iter().any(|token| token.text == "test")
}

/// The index behind the item whose attributes begin at `at`.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "(" | "[" => at = closing(tokens, at) + 1,
            "{" => {
                let end = closing(tokens, at) + 1;
                let is_statement = tokens.get(end).is_some_and(|token| token.text == ";");
                return end + usize::from(is_statement);
            }
            ";" | "," => return at + 1,
            // A last field or variant ends with what surrounds it.
            "}" => return at,
            _ => at += 1,
        }
    }
    at
}

/// The index of the bracket that closes the one at `at`; the number of tokens if none does.
pub fn closing(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + offset;
        }
    }
    tokens.len()
}
