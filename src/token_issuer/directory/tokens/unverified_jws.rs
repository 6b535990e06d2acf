use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::token_refusal::TokenRefusal;
use crate::domain::is_object_text;

/// The longest token that is looked at, in bytes.
const LIMIT_BYTES: usize = 16 * 1024;

/// A compact JWS (RFC 7515 §3.1) whose signature has not been checked. `jku`, `x5u`, `x5c` and `jwk` are not even read: keys come
/// from the directory and its settings only.
pub(super) struct UnverifiedJws<'a> {
    header: JwsHeader,
    payload: Vec<u8>,
    /// The bytes that the signature covers.
    pub(super) signed: &'a [u8],
    /// The signature, base64url.
    pub(super) signature: &'a str,
}

#[derive(Deserialize)]
struct JwsHeader {
    alg: Option<Value>,
    kid: Option<Value>,
    ver: Option<Value>,
    crit: Option<IgnoredAny>,
}

impl<'a> UnverifiedJws<'a> {
    /// Takes `raw` apart. A header with `crit` is refused, because no extension is understood (RFC 7515 §4.1.11).
    pub(super) fn parse(raw: &'a str) -> Result<Self, TokenRefusal> {
        const FORM: TokenRefusal = TokenRefusal("form");
        if raw.len() > LIMIT_BYTES {
            return Err(FORM);
        }
        let (signed, signature) = raw.rsplit_once('.').ok_or(FORM)?;
        // A further dot stays in the payload, which then is not base64url.
        let (header, payload) = signed.split_once('.').ok_or(FORM)?;
        let header: JwsHeader = read_object(&URL_SAFE_NO_PAD.decode(header).map_err(|_| FORM)?)?;
        if header.crit.is_some() {
            return Err(TokenRefusal("crit"));
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| FORM)?;
        Ok(Self { header, payload, signed: signed.as_bytes(), signature })
    }

    /// `alg`; empty if it is no text.
    pub(super) fn algorithm(&self) -> &str {
        self.header.alg.as_ref().and_then(Value::as_str).unwrap_or_default()
    }

    /// `kid`, if it is a text.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_ref().and_then(Value::as_str)
    }

    /// `ver`, if it is a number.
    pub(super) fn version(&self) -> Option<u64> {
        self.header.ver.as_ref().and_then(Value::as_u64)
    }

    /// The claims. The caller has checked the signature.
    pub(super) fn claims<T: DeserializeOwned>(&self) -> Result<T, TokenRefusal> {
        read_object(&self.payload)
    }
}

fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, TokenRefusal> {
    if !is_object_text(bytes) {
        return Err(TokenRefusal("form"));
    }
    serde_json::from_slice(bytes).map_err(|_| TokenRefusal("form"))
}
