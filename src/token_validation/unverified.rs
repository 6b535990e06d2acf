use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny};
use serde_json::value::RawValue;

use super::algorithms::SignaturePolicy;
use super::claims::Claims;
use crate::domain::is_object_text;

/// The maximum length of a key id. Real key ids have some 30 bytes.
const MAX_KEY_ID_BYTES: usize = 256;

/// A token whose signature has not been checked. Its values may only choose among configured key sets.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    /// `kid`, if the header has one.
    pub(super) key_id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) claims: Claims,
    pub(super) signed: &'a [u8],
    pub(super) signature: &'a str,
}

#[derive(serde::Deserialize)]
struct Header {
    alg: Option<HeaderMember>,
    kid: Option<HeaderMember>,
    typ: Option<HeaderMember>,
    crit: Option<IgnoredAny>,
    nonce: Option<IgnoredAny>,
}

/// A header member whose value is used only if it is a string. Any other type becomes `Other`, so that the check of this
/// member refuses the token, not the parser.
enum HeaderMember {
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for HeaderMember {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        if json.starts_with('"') {
            serde_json::from_str(json).map(Self::Text).map_err(D::Error::custom)
        } else {
            Ok(Self::Other)
        }
    }
}

impl<'a> UnverifiedToken<'a> {
    /// Takes `raw` apart and makes the cheap checks of its shape; at most `limit_bytes` are looked at.
    ///
    /// `jku`, `x5u`, `x5c` and `jwk` are not even read: keys come from configured key sets only. Only RS256 is taken:
    /// it is what Entra and the Bot Framework sign with.
    ///
    /// # Errors
    /// The check that failed: `form`, `alg`, `crit`, `aud`, `typ`, `kid` (docs/protocols/entra-obo.md §1 rules 1–6,
    /// docs/protocols/bot-auth-and-skills.md §2 rules 5–7).
    pub fn parse(raw: &'a str, limit_bytes: usize) -> Result<Self, &'static str> {
        Self::parse_by(raw, limit_bytes, SignaturePolicy::Rs256WithKeyId)
    }

    /// Takes `raw` apart as [`UnverifiedToken::parse`] does, with the algorithms and key ids of `policy`.
    pub(super) fn parse_by(raw: &'a str, limit_bytes: usize, policy: SignaturePolicy) -> Result<Self, &'static str> {
        if raw.len() > limit_bytes {
            return Err("form");
        }
        // The parts are split off at both ends. A further dot stays in the payload, which then is not valid base64url.
        let (header, rest) = raw.split_once('.').ok_or("form")?;
        let (payload, signature) = rest.rsplit_once('.').ok_or("form")?;
        let header: Header = decode(header)?;
        let algorithm = check_header(&header, policy)?;
        let key_id = read_key_id(&header)?;
        if key_id.is_none() && policy.needs_key_id() {
            return Err("kid");
        }
        let claims: Claims = decode(payload)?;
        let signed_length = raw.len() - signature.len() - 1;
        let signed = raw.as_bytes().get(..signed_length).ok_or("form")?;
        Ok(Self { key_id, algorithm, claims, signed, signature })
    }

    /// The `kid` of the header: the key that the token says it is signed with; empty if there is none.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key_id.as_deref().unwrap_or_default()
    }

    /// The bytes that the signature covers: header and payload.
    #[must_use]
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// The signature, base64url.
    #[must_use]
    pub fn signature(&self) -> &'a str {
        self.signature
    }

    /// The claim `name`, if it is one that is read at all and a text that is not empty.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.text(name)
    }
}

/// The audiences (`aud`, a text or a list) that the token `raw` claims, if its payload can be read and is not longer than
/// `limit_bytes`. Nothing of the token is verified, so a value may only choose among configured connections, each of which
/// validates the token then.
pub(super) fn read_audiences(raw: &str, limit_bytes: usize) -> Option<Vec<String>> {
    let payload = Some(raw).filter(|raw| raw.len() <= limit_bytes)?.split('.').nth(1)?;
    decode::<Claims>(payload).ok()?.texts("aud")
}

/// The claims of `raw`, whose signature and issuer have been proven before.
pub(super) fn read_claims(raw: &str) -> Option<Claims> {
    decode(raw.split('.').nth(1)?).ok()
}

/// `kid`; `None` if it is absent or null.
fn read_key_id(header: &Header) -> Result<Option<String>, &'static str> {
    match &header.kid {
        None => Ok(None),
        Some(HeaderMember::Text(key_id)) if (1..=MAX_KEY_ID_BYTES).contains(&key_id.len()) => Ok(Some(key_id.clone())),
        Some(_) => Err("kid"),
    }
}

