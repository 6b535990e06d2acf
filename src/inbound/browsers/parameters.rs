//! What browsers bring: parameters of queries and forms, and cookies.

use std::borrow::Cow;

/// Longest accepted value of a parameter, in bytes; authorization codes are the longest.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// The value of the parameter `name`, in any letter case; `None` if it is absent or empty. A repeated or overlong
/// parameter is present but invalid (RFC 6749 §3.1): its value is the empty text, which no step accepts.
#[must_use]
pub fn find_parameter<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let mut values = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(other, value)| other.eq_ignore_ascii_case(name) && !value.is_empty())
        .map(|(_, value)| value);
    let value = values.next()?;
    let is_usable = values.next().is_none() && value.len() <= MAX_VALUE_BYTES;
    Some(if is_usable { value } else { Cow::default() })
}

/// The value of the cookie `name` in the values of the header `Cookie` (RFC 6265 §4.2.1): the first cookie of this name
/// counts.
pub fn find_cookie<'c>(headers: impl Iterator<Item = &'c str>, name: &str) -> Option<&'c str> {
    list_cookies(headers, name).next()
}

/// The values of all cookies `name` in the values of the header `Cookie`.
pub(super) fn list_cookies<'c>(headers: impl Iterator<Item = &'c str>, name: &str) -> impl Iterator<Item = &'c str> {
    let pairs = headers.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.filter(move |(other, _)| other.trim() == name).map(|(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::find_parameter;

    #[test]
    fn a_repeated_or_overlong_parameter_is_empty() {
        let long = format!("code={}", "x".repeat(super::MAX_VALUE_BYTES + 1));
        assert_eq!(find_parameter("a=1&SignIn=x%26y+z", "signin").as_deref(), Some("x&y z"));
        for nothing in ["", "code=", "codes=1"] {
            assert_eq!(find_parameter(nothing, "code"), None, "{nothing}");
        }
        for unusable in ["code=1&Code=1", &long] {
            assert_eq!(find_parameter(unusable, "code").as_deref(), Some(""), "{unusable}");
        }
    }
}
