use std::borrow::Cow;

/// Characters of a GUID with hyphens.
const GUID_CHARS: usize = 36;
/// Words longer than this are left out: real descriptions have none, but a token or a code is one.
const MAX_WORD_CHARS: usize = 128;

/// The values of a list of the configuration in one line, each once, in the order of their first mention.
#[must_use]
pub fn to_log_list<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let mut listed: Vec<T> = Vec::new();
    for value in values {
        if !listed.iter().any(|known| known.as_ref() == value.as_ref()) {
            listed.push(value);
        }
    }
    listed.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

/// Makes text from outside fit for a log line: at most `max_chars` characters, on one line, without control characters
/// and without characters that are invisible or change the direction of the text. A word that may be a token is
/// replaced, and so is an e-mail address (docs/security.md §What the log says of users).
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
        shown.push_str(&if may_be_token(word) { Cow::Borrowed("[left out]") } else { leave_out_addresses(word) });
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

/// `word` with every e-mail address in it replaced, also where its `@` is percent-encoded. `oid@tid` of Entra, two GUIDs, is
/// none.
fn leave_out_addresses(word: &str) -> Cow<'_, str> {
    if !word.contains('@') && !word.contains("%40") {
        return Cow::Borrowed(word);
    }
    let is_delimiter = |letter: char| "=:,;'\"<>()[]{}|/\\?&`“”‘’«»".contains(letter);
    let parts = word.split_inclusive(is_delimiter).map(|part| {
        let text = part.trim_end_matches(is_delimiter);
        let end = part.get(text.len()..).unwrap_or_default();
        if is_address(text) { format!("[address]{end}") } else { part.to_owned() }
    });
    Cow::Owned(parts.collect())
}

fn is_address(text: &str) -> bool {
    let pair = text.rsplit_once('@').or_else(|| text.rsplit_once("%40"));
    let is_guid =
        |text: &str| text.len() == GUID_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let Some((local, domain)) = pair else { return false };
    let is_entra_user = is_guid(local) && is_guid(domain);
    !local.is_empty() && !domain.is_empty() && !is_entra_user
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
    fn a_list_has_each_value_once_in_the_order_of_its_first_mention() {
        assert_eq!(to_log_list(["b", "a", "b", "c", "a"]), "b, a, c");
        assert_eq!(to_log_list(Vec::<String>::new()), "");
    }

    #[test]
    fn text_from_outside_is_one_short_printable_line() {
        for (text, shown) in [
            ("AADSTS50105: not assigned.\r\nTrace ID: 1", "AADSTS50105: not assigned. Trace ID: 1"),
            ("a\u{0}b\u{1b}[31mc\u{7f}\u{9b}", "ab[31mc"),
            ("up\u{202e}side\u{2066}\u{200b}\u{feff}down\u{e0041}", "upsidedown"),
            ("отказано 拒否 <script>", "отказано 拒否 <script>"),
            ("with eyJhbGciOiJSUzI1NiJ9.e30.c2ln inside", "with [left out] inside"),
            ("user 'ada@contoso.com' of contoso.com", "user '[address]' of contoso.com"),
            ("sub=ada%40contoso.com&mail=<ada@contoso>", "sub=[address]&mail=<[address]>"),
            ("mailto:ada.l+x@mail.contoso.com.", "mailto:[address]"),
            (
                "11111111-1111-4111-8111-111111111111@22222222-2222-4222-8222-222222222222",
                "11111111-1111-4111-8111-111111111111@22222222-2222-4222-8222-222222222222",
            ),
            ("at @ noon, @home", "at @ noon, @home"),
            ("", ""),
            (" \t\u{2028} ", ""),
        ] {
            assert_eq!(to_log_text(text, 80), shown);
        }
        assert_eq!(to_log_text(&"ab ".repeat(100), 7), "ab ab a…");
        assert_eq!(to_log_text(&format!("code {}", "x".repeat(200)), 300), "code [left out]");
    }
}
