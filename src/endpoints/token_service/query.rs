use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::replies::Decline;

/// Longest accepted `state`, in bytes.
const MAX_STATE_BYTES: usize = 16 * 1024;
/// Longest accepted `claims`, in bytes. A challenge of more than 8 KiB is refused with a message, so longer values are
/// read too.
const MAX_CLAIMS_BYTES: usize = 64 * 1024;
/// Longest accepted `finalRedirect`, list of connections, and text for a card, in bytes.
const MAX_LONG_VALUE_BYTES: usize = 2048;
/// Longest accepted other value, in bytes: ids and names (docs/architecture.md §Security rules, rule 13).
pub(super) const MAX_VALUE_BYTES: usize = 512;

/// Parameters that are kept. The longest list of an operation has 16 elements.
const MAX_PARAMETERS: usize = 64;

/// The parameters that operations read.
const KNOWN_PARAMETERS: [&str; 11] = [
    "userId",
    "connectionName",
    "channelId",
    "code",
    "state",
    "claims",
    "include",
    "finalRedirect",
    "text",
    "title",
    "resourceUrls",
];

/// A query string as the Token Service's clients write it: names in any letter case, an empty value counts as absent
/// (docs/protocols/token-service-api.md §1 rules 1 to 3).
pub struct Query<'q> {
    values: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    /// A known parameter that is left out of `values` because its value is too long.
    overlong: Option<&'static str>,
}

impl<'q> Query<'q> {
    /// Decodes a query by the rules of forms: `+` is a space. The first value of a repeated name counts.
    #[must_use]
    pub fn parse(text: &'q str) -> Self {
        let fits = |name: &str, value: &str| {
            let limits = [
                ("state", MAX_STATE_BYTES),
                ("claims", MAX_CLAIMS_BYTES),
                ("finalRedirect", MAX_LONG_VALUE_BYTES),
                ("include", MAX_LONG_VALUE_BYTES),
                ("text", MAX_LONG_VALUE_BYTES),
                // A client may send any text from the chat as a code: a long text is a wrong code, no error.
                ("code", usize::MAX),
            ];
            let own = limits.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            let limit = own.map_or(MAX_VALUE_BYTES, |(_, limit)| *limit);
            value.len() <= limit
        };
        let known =
            |name: &str| KNOWN_PARAMETERS.into_iter().find(|known| known.eq_ignore_ascii_case(without_index(name)));
        let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let parsed = pairs.map(|(name, value)| (decode(name), decode(value))).filter(|(_, value)| !value.is_empty());
        let mut overlong = None;
        let fitting = parsed.filter(|(name, value)| {
            let fits = fits(name, value);
            if !fits {
                overlong = overlong.or(known(name));
            }
            fits
        });
        let known_only = fitting.filter(|(name, _)| known(name).is_some());
        Self { values: known_only.take(MAX_PARAMETERS).collect(), overlong }
    }

    /// Refuses a query with an overlong known parameter: it must not be handled as if that parameter were absent.
    pub(super) fn require_bounded(self) -> Result<Self, Decline> {
        match self.overlong {
            Some(name) => Err(Decline::TooLong(name)),
            None => Ok(self),
        }
    }

    /// The value of `name`, in any letter case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// All values of `name`: repeated, or with an index, `name[0]`.
    pub(super) fn list<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let named = self.values.iter().filter(move |(other, _)| without_index(other).eq_ignore_ascii_case(name));
        named.map(|(_, value)| &**value)
    }

    /// The value of a required parameter.
    pub(super) fn get(&self, name: &'static str) -> Result<&str, Decline> {
        self.find(name).ok_or(Decline::Missing(name))
    }
}

/// Decodes a name or a value of a form, as `url::form_urlencoded` does, which lets the decoded text grow byte by byte: that
/// took a tenth of the instructions of an answer from memory.
fn decode(text: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'+', b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let mut decoded = Vec::with_capacity(spaced.len());
    decoded.extend(percent_decode_str(&spaced));
    let decoded = String::from_utf8(decoded);
    Cow::Owned(decoded.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// `name` for `name[0]` and `name[]`.
fn without_index(name: &str) -> &str {
    let indexed = name.strip_suffix(']').and_then(|open| open.rsplit_once('['));
    indexed.filter(|(_, index)| index.bytes().all(|byte| byte.is_ascii_digit())).map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_in_any_letter_case_and_empty_values_are_absent() {
        let query = Query::parse("USERID=29%3A1%20a+b&&connectionname=%E4%B8%AD&channelId=&code=1=2&code=3&unknown=x");
        assert_eq!(query.find("userId"), Some("29:1 a b"));
        assert_eq!(query.find("connectionName"), Some("\u{4e2d}"));
        assert_eq!((query.find("channelId"), query.find("unknown")), (None, None));
        assert_eq!(query.find("code"), Some("1=2"));
        assert!(query.require_bounded().is_ok());
    }

    proptest! {
        #[test]
        fn a_query_is_decoded_as_the_url_library_decodes_it(text in "([a-zI&=+%0-9\u{e9}]|userId=|%[0-9a-f]{2}){0,40}") {
            let decoded: Vec<_> = text
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name).into_owned(), decode(value).into_owned()))
                .collect();
            prop_assert_eq!(decoded, url::form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>());
            let expected = url::form_urlencoded::parse(text.as_bytes())
                .find(|(name, value)| name.eq_ignore_ascii_case("userId") && !value.is_empty());
            let query = Query::parse(&text);
            prop_assert_eq!(query.find("userId"), expected.as_ref().map(|(_, value)| &**value));
        }
    }
}
