use serde::de::IgnoredAny;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A copy of `body`, byte for byte as long, that the parser of this program reads: without a byte-order mark, with
/// U+FFFD in place of each escape that is half of a surrogate pair, and with 0 in place of each number that no `f64`
/// holds. Other programs read such JSON, so it is passed on as it is, and only the copy is parsed. `None` if `body` is
/// not well-formed JSON, or contains none of these.
#[must_use]
pub fn regularize(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<IgnoredAny>(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    let mut copy = body.to_vec();
    if let Some(mark) = copy.get_mut(..BYTE_ORDER_MARK.len()).filter(|start| *start == BYTE_ORDER_MARK) {
        mark.fill(b' ');
    }
    let mut at = 0;
    while let Some(byte) = copy.get(at) {
        at = match byte {
            b'"' => regularize_string(&mut copy, at + 1),
            b'-' | b'0'..=b'9' => regularize_number(&mut copy, at),
            _ => at + 1,
        };
    }
    (copy != body).then_some(copy)
}

/// Regularizes the string whose content begins at `at`. Returns the position after its closing quote.
fn regularize_string(copy: &mut [u8], mut at: usize) -> usize {
    loop {
        at += match copy.get(at).copied() {
            None | Some(b'"') => return at + 1,
            Some(b'\\') => match read_escaped_unit(copy, at) {
                Some(0xd800..=0xdbff) if matches!(read_escaped_unit(copy, at + 6), Some(0xdc00..=0xdfff)) => 12,
                Some(0xd800..=0xdfff) => {
                    if let Some(digits) = copy.get_mut(at + 2..at + 6) {
                        digits.copy_from_slice(b"fffd");
                    }
                    6
                }
                _ => 2,
            },
            Some(_) => 1,
        };
    }
}

/// The UTF-16 code unit of the escape at `at` (`\u` and four hexadecimal digits), if there is one.
fn read_escaped_unit(copy: &[u8], at: usize) -> Option<u16> {
    let digits = copy.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Regularizes the number that begins at `at`. Returns the position after it.
fn regularize_number(copy: &mut [u8], at: usize) -> usize {
    let rest = copy.get_mut(at..).unwrap_or_default();
    let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
    let (number, _) = rest.split_at_mut(length);
    let is_finite = std::str::from_utf8(number).is_ok_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
    if let (false, [first, others @ ..]) = (is_finite, number) {
        *first = b'0';
        others.fill(b' ');
    }
    at + length.max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::JsonDocument;

    fn regularized(text: &str) -> Option<String> {
        regularize(text.as_bytes()).map(|copy| String::from_utf8(copy).unwrap())
    }

    #[test]
    fn only_irregular_places_change_and_the_length_stays() {
        for (body, copy) in [
            (r#"{"a":"x\ud800y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"["\uDC00\uD83D\ude00\ud83d"]"#, r#"["\ufffd\uD83D\ude00\ufffd"]"#),
            (r#"["\\ud800\ud800\"1e999"]"#, r#"["\\ud800\ufffd\"1e999"]"#),
            (r"[1e999,-2E+999 ,3.5]", r"[0    ,0       ,3.5]"),
            ("\u{feff}{}", "   {}"),
        ] {
            assert_eq!(regularized(body).as_deref(), Some(copy), "{body}");
            assert!(JsonDocument::parse(body.as_bytes()).is_err(), "{body}");
            assert!(JsonDocument::parse(copy.as_bytes()).is_ok(), "{copy}");
        }
    }

    #[test]
    fn what_is_regular_or_no_json_has_no_copy() {
        for body in
            ["", "{", r#"{"a":"\ud83d\ude00\u0000"}"#, r#"["\ud800"#, r#"["\ud80"]"#, "[01e999]", "[1e999e]", "NaN"]
        {
            assert_eq!(regularized(body), None, "{body}");
        }
        assert_eq!(regularize(b"[\"\xff\\ud800\"]"), None);
    }

    proptest! {
        #[test]
        fn regularizing_any_text_yields_json_of_the_same_length(text in "[\\[\\]\\\\\"udDc80eE9+\\-,{}: \u{feff}]{0,24}") {
            if let Some(copy) = regularize(text.as_bytes()) {
                prop_assert_eq!(copy.len(), text.len());
                prop_assert!(JsonDocument::parse(&copy).is_ok());
                prop_assert_eq!(regularize(&copy), None);
            }
        }
    }
}
