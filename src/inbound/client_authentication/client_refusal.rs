use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::client_guesses::{ClientGuesses, TooManyCredentials};
use super::presented::ClientAuthenticationError;
use crate::inbound::client::{ClientNetwork, TrustedProxies};
use crate::inbound::problem::Problem;
use crate::inbound::refusal::CallerRefusal;

/// Why a client is not authenticated; each variant has one answer at each door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRefusal {
    /// 400: the request states its credentials twice, or in two places.
    InvalidRequest,
    /// 401: the client is unknown, or its proof is wrong; the answer says nothing else.
    InvalidClient {
        /// Whether the request has an `Authorization` header: then the answer has a challenge (RFC 6749 §5.2).
        used_header: bool,
    },
    /// 429: this address has presented too many wrong credentials.
    TooManyRequests {
        /// Seconds until its wrong credentials are answered again.
        retry_after: u64,
    },
    /// 503: the store does not answer, so a repeated assertion could not be told.
    Unavailable,
}

impl ClientGuesses {
    /// Counts wrong credentials against the address of the request, and logs that `check` failed.
    pub(super) async fn refuse(&self, http: &HttpRequest, check: &'static str) -> ClientRefusal {
        let client = TrustedProxies::client_address(http);
        match self.charge(client.map(ClientNetwork::from_address)).await {
            Ok(()) => {
                let _ = CallerRefusal::new(Problem::InvalidToken, check).logged(http);
                ClientRefusal::InvalidClient { used_header: http.headers().contains_key(AUTHORIZATION) }
            }
            Err(TooManyCredentials { retry_after, is_logged }) => {
                let refusal = CallerRefusal::new(Problem::TooManyRequests { retry_after }, "client_guesses");
                let refusal = if is_logged { refusal } else { refusal.without_log_line() };
                let _ = refusal.logged(http);
                ClientRefusal::TooManyRequests { retry_after }
            }
        }
    }

    /// Logs credentials that cannot be read, and counts those that are no mere mistake in the request.
    pub(super) async fn refuse_unreadable(
        &self,
        http: &HttpRequest,
        error: ClientAuthenticationError,
    ) -> ClientRefusal {
        if error.is_invalid_request() {
            let _ = CallerRefusal::new(Problem::BadArgument, error.check()).logged(http);
            return ClientRefusal::InvalidRequest;
        }
        self.refuse(http, error.check()).await
    }
}
