use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::inbound::decode_percent;

/// What is escaped in a segment of a path: all but the characters that RFC 3986 §3.3 permits there.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// How often a server may decode a path that is escaped again and again.
const MAX_DECODINGS: usize = 8;
/// Characters that some servers take for a dot, a slash or a backslash, because Unicode normalization (NFKC) makes them one.
const LIKE_DOTS: [char; 5] = ['\u{2024}', '\u{2025}', '\u{2026}', '\u{fe52}', '\u{ff0e}'];
const LIKE_SLASHES: [char; 3] = ['\u{fe68}', '\u{ff0f}', '\u{ff3c}'];

/// A path below the base of a downstream API, which no server reads as one that leaves the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BelowBase {
    /// Decoded; it begins with `/`.
    decoded: String,
}

impl BelowBase {
    /// Reads the raw path `raw`, which begins behind the slash that ends the base. `None` if it cannot be decoded, or if a
    /// server might read a segment of it as several ones, as none, as a dot segment or as a query, however often the server
    /// decodes it.
    pub(super) fn read(raw: &str) -> Option<Self> {
        let count = raw.split('/').count();
        let mut decoded = String::with_capacity(raw.len() + 1);
        for (number, segment) in raw.split('/').enumerate() {
            let segment = decode_percent(segment)?;
            // A slash at the end is the only empty segment.
            let ends_with_slash = segment.is_empty() && number + 1 == count;
            if !ends_with_slash && !is_one_segment(&segment) {
                return None;
            }
            decoded.push('/');
            decoded.push_str(&segment);
        }
        Some(Self { decoded })
    }

    /// The decoded path, as lists of paths have it.
    pub(super) fn decoded(&self) -> &str {
        &self.decoded
    }

    /// The path in its canonical escaped form, so that the API gets exactly what was compared with the list.
    pub(super) fn escaped(&self) -> String {
        let segments = self.decoded.split('/').map(|segment| utf8_percent_encode(segment, ESCAPED).to_string());
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Whether `segment`, decoded once, is one segment for every server, also for those that decode it again.
fn is_one_segment(segment: &str) -> bool {
    let mut text = Cow::Borrowed(segment);
    for _ in 0..MAX_DECODINGS {
        if leads_elsewhere(&text) {
            return false;
        }
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else { return false };
        if decoded == text {
            return true;
        }
        text = Cow::Owned(decoded.into_owned());
    }
    false
}

/// Whether a server may read the segment as several ones, as none or as a dot segment. Some servers remove what follows a
/// semicolon, and blanks and dots at the end.
fn leads_elsewhere(segment: &str) -> bool {
    let is_delimiter =
        |letter: char| matches!(letter, '/' | '\\' | '?') || letter.is_control() || LIKE_SLASHES.contains(&letter);
    let name = segment.split(';').next().unwrap_or(segment);
    let is_nothing = |letter: char| letter == '.' || letter.is_whitespace() || LIKE_DOTS.contains(&letter);
    segment.chars().any(is_delimiter) || name.chars().all(is_nothing)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_escaped_canonically() {
        for (raw, decoded, escaped) in [
            ("me", "/me", "/me"),
            (
                "me/drive/root:/My%20files/a%23b.docx:/content",
                "/me/drive/root:/My files/a#b.docx:/content",
                "/me/drive/root:/My%20files/a%23b.docx:/content",
            ),
            ("%6De", "/me", "/me"),
            ("delta(token='a')/$ref", "/delta(token='a')/$ref", "/delta(token='a')/$ref"),
            ("caf%C3%A9/100%25", "/café/100%", "/caf%C3%A9/100%25"),
            ("a;v=1/..b/c..", "/a;v=1/..b/c..", "/a;v=1/..b/c.."),
            ("me/", "/me/", "/me/"),
            ("", "/", "/"),
        ] {
            let path = BelowBase::read(raw).unwrap_or_else(|| panic!("{raw} is refused"));
            assert_eq!((path.decoded(), path.escaped().as_str()), (decoded, escaped), "{raw}");
        }
    }

    #[test]
    fn a_path_that_some_server_reads_as_another_is_refused() {
        for raw in [
            "..",
            ".",
            "me/..",
            "me/../users",
            "me/./x",
            "%2e%2e/users",
            "%2E./users",
            ".%2e",
            "me/%2e%2e%2fusers",
            "me%2fx",
            "me%2Fx",
            "me%5cx",
            "me\\x",
            "me//x",
            "//evil.example.com",
            "/x",
            "..;/users",
            "..;a=b/users",
            ";/x",
            "%3b/x",
            "..%3b/users",
            "%252e%252e/users",
            "%25252e%25252e",
            "me%252fx",
            "me%255cx",
            "%c0%ae%c0%ae",
            "%ff",
            "me%00",
            "me%0d%0aX: y",
            "me%09",
            "me%0a",
            "me%250a",
            "me%3fx=1",
            "me%253fx",
            "http:%2f%2fevil.example.com",
            "https://evil.example.com",
            "%",
            "%2",
            "%zz",
            "...",
            "..%20",
            "%20",
            "..%20;x",
            "%ef%bc%8e%ef%bc%8e/users",
            "me%ef%bc%8fx",
            "me%ef%bc%bcx",
            "%e2%80%a5/x",
        ] {
            assert_eq!(BelowBase::read(raw), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_has_no_dot_segment_after_any_decoding(raw in "[a.%25eEfF/;\\\\c ]{0,24}") {
            if let Some(path) = BelowBase::read(&raw) {
                let mut text = path.escaped();
                for _ in 0..MAX_DECODINGS {
                    let mut url = url::Url::parse("http://api.example.com").unwrap();
                    url.set_path(&format!("/v1.0/base{text}"));
                    prop_assert!(url.path().starts_with("/v1.0/base/"), "{raw} {text}");
                    prop_assert!(text.split(['/', '\\']).all(|segment| segment != ".." && segment != "."), "{raw} {text}");
                    text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
                }
            }
        }
    }
}
