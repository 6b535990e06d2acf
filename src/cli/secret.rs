use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Entropy, Secret, SecretHash};

/// Begins every drawn secret, so that a scanner of repositories or logs recognises one.
const PREFIX: &str = "bsso_";

/// A secret of a caller, and the hash that the configuration has of it. `Display` writes the secret: it is printed once.
pub(super) struct DrawnSecret {
    secret: Secret,
    hash: SecretHash,
}

/// Draws a secret of 256 random bits. No character of it needs an escape in a form, a header or a shell.
pub(super) fn draw_secret(entropy: &dyn Entropy) -> DrawnSecret {
    let mut bits = [0; 32];
    entropy.fill(&mut bits);
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits));
    DrawnSecret { hash: SecretHash::of(&secret), secret: Secret::new(secret) }
}

impl fmt::Display for DrawnSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.hash.to_text();
        write!(
            formatter,
            "secret  {}\nsha256  {hash}\n\nGive the secret to the caller: it is not shown again. Paste the hash where the \
             caller is configured,\nbeside that of the secret in use if there is one:\n  secret_sha256 = [\"{hash}\"]         \
             # [back_ends.<name>], or an entry of callers of [add_ins.<name>]\n  service_token_sha256 = [\"{hash}\"]  # \
             [apps.<id>]\nA running service reads the hashes again after SIGHUP.",
            self.secret.expose()
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::SystemEntropy;

    /// The word behind `label` in the line that begins with it.
    fn find<'t>(text: &'t str, label: &str) -> &'t str {
        text.lines().find_map(|line| line.strip_prefix(label)).unwrap().trim()
    }

    #[test]
    fn a_drawn_secret_is_printed_once_with_its_own_hash_and_the_lines_to_paste() {
        let text = draw_secret(&SystemEntropy).to_string();
        let (secret, hash) = (find(&text, "secret  "), find(&text, "sha256  "));
        assert_eq!(text.matches(secret).count(), 1, "{text}");
        assert!(SecretHash::parse(hash).unwrap().matches(secret), "{text}");
        for line in [format!("secret_sha256 = [\"{hash}\"]"), format!("service_token_sha256 = [\"{hash}\"]")] {
            assert!(text.contains(&line), "{text}");
        }
    }

    #[test]
    fn a_drawn_secret_has_256_bits_that_no_other_has_and_no_character_that_needs_an_escape() {
        let (first, second) = (draw_secret(&SystemEntropy), draw_secret(&SystemEntropy));
        let bits = first.secret.expose().strip_prefix(PREFIX).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(bits).unwrap().len(), 32);
        assert!(bits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{bits}");
        assert_ne!(first.secret.expose(), second.secret.expose());
    }
}
