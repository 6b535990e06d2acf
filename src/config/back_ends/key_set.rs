use std::path::Path;

use serde_json::Value;

use crate::config::review::{Place, Review};

/// The members of a key that only its owner may have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The kinds of public keys that assertions are checked with.
const KINDS: [&str; 2] = ["RSA", "EC"];

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
    if let Some(problem) = keys.iter().find_map(find_problem) {
        review.report(place, problem.to_owned());
        return None;
    }
    text
}

fn find_problem(key: &Value) -> Option<&'static str> {
    let kind = key.get("kty").and_then(Value::as_str);
    if PRIVATE_MEMBERS.iter().any(|member| key.get(member).is_some()) {
        return Some(
            "holds a private or a shared key, which the back end alone may have: write the public keys, and give the back \
             end a new pair if others could read this file",
        );
    }
    if !kind.is_some_and(|kind| KINDS.contains(&kind)) {
        return Some(
            "holds a key that is neither RSA nor EC: write the back end's public keys (kty \"RSA\" or \"EC\")",
        );
    }
    None
}
