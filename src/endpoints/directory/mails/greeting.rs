/// The longest name with which a message greets its reader, in characters.
const MAX_CHARACTERS: usize = 64;

/// The name with which a message greets its reader; `None` if `name` is not only that of a person. A stranger signs up with the
/// address of somebody else and a name of their choice, so the name could be an advertisement, or an address that mail programs make
/// a link of.
pub(super) fn find_greeted_name(name: &str) -> Option<&str> {
    let name = name.trim();
    let is_named = !name.is_empty() && name.chars().count() <= MAX_CHARACTERS;
    (is_named && name.chars().all(is_of_names) && !has_dot_within_word(name)).then_some(name)
}

fn is_of_names(letter: char) -> bool {
    // A letter that is written with a combining mark (in Hindi or Thai, say) is alphabetic, and so are its marks.
    letter.is_alphabetic() || matches!(letter, ' ' | '-' | '.' | '\'' | '’' | '・' | '\u{300}'..='\u{36f}')
}

/// Whether a dot stands before a letter, as it does in a host name and not in `J. R. Smith`.
fn has_dot_within_word(name: &str) -> bool {
    name.split('.').skip(1).any(|after| after.chars().next().is_some_and(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::find_greeted_name;

    #[test]
    fn names_of_people_are_greeted_in_many_scripts() {
        for name in ["Ada Lovelace", "Jean-Luc O’Neil", "J. R. Smith", "Dr. Ada", "山田 太郎", "Ñandú", "किरण", "A. B."]
        {
            assert_eq!(find_greeted_name(name), Some(name), "{name}");
        }
        assert_eq!(find_greeted_name("  Ada "), Some("Ada"));
    }

    #[test]
    fn what_could_be_a_link_or_an_advertisement_is_not_repeated() {
        let long = "a".repeat(65);
        for name in [
            "",
            "  ",
            "evil.example",
            "www.evil.example",
            "https://evil.example/",
            "Ada (call 555 1234)",
            "Ada\nBcc: x@example.com",
            "Ada\r\n\r\nNew text",
            "Win 1000 now!",
            "ada@example.com",
            "{link}",
            "Ada, click here",
            long.as_str(),
        ] {
            assert_eq!(find_greeted_name(name), None, "{name}");
        }
    }
}
