//! The members of well-formed JSON as bytes: what is passed on keeps the spelling of the sender.

use std::borrow::Cow;

use memchr::memchr2;

use crate::domain::write_string_literal;

/// A member of an object, as it is written.
#[derive(Clone, Copy)]
pub(super) struct RawMember<'b> {
    /// The name, with its quotes.
    pub(super) literal: &'b [u8],
    /// The value.
    pub(super) value: &'b [u8],
}

impl RawMember<'_> {
    /// The name that the literal spells.
    pub(super) fn name(&self) -> Cow<'_, str> {
        let quoted = std::str::from_utf8(self.literal).unwrap_or_default();
        match quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(name) if !name.contains('\\') => Cow::Borrowed(name),
            // Only a name with escapes is decoded, and the text is well-formed.
            _ => Cow::Owned(serde_json::from_str(quoted).unwrap_or_default()),
        }
    }
}

/// The members of the object that well-formed `json` consists of, in their order; none if it is no object.
pub(super) fn members_of(json: &[u8]) -> impl Iterator<Item = RawMember<'_>> {
    parts_of(json, b'{').filter_map(|part| {
        let colon = find_end(part, 0, b":")?;
        let (literal, value) = (part.get(..colon)?.trim_ascii(), part.get(colon + 1..)?.trim_ascii());
        Some(RawMember { literal, value })
    })
}

/// The value of the member `name` of the object that well-formed `json` consists of.
pub(super) fn find_member<'b>(json: &'b [u8], name: &str) -> Option<&'b [u8]> {
    members_of(json).find_map(|member| (member.name() == name).then_some(member.value))
}

/// The elements of the array that well-formed `json` consists of, in their order; none if it is no array.
pub(super) fn elements_of(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    parts_of(json, b'[').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// What commas separate inside the value that begins with the byte `opening`, with the space around it; one empty part if
/// there is nothing inside.
pub(super) fn parts_of(json: &[u8], opening: u8) -> impl Iterator<Item = &[u8]> {
    let begins = json.trim_ascii_start().first() == Some(&opening);
    let mut rest = json.trim_ascii_start().get(1..).filter(|_| begins);
    std::iter::from_fn(move || {
        let left = rest?;
        let end = find_end(left, 0, b",}]")?;
        rest = left.get(end + 1..).filter(|_| left.get(end) == Some(&b','));
        left.get(..end)
    })
}

/// The position of the first of `ends` at or after `from` that lies in no string, array or object that begins there.
pub(super) fn find_end(json: &[u8], from: usize, ends: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, from);
    loop {
        let byte = *json.get(at)?;
        match byte {
            _ if depth == 0 && ends.contains(&byte) => return Some(at),
            b'"' => at = find_closing_quote(json, at + 1)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
}

/// What happens to a member of an object.
pub(super) enum Fate<'c> {
    Kept,
    Removed,
    /// The value becomes this text.
    Replaced(&'c str),
}

/// Writes the object that well-formed `body` consists of with its members treated as `fates` say, one for each member.
/// All other bytes stay as they are.
pub(super) fn rewrite<'c>(body: &[u8], fates: impl Iterator<Item = Fate<'c>>) -> Option<Vec<u8>> {
    let mut at = body.iter().position(|byte| *byte == b'{')? + 1;
    let mut written = Vec::with_capacity(body.len() + 64);
    written.extend_from_slice(body.get(..at)?);
    let mut is_first = true;
    for fate in fates {
        // From the comma before the member, or the opening brace, to the comma after it, or the closing brace.
        let end = find_end(body, at, b",}")?;
        let member = body.get(at..end)?;
        if !matches!(fate, Fate::Removed) {
            written.extend_from_slice(if is_first { b"" } else { b"," });
            is_first = false;
        }
        match fate {
            Fate::Removed => {}
            Fate::Kept => written.extend_from_slice(member),
            Fate::Replaced(text) => {
                let colon = find_end(member, 0, b":")?;
                let value = member.get(colon + 1..)?;
                written.extend_from_slice(member.get(..=colon)?);
                written.extend_from_slice(value.get(..value.len() - value.trim_ascii_start().len())?);
                write_string_literal(&mut written, text);
                written.extend_from_slice(value.get(value.trim_ascii_end().len()..)?);
            }
        }
        at = end + 1;
    }
    let end = at.checked_sub(1)?;
    (body.get(end) == Some(&b'}')).then_some(())?;
    written.extend_from_slice(body.get(end..)?);
    Some(written)
}

fn find_closing_quote(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', json.get(at..)?)?;
        if json.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn members_are_found_as_they_are_written() {
        let json = br#" { "a" : [1, {"b":"}"}] ,"\u0062":"x\",y" , "c":{},"d":1.0 } "#;
        let written: Vec<_> = members_of(json).map(|member| (member.name().into_owned(), member.value)).collect();
        let expected: [(&str, &[u8]); 4] =
            [("a", br#"[1, {"b":"}"}]"#), ("b", br#""x\",y""#), ("c", b"{}"), ("d", b"1.0")];
        assert_eq!(written.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>(), expected);
        assert_eq!(find_member(json, "d"), Some(b"1.0".as_slice()));
        assert_eq!(find_member(json, "e"), None);
    }

    #[test]
    fn what_is_empty_or_of_another_kind_has_no_parts() {
        for json in ["{}", " { } ", "[]", "[ ]", "0", "\"{\"", "", "null"] {
            assert_eq!(members_of(json.as_bytes()).count() + elements_of(json.as_bytes()).count(), 0, "{json}");
        }
        assert_eq!(members_of(b"[1]").count() + elements_of(br#"{"a":1}"#).count(), 0);
    }

    proptest! {
        #[test]
        fn the_parts_of_any_json_are_those_that_serde_json_reads(
            texts in proptest::collection::vec(any::<String>(), 0..5),
            number in any::<i64>(),
        ) {
            let inner = serde_json::json!({"texts": texts, "n": number, "deep": [[{}], []]});
            let array = Value::from(vec![inner.clone(), Value::Null, Value::from(texts.concat())]);
            let json = serde_json::to_vec_pretty(&array).unwrap();
            let elements = elements_of(&json).map(|element| serde_json::from_slice::<Value>(element).unwrap());
            prop_assert_eq!(Value::Array(elements.collect()), array);
            let json = serde_json::to_vec_pretty(&inner).unwrap();
            let members = members_of(&json)
                .map(|member| (member.name().into_owned(), serde_json::from_slice::<Value>(member.value).unwrap()));
            prop_assert_eq!(Value::Object(members.collect()), inner);
        }
    }
}
