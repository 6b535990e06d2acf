use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// Whether `headers` say that the body is a form in UTF-8, without a content coding (RFC 6749 §4, appendix B).
#[must_use]
pub fn announces_form(headers: &HeaderMap) -> bool {
    announces(headers, FORM_TYPE)
}

/// Whether `headers` say that the body is of `media_type`, in UTF-8 and without a content coding.
pub(super) fn announces(headers: &HeaderMap, media_type: &str) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE);
    let (Some(content_type), None) = (types.next(), types.next()) else { return false };
    let Ok(text) = content_type.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let is_this = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
    let is_utf_8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    is_this
        && is_utf_8
        && headers.get_all(CONTENT_ENCODING).all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_form_is_known_by_its_content_type() {
        let check = |types: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for content_type in types {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            announces_form(&headers)
        };
        for content_type in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=\"utf-8\"",
        ] {
            assert!(check(&[content_type]), "{content_type}");
        }
        for content_type in ["application/json", "application/x-www-form-urlencoded; charset=utf-16", "", "text/plain"]
        {
            assert!(!check(&[content_type]), "{content_type}");
        }
        assert!(!check(&[]) && !check(&[FORM_TYPE, FORM_TYPE]));
    }

    #[test]
    fn a_form_with_a_content_coding_is_none() {
        for (coding, is_form) in [("identity", true), ("Identity", true), ("gzip", false), ("identity, gzip", false)] {
            let mut headers = HeaderMap::new();
            headers.append(CONTENT_TYPE, HeaderValue::from_static(FORM_TYPE));
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
            assert_eq!(announces_form(&headers), is_form, "{coding}");
        }
    }
}