fn check_header(header: &Header, policy: SignaturePolicy) -> Result<Algorithm, &'static str> {
    let Some(HeaderMember::Text(named)) = &header.alg else { return Err("alg") };
    let algorithm = policy.find(named).ok_or("alg")?;
    if header.crit.is_some() {
        return Err("crit");
    }
    // A token for Microsoft Graph: its signature covers a hashed nonce, so only Graph can verify it
    // (docs/protocols/entra-obo.md §1 rule 5).
    if header.nonce.is_some() {
        return Err("aud");
    }
    match &header.typ {
        None => Ok(algorithm),
        Some(HeaderMember::Text(typ)) if policy.admits_type(typ.strip_prefix("application/").unwrap_or(typ)) => {
            Ok(algorithm)
        }
        Some(_) => Err("typ"),
    }
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "form")?;
    // As text: what no rule reads is passed over by the JSON reader, and other readers would refuse it.
    let text = std::str::from_utf8(&bytes).map_err(|_| "form")?;
    if !is_object_text(&bytes) {
        return Err("form");
    }
    serde_json::from_str(text).map_err(|_| "form")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    fn refusal(header: &str, payload: &str) -> &'static str {
        UnverifiedToken::parse(&token(header, payload), 16_384).unwrap_err()
    }

    #[test]
    fn a_well_formed_token_is_taken_apart() {
        let raw = token(r#"{"alg":"RS256","kid":"k","typ":"JWT"}"#, r#"{"iss":"i"}"#);
        let parsed = UnverifiedToken::parse(&raw, 16_384).unwrap();
        assert_eq!((parsed.key_id(), parsed.signature), ("k", "c2ln"));
        assert_eq!(parsed.claims.text("iss"), Some("i"));
        assert_eq!(parsed.signed, raw.strip_suffix(".c2ln").unwrap().as_bytes());
    }

    #[test]
    fn hostile_headers_are_refused_before_anything_is_fetched() {
        for (header, check) in [
            (r#"{"alg":"none","kid":"k"}"#, "alg"),
            (r#"{"alg":"NONE","kid":"k"}"#, "alg"),
            (r#"{"alg":"HS256","kid":"k"}"#, "alg"),
            (r#"{"alg":"ES256","kid":"k"}"#, "alg"),
            (r#"{"alg":"PS256","kid":"k"}"#, "alg"),
            (r#"{"alg":["RS256"],"kid":"k"}"#, "alg"),
            (r#"{"kid":"k"}"#, "alg"),
            (r#"{"alg":"RS256","kid":"k","crit":["b64"],"b64":false}"#, "crit"),
            (r#"{"alg":"RS256","kid":"k","nonce":"x"}"#, "aud"),
            (r#"{"alg":"RS256","kid":"k","typ":"dpop+jwt"}"#, "typ"),
            (r#"{"alg":"RS256"}"#, "kid"),
            (r#"{"alg":"RS256","kid":""}"#, "kid"),
            (r#"{"alg":"RS256","kid":7}"#, "kid"),
            (r#"["RS256"]"#, "form"),
            ("", "form"),
        ] {
            assert_eq!(refusal(header, "{}"), check, "{header}");
        }
        let long = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(257));
        assert_eq!(refusal(&long, "{}"), "kid");
    }

    #[test]
    fn other_asymmetric_algorithms_and_unnamed_keys_are_taken_where_the_policy_says_so() {
        let parse = |header: &str| {
            let raw = token(header, "{}");
            let parsed = UnverifiedToken::parse_by(&raw, 16_384, SignaturePolicy::AnnouncedAsymmetric);
            parsed.map(|parsed| (parsed.algorithm, parsed.key_id))
        };
        assert_eq!(parse(r#"{"alg":"ES256"}"#), Ok((Algorithm::ES256, None)));
        assert_eq!(parse(r#"{"alg":"EdDSA","kid":null}"#), Ok((Algorithm::EdDSA, None)));
        assert_eq!(parse(r#"{"alg":"PS512","kid":"k"}"#), Ok((Algorithm::PS512, Some("k".to_owned()))));
        for alg in ["none", "HS256", "HS512", "es256", "ES512", "ES256K", "RSA-OAEP"] {
            assert_eq!(parse(&format!(r#"{{"alg":"{alg}","kid":"k"}}"#)), Err("alg"), "{alg}");
        }
        assert_eq!(parse(r#"{"alg":"ES256","kid":7}"#), Err("kid"));
        assert_eq!(parse(r#"{"alg":"ES256","kid":""}"#), Err("kid"));
    }

    #[test]
    fn what_is_not_three_unpadded_parts_is_no_token() {
        let good = token(r#"{"alg":"RS256","kid":"k"}"#, "{}");
        for raw in
            ["", ".", "..", "a.b", &format!("{good}.x"), &format!("{good}.x.y"), &good.replace('.', "=."), "é.é.é"]
        {
            assert_eq!(UnverifiedToken::parse(raw, 16_384).unwrap_err(), "form", "{raw}");
        }
        assert_eq!(UnverifiedToken::parse(&good, good.len() - 1).unwrap_err(), "form");
    }

    #[test]
    fn a_claim_that_occurs_twice_in_any_case_is_refused() {
        let header = r#"{"alg":"RS256","kid":"k"}"#;
        assert_eq!(refusal(header, r#"{"tid":"a","TID":"b"}"#), "form");
        assert_eq!(refusal(header, r#"{"tid":"a","tid":"a"}"#), "form");
        assert!(UnverifiedToken::parse(&token(header, r#"{"x":1,"X":2}"#), 16_384).is_ok());
    }

    proptest! {
        #[test]
        fn no_input_panics(raw in any::<String>()) {
            let _ = UnverifiedToken::parse(&raw, 16_384);
        }

        #[test]
        fn no_header_or_payload_panics(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>()) {
            let raw = format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            let _ = UnverifiedToken::parse(&raw, 16_384);
        }

        #[test]
        fn times_of_any_size_are_handled(exp in any::<f64>(), nbf in any::<i64>()) {
            let raw = token(r#"{"alg":"RS256","kid":"k"}"#, &serde_json::json!({"exp": exp, "nbf": nbf}).to_string());
            let _ = UnverifiedToken::parse(&raw, 16_384).unwrap().claims.lifetime();
        }
    }
}
