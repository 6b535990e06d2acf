use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// A token, code, password or key in text form. It is wiped from memory when its last clone is dropped.
///
/// A secret cannot be printed: there is no `Display`, and `Debug` prints a placeholder
/// (docs/architecture.md §Security rules, rule 10). Clones share one allocation.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes ownership of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(SecretString::from(text)))
    }

    /// The text of the secret. Review every call: the text must not reach a log line, an error or a metric label.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}
