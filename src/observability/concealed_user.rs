use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::hmac;

use crate::domain::{Entropy, SystemEntropy, UserKey};

/// The key of the digests. A process has one log, so this is global.
static KEY: OnceLock<hmac::Key> = OnceLock::new();
/// Whether a debug line says which subject each digest stands for.
static SHOWS_SUBJECTS: AtomicBool = AtomicBool::new(false);

/// How many bytes of a digest are shown: enough that two users of a service never have the same.
const SHOWN_BYTES: usize = 8;

/// A user as a log line shows it (docs/security.md §What the log says of users).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcealedUser(String);

impl fmt::Display for ConcealedUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Sets the key of the digests that stand for users in the log of this process. The first key stays, so that all lines
/// about a user can be joined.
pub fn set_user_digest_key(key: [u8; 32]) {
    KEY.get_or_init(|| hmac::Key::new(hmac::HMAC_SHA256, &key));
}

/// Whether a debug line says which subject each digest stands for.
pub(super) fn show_subjects(shown: bool) {
    SHOWS_SUBJECTS.store(shown, Ordering::Relaxed);
}

/// What a log line says of `user`: `oid@tid` for a user of Entra, whose two ids have a meaning only inside the tenant and are
/// what its administrator searches for, else `digest:<digest>@<issuer>`, because a subject may be an e-mail address. If
/// subjects are shown, a debug line has the subject beside the digest.
#[must_use]
pub fn conceal(user: &UserKey) -> ConcealedUser {
    let is_guid = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    if user.tenant_id().is_some_and(is_guid) && is_guid(user.subject()) {
        return ConcealedUser(user.to_string());
    }
    let concealed = ConcealedUser(format!("digest:{}@{}", compute_digest(user), user.issuer()));
    if SHOWS_SUBJECTS.load(Ordering::Relaxed) {
        tracing::debug!(user = %concealed, subject = user.subject(), "the subject of a digest");
    }
    concealed
}

fn compute_digest(user: &UserKey) -> String {
    let key = KEY.get_or_init(|| {
        let mut material = zeroize::Zeroizing::new([0; 32]);
        SystemEntropy.fill(material.as_mut_slice());
        hmac::Key::new(hmac::HMAC_SHA256, material.as_slice())
    });
    let mut context = hmac::Context::with_key(key);
    for part in [user.issuer(), user.subject()] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.sign();
    digest.as_ref().iter().take(SHOWN_BYTES).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_entra_is_shown_and_any_other_is_a_digest_that_stays_the_same() {
        let entra = UserKey::entra("aaaaaaaa-0000-4000-8000-000000000001", "22222222-2222-4222-8222-222222222222");
        assert_eq!(conceal(&entra).to_string(), entra.to_string());
        let issuer = "https://issuer.example/realm";
        let shown = |subject: &str| conceal(&UserKey::from_parts(issuer, subject)).to_string();
        let ada = shown("ada@example.com");
        assert!(
            ada.starts_with("digest:") && ada.ends_with(&format!("@{issuer}")) && !ada.contains("example.com"),
            "{ada}"
        );
        assert_eq!(ada, shown("ada@example.com"));
        assert_ne!(ada, shown("ben@example.com"));
        assert_ne!(ada, conceal(&UserKey::from_parts("https://other.example", "ada@example.com")).to_string());
        let odd = conceal(&UserKey::entra("ada@example.com", "22222222-2222-4222-8222-222222222222")).to_string();
        assert!(!odd.contains("ada@"), "{odd}");
    }
}
