use crate::config::review::{Place, Review};
use crate::domain::SecretHash;

/// What to write, for messages.
pub(in crate::config) const HASHES_FORM: &str =
    "the hash that bot-sso keys secret prints beside the secret, as [\"<64 hexadecimal digits>\"]";

/// How many secrets a caller may have at a time: the one in use, and the one that follows it.
const MAX_SECRETS: usize = 2;

/// Secrets whose hashes stand in tutorials. They are compared by hash, because the file never has a secret.
const KNOWN_SECRETS: [&str; 12] =
    ["", "\n", "secret", "password", "changeme", "change-me", "test", "admin", "abc", "hello", "hello world", "123456"];

/// Whether the key has hashes of secrets. What stands there by mistake may be a secret, so no message repeats it.
pub(in crate::config) fn has_hashes(key: &str) -> bool {
    key.ends_with("_sha256")
}

/// Whether `text` is a hash, and therefore no secret.
pub(in crate::config) fn is_hash(text: &str) -> bool {
    SecretHash::parse(text).is_some()
}

/// The hashes at `place`, one or two.
pub(in crate::config) fn secret_hashes(
    written: Option<Vec<String>>,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Vec<SecretHash>> {
    let draw = HASHES_FORM;
    let texts = review.required(written, place, draw)?;
    if texts.is_empty() {
        review.report(place, format!("is empty, so no caller could authenticate: write {draw}"));
        return None;
    }
    if texts.len() > MAX_SECRETS {
        let message = "has more than two hashes: write that of the secret in use, and that of the one which follows it";
        review.report(place, message.to_owned());
        return None;
    }
    if let [first, second] = texts.as_slice()
        && first.eq_ignore_ascii_case(second)
    {
        review.warn(place, "has one hash twice: write it once".to_owned());
    }
    let hashes = texts.iter().enumerate().map(|(index, text)| secret_hash(text, review, &place.index(index)));
    hashes.collect::<Vec<_>>().into_iter().collect()
}

/// Messages leave the text out, because it may be the secret itself.
fn secret_hash(text: &str, review: &mut Review<'_>, place: &Place) -> Option<SecretHash> {
    let Some(hash) = SecretHash::parse(text) else {
        let message = "is no SHA-256 hash, which has 64 hexadecimal digits. The secret itself never stands in this file: \
                       draw one with bot-sso keys secret, and write the hash that it prints";
        review.report(place, message.to_owned());
        return None;
    };
    if KNOWN_SECRETS.iter().any(|known| hash.matches(known)) {
        let message =
            "is the hash of a secret that anybody guesses: draw one with bot-sso keys secret, and write its hash";
        review.report(place, message.to_owned());
        return None;
    }
    Some(hash)
}
