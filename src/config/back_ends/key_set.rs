use std::path::Path;

use serde_json::Value;

use crate::config::review::{Place, Review};

/// The members of a key that only its owner may have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The least length of an RSA modulus in base64url, which is that of 2048 bits.
const MIN_MODULUS_CHARACTERS: usize = 342;

/// The curves of EC keys.
const CURVES: [&str; 2] = ["P-256", "P-384"];

/// Reads the key set in the file `path`: public keys alone.
pub(super) fn public_key_set(path: &Path, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let content = review.public_file(path, place)?;
    let text = String::from_utf8(content).ok();
    let set = text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let keys = set.as_ref().and_then(|set| set.get("keys")?.as_array()).filter(|keys| !keys.is_empty());
    let Some(keys) = keys else {
        let message =
            "holds no key set: write a file with {\"keys\": [{\"kty\": \"RSA\", \"kid\": …, \"n\": …, \"e\": …}]}";
        review.report(place, message.to_owned());
        return None;
    };
    let message = if keys.iter().any(is_private) {
        "holds a private or a shared key, which the back end alone may have: write the public keys, and give the back end a new \
         pair if others could read this file"
    } else if !keys.iter().any(is_usable) {
        "holds no key that assertions are checked with: write public keys for signatures, RSA of 2048 bits or more, or EC on \
         P-256 or P-384"
    } else {
        return text;
    };
    review.report(place, message.to_owned());
    None
}

fn is_private(key: &Value) -> bool {
    PRIVATE_MEMBERS.iter().any(|member| key.get(member).is_some())
}

fn is_usable(key: &Value) -> bool {
    let text = |member: &str| key.get(member).and_then(Value::as_str);
    let has_fitting_numbers = match text("kty") {
        Some("RSA") => text("n").is_some_and(|n| n.len() >= MIN_MODULUS_CHARACTERS) && text("e").is_some(),
        Some("EC") => {
            text("crv").is_some_and(|curve| CURVES.contains(&curve)) && text("x").is_some() && text("y").is_some()
        }
        _ => false,
    };
    has_fitting_numbers && text("use").is_none_or(|purpose| purpose == "sig")
}
