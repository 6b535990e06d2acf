//! Secrets: the type, when a credential ends, and who may read a file that holds one.

mod credential_end;
mod file_access;

#[cfg(test)]
mod file_access_tests;

use std::fmt;
use std::mem;
use std::sync::Arc;

use zeroize::{ZeroizeOnDrop, optimization_barrier};

pub use self::credential_end::CredentialEnd;
pub use self::file_access::is_private;

/// A token, code, password or key in text form. It is wiped from memory when its last clone is dropped.
///
/// A secret cannot be printed: there is no `Display`, and `Debug` prints a placeholder
/// (docs/architecture.md §Security rules, rule 10). Clones share one allocation.
#[derive(Clone)]
pub struct Secret(Arc<WipedText>);

/// A text whose memory is overwritten when it is dropped.
struct WipedText(String);

impl Secret {
    /// Takes ownership of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = WipedText(text);
        if text.0.capacity() > text.0.len() {
            // A long-lived secret takes no more memory than its text. The other copy is wiped here.
            return Self::from(text.0.as_str());
        }
        Self(Arc::new(text))
    }

    /// The text of the secret. Review every call: the text must not reach a log line, an error or a metric label.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.0
    }
}

impl Drop for WipedText {
    fn drop(&mut self) {
        wipe(mem::take(&mut self.0).into_bytes());
    }
}

/// Overwrites the memory of `bytes`, all of its capacity, and frees it.
///
/// `Zeroize` writes one byte at a time, which costs half a microsecond for a token. This writes many at a time; the barrier
/// keeps the compiler from leaving it out.
pub fn wipe(mut bytes: Vec<u8>) {
    let capacity = bytes.capacity();
    bytes.clear();
    bytes.resize(capacity, 0);
    optimization_barrier(bytes.as_slice());
}

impl ZeroizeOnDrop for WipedText {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Arc::new(WipedText(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_holds_its_text_without_spare_memory_and_does_not_print_it() {
        let mut text = String::with_capacity(100);
        text.push_str("token");
        let secret = Secret::new(text);
        assert_eq!((secret.expose(), secret.0.0.capacity()), ("token", 5));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(Secret::new("token".to_owned()).expose(), Secret::from("token").expose());
    }
}
