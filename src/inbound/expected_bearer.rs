use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;

use super::bearer::read_bearer;
use super::problem::Problem;
use crate::domain::{Secret, SecretHash};

/// The bearer that the operator's calls must have. Clones share the token, so it can be replaced while a door is open.
#[derive(Clone)]
pub struct ExpectedBearer(Arc<ArcSwap<Secret>>);

impl ExpectedBearer {
    /// Expects this token.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(token)))
    }

    /// Replaces the token; the old one is no longer accepted.
    pub fn replace(&self, token: Secret) {
        self.0.store(Arc::new(token));
    }

    /// Checks the bearer of a request.
    ///
    /// # Errors
    /// As [`read_bearer`], and [`Problem::InvalidToken`] for another token.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let bearer = read_bearer(headers)?;
        if self.matches(bearer) { Ok(()) } else { Err(Problem::InvalidToken) }
    }

    /// Whether `token`, which came in a form, is the expected one. The comparison takes the same time for all tokens of one
    /// length.
    #[must_use]
    pub fn is(&self, token: &str) -> bool {
        self.matches(token)
    }

    /// Whether the expected token still has this hash.
    #[must_use]
    pub fn has_hash(&self, hash: &SecretHash) -> bool {
        hash.matches(self.0.load().expose())
    }

    fn matches(&self, bearer: &str) -> bool {
        bearer.as_bytes().ct_eq(self.0.load().expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpectedBearer, Secret, SecretHash};

    #[test]
    fn a_replaced_token_is_refused() {
        let token = ExpectedBearer::new(Secret::from("0123456789abcdef"));
        let shared = token.clone();
        assert!(shared.matches("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"] {
            assert!(!shared.matches(other), "{other}");
        }
        let hash = SecretHash::of("0123456789abcdef");
        assert!(token.has_hash(&hash));
        token.replace(Secret::from("fedcba9876543210"));
        assert!(!token.has_hash(&hash));
        assert!(shared.matches("fedcba9876543210") && !shared.matches("0123456789abcdef"));
    }
}
