use std::borrow::Cow;

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;

/// Decodes percent escapes once; `None` if one is incomplete or decodes to a control character.
#[must_use]
pub fn decode_percent(text: &str) -> Option<Cow<'_, str>> {
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

/// The segment at `place` of the path, decoded once: the router has decoded parts of its own copy. `None` if there is none, or as
/// [`decode_percent`].
#[must_use]
pub fn read_segment(http: &HttpRequest, place: usize) -> Option<String> {
    http.uri().path().split('/').nth(place).and_then(decode_percent).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::decode_percent;

    #[test]
    fn percent_escapes_are_decoded_once_and_incomplete_ones_are_refused() {
        assert_eq!(decode_percent("a%40b%2Fc%2540").as_deref(), Some("a@b/c%40"));
        for nonsense in ["%", "%4", "%zz", "%+4", "%ff", "a%00", "%0a"] {
            assert_eq!(decode_percent(nonsense), None, "{nonsense}");
        }
    }
}
