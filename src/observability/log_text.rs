/// Words longer than this are left out: real descriptions have none, but a token or a code is one.
const MAX_WORD_CHARS: usize = 128;

/// Makes text from outside fit for a log line: at most `max_chars` characters, on one line, without control characters
/// and without characters that are invisible or change the direction of the text. A word that may be a token is
/// replaced.
#[must_use]
pub fn to_log_text(text: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    // A character may be dropped, so somewhat more of the text is looked at than is shown.
    let cleaned: String = text
        .chars()
        .take(max_chars.saturating_mul(4))
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| is_shown(*letter))
        .collect();
    for word in cleaned.split(' ').filter(|word| !word.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(if may_be_token(word) { "[left out]" } else { word });
    }
    if shown.chars().count() > max_chars {
        shown = shown.chars().take(max_chars).collect();
        shown.push('…');
    }
    shown
}

/// Whether a word has the form of a JSON Web Token, or is longer than words are.
fn may_be_token(word: &str) -> bool {
    word.contains("eyJ") || word.chars().nth(MAX_WORD_CHARS).is_some()
}

fn is_shown(letter: char) -> bool {
    let is_format = matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    !letter.is_control() && !is_format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_one_short_printable_line() {
        for (text, shown) in [
            ("AADSTS50105: not assigned.\r\nTrace ID: 1", "AADSTS50105: not assigned. Trace ID: 1"),
            ("a\u{0}b\u{1b}[31mc\u{7f}\u{9b}", "ab[31mc"),
            ("up\u{202e}side\u{2066}\u{200b}\u{feff}down\u{e0041}", "upsidedown"),
            ("отказано 拒否 <script>", "отказано 拒否 <script>"),
            ("with eyJhbGciOiJSUzI1NiJ9.e30.c2ln inside", "with [left out] inside"),
            ("", ""),
            (" \t\u{2028} ", ""),
        ] {
            assert_eq!(to_log_text(text, 64), shown);
        }
        assert_eq!(to_log_text(&"ab ".repeat(100), 7), "ab ab a…");
        assert_eq!(to_log_text(&format!("code {}", "x".repeat(200)), 300), "code [left out]");
    }
}
