use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 hash of a secret that bot-sso has drawn (`bot-sso keys secret`). Such a secret has 256 random bits, so its hash
/// needs no salt and no slow function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(hash)
    }

    /// Reads the 64 hexadecimal digits that the configuration has. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        text.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(Self(hash))
    }

    /// The form that [`SecretHash::parse`] reads.
    #[must_use]
    pub fn to_text(self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether this is the hash of `secret`. The comparison takes the same time for every secret.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        verify_slices_are_equal(&Self::of(secret).0, &self.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::SecretHash;

    #[test]
    fn a_hash_is_read_as_it_is_written_and_fits_its_own_secret_alone() {
        let hash = SecretHash::of("secret");
        assert_eq!(SecretHash::parse(&hash.to_text()), Some(hash));
        assert_eq!(SecretHash::parse(&hash.to_text().to_uppercase()), Some(hash));
        assert!(hash.matches("secret") && !hash.matches("Secret") && !hash.matches(""));
        assert_eq!(hash.to_text(), "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
    }

    #[test]
    fn what_is_not_64_hexadecimal_digits_is_no_hash() {
        let text = SecretHash::of("secret").to_text();
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('2', "g"), &format!("+{}", &text[1..])] {
            assert_eq!(SecretHash::parse(wrong), None, "{wrong}");
        }
    }
}
