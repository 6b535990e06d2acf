use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::value::RawValue;

use crate::domain::ClaimsChallenge;

const NAME: &str = "claims=";
const INDIFFERENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ENGINES: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&STANDARD, INDIFFERENT), GeneralPurpose::new(&URL_SAFE, INDIFFERENT)];

/// Finds the claims challenge in a value of `WWW-Authenticate` (docs/protocols/entra-obo.md §2). APIs write it as base64, or as
/// JSON whose quotes are escaped or are not.
pub(super) fn find_claims(challenge: &str) -> Option<ClaimsChallenge> {
    let lower = challenge.to_ascii_lowercase();
    let mut places = lower.match_indices(NAME).filter_map(|(at, name)| {
        let begins_a_word = !lower.get(..at)?.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        begins_a_word.then(|| challenge.get(at + name.len()..)).flatten()
    });
    places.find_map(read_value)
}

fn read_value(rest: &str) -> Option<ClaimsChallenge> {
    let rest = rest.trim_start();
    let (value, is_quoted) = rest.strip_prefix('"').map_or((rest, false), |value| (value, true));
    if value.trim_start().starts_with('{') {
        return ClaimsChallenge::parse(&unescape(value)).or_else(|| ClaimsChallenge::parse(read_json(value)?));
    }
    let end = |letter: char| if is_quoted { letter == '"' } else { letter == ',' || letter.is_ascii_whitespace() };
    let encoded = value.split(end).next()?.trim();
    let decoded = ENGINES.iter().find_map(|engine| engine.decode(encoded).ok())?;
    ClaimsChallenge::parse(std::str::from_utf8(&decoded).ok()?)
}

/// The content of a quoted string (RFC 9110 §5.6.4) up to its end.
fn unescape(value: &str) -> String {
    let mut content = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => content.extend(letters.next()),
            letter => content.push(letter),
        }
    }
    content
}

/// The JSON value at the beginning of `text`.
fn read_json(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values.next()?.ok().map(RawValue::get)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

    #[test]
    fn claims_are_found_however_the_challenge_writes_them() {
        let escaped = CLAIMS.replace('"', "\\\"");
        for challenge in [
            format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(CLAIMS)),
            format!("Bearer error=\"insufficient_claims\", claims=\"{}\", x=\"y\"", URL_SAFE_NO_PAD.encode(CLAIMS)),
            format!("Bearer Claims={}, error=insufficient_claims", STANDARD.encode(CLAIMS)),
            format!("Bearer claims=\"{escaped}\", error=\"insufficient_claims\""),
            format!("Bearer error=\"insufficient_claims\", claims=\"{CLAIMS}\", x=\"y\""),
            format!("Bearer no_claims=\"x\", claims=\"{}\"", STANDARD.encode(CLAIMS)),
        ] {
            assert_eq!(find_claims(&challenge).unwrap().as_str(), CLAIMS, "{challenge}");
        }
    }

    #[test]
    fn what_is_no_challenge_has_no_claims() {
        for challenge in [
            "Bearer",
            "Bearer claims=\"\"",
            "Bearer claims=\"%%%\"",
            "Bearer claims=\"{}\"",
            "Bearer claims=\"e30=\"",
            "Bearer xclaims=\"eyJhIjoxfQ==\"",
            "claims=",
        ] {
            assert!(find_claims(challenge).is_none(), "{challenge}");
        }
    }
}
