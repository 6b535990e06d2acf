use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// A token, code, password or key in text form. Never printed, wiped from memory when the last copy goes.
///
/// There is no `Display`, and `Debug` shows nothing (DESIGN §5.10). Clones share one allocation.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes ownership of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(SecretString::from(text)))
    }

    /// The secret itself. Every call is a place to review: it must not lead to a log, an error or a label.
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
