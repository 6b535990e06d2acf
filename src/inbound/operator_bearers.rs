use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use arc_swap::ArcSwapOption;
use subtle::ConstantTimeEq;

use super::bearer::read_bearer;
use super::client::TrustedProxies;
use super::expected_bearer::ExpectedBearer;
use super::problem::Problem;
use super::request_record::RequestId;
use crate::domain::Secret;
use crate::observability::{AuditEntry, AuditEvent};

/// What the audit stream says of a change that was asked for with the read-only token.
const READ_ONLY: &str = "read_only_token";

/// What the bearer of an operator's call may do (docs/operating.md §Who may do what).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorRole {
    /// Everything: `operations.admin_token`.
    Full,
    /// Reading: `operations.read_token`.
    ReadOnly,
}

/// The bearers of admin calls: one that may do everything and, if one is configured, one that may only read. Clones share the
/// tokens, so they can be replaced while a door is open.
#[derive(Clone)]
pub struct OperatorBearers {
    full: ExpectedBearer,
    read_only: Arc<ArcSwapOption<Secret>>,
}

impl OperatorBearers {
    /// Expects `admin` for everything, and `read` for reading; `None` if there is no such token.
    #[must_use]
    pub fn new(admin: Secret, read: Option<Secret>) -> Self {
        Self { full: ExpectedBearer::new(admin), read_only: Arc::new(ArcSwapOption::from_pointee(read)) }
    }

    /// Replaces both tokens; the old ones are no longer accepted.
    pub fn replace(&self, admin: Secret, read: Option<Secret>) {
        self.full.replace(admin);
        self.read_only.store(read.map(Arc::new));
    }

    /// The bearer that may do everything. The operator's pages ask for it.
    #[must_use]
    pub const fn full(&self) -> &ExpectedBearer {
        &self.full
    }

    /// Says what the bearer of a request may do. Each comparison takes the same time for all tokens of one length.
    ///
    /// # Errors
    /// As [`read_bearer`], and [`Problem::InvalidToken`] for another token.
    pub fn find_role(&self, headers: &HeaderMap) -> Result<OperatorRole, Problem> {
        let bearer = read_bearer(headers)?;
        let read_only = self.read_only.load();
        let reads = read_only.as_ref().is_some_and(|token| token.expose().as_bytes().ct_eq(bearer.as_bytes()).into());
        match (self.full.is(bearer), reads) {
            (true, _) => Ok(OperatorRole::Full),
            (false, true) => Ok(OperatorRole::ReadOnly),
            (false, false) => Err(Problem::InvalidToken),
        }
    }

    /// Admits a request that changes something. A refusal of the read-only token is in the log and the audit stream; those of
    /// wrong bearers are written where they are counted.
    ///
    /// # Errors
    /// As [`OperatorBearers::find_role`], and [`Problem::ReadOnlyBearer`] for the token that may only read.
    pub fn admit_change(&self, http: &HttpRequest) -> Result<(), Problem> {
        match self.find_role(http.headers())? {
            OperatorRole::Full => Ok(()),
            OperatorRole::ReadOnly => {
                report_read_only(http);
                Err(Problem::ReadOnlyBearer)
            }
        }
    }
}

fn report_read_only(http: &HttpRequest) {
    let (event, problem) = (AuditEvent::OperatorCallRefused, Problem::ReadOnlyBearer);
    let (correlation_id, code, security) = (RequestId::find(http), problem.code(), event.is_security());
    let hint = "the call changes something, and its bearer is operations.read_token: call with operations.admin_token";
    let method = http.method().as_str();
    tracing::warn!(correlation_id, code, method, hint, security, "a call of the operator's listener was refused");
    let entry = AuditEntry::new(event).correlation_id(&correlation_id).client(TrustedProxies::client_address(http));
    entry.detail(READ_ONLY).write();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header;
    use actix_web::test::TestRequest;

    use super::*;

    fn with(token: &str) -> HttpRequest {
        TestRequest::post().insert_header((header::AUTHORIZATION, format!("Bearer {token}"))).to_http_request()
    }

    #[test]
    fn the_read_token_reads_and_the_admin_token_does_everything() {
        let bearers = OperatorBearers::new(Secret::from("admin-of-the-test"), Some(Secret::from("reader-of-the-test")));
        let (admin, reader, other) =
            (with("admin-of-the-test"), with("reader-of-the-test"), with("another-of-the-test"));
        assert_eq!(bearers.find_role(admin.headers()), Ok(OperatorRole::Full));
        assert_eq!(bearers.find_role(reader.headers()), Ok(OperatorRole::ReadOnly));
        assert_eq!(bearers.find_role(other.headers()), Err(Problem::InvalidToken));
        assert_eq!(bearers.admit_change(&admin), Ok(()));
        assert_eq!(bearers.admit_change(&reader), Err(Problem::ReadOnlyBearer));
        assert_eq!(bearers.admit_change(&other), Err(Problem::InvalidToken));
        assert_eq!(
            bearers.find_role(TestRequest::get().to_http_request().headers()),
            Err(Problem::MissingAuthorization)
        );
        assert!(bearers.full().is("admin-of-the-test") && !bearers.full().is("reader-of-the-test"));
    }

    #[test]
    fn both_tokens_are_replaced_and_the_read_token_can_be_taken_away() {
        let bearers = OperatorBearers::new(Secret::from("admin-of-the-test"), None);
        let shared = bearers.clone();
        assert_eq!(shared.find_role(with("reader-of-the-test").headers()), Err(Problem::InvalidToken));
        bearers.replace(Secret::from("second-of-the-test"), Some(Secret::from("reader-of-the-test")));
        assert_eq!(shared.find_role(with("reader-of-the-test").headers()), Ok(OperatorRole::ReadOnly));
        assert_eq!(shared.find_role(with("admin-of-the-test").headers()), Err(Problem::InvalidToken));
        bearers.replace(Secret::from("second-of-the-test"), None);
        assert_eq!(shared.find_role(with("reader-of-the-test").headers()), Err(Problem::InvalidToken));
    }
}
