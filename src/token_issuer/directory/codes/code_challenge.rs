use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::domain::SecretHash;

/// The challenge that a code's verifier must fit (RFC 7636).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeChallenge {
    /// `base64url(SHA-256(verifier))` without padding.
    S256(String),
    /// The form of `ibmcloud-appid-js`: padded base64 of the hexadecimal SHA-256 (docs/protocols/app-id.md).
    HexS256(String),
}

/// The lengths that a verifier may have (RFC 7636 §4.1).
const VERIFIER_CHARACTERS: std::ops::RangeInclusive<usize> = 43..=128;

impl CodeChallenge {
    /// Reads `code_challenge` with `code_challenge_method`: `S256` in both forms, by its length and alphabet. `None` for `plain`,
    /// another method, no method, and what is no challenge.
    #[must_use]
    pub fn read(challenge: &str, method: Option<&str>) -> Option<Self> {
        if method != Some("S256") {
            return None;
        }
        if challenge.len() == 43 {
            return URL_SAFE_NO_PAD.decode(challenge).is_ok().then(|| Self::S256(challenge.to_owned()));
        }
        let digits = STANDARD.decode(challenge).ok().filter(|bytes| bytes.len() == 64)?;
        let is_digest = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        is_digest.then(|| Self::HexS256(challenge.to_owned()))
    }

    /// Whether `verifier` fits. Compared in constant time.
    #[must_use]
    pub fn fits(&self, verifier: &str) -> bool {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !VERIFIER_CHARACTERS.contains(&verifier.len()) || !verifier.bytes().all(is_unreserved) {
            return false;
        }
        let (expected, computed) = match self {
            Self::S256(challenge) => (challenge, URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))),
            Self::HexS256(challenge) => (challenge, STANDARD.encode(SecretHash::of(verifier).to_text())),
        };
        verify_slices_are_equal(expected.as_bytes(), computed.as_bytes()).is_ok()
    }
}
