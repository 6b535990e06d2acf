use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::assertion_uses::ClientAssertionUses;
use super::client_guesses::{ClientGuesses, TooManyCredentials};
use super::form::Form;
use super::presented::{PresentedClient, read_client};
use super::secrets::ClientSecrets;
use crate::domain::SharedClock;
use crate::inbound::client::{ClientNetwork, TrustedProxies};
use crate::inbound::problem::Problem;
use crate::inbound::refusal::CallerRefusal;
use crate::token_validation::ClientAssertionValidator;

/// Authenticates clients by their secrets or by the JWTs that they sign (docs/back-ends.md §Client authentication).
pub struct ClientAuthenticator {
    secrets: ClientSecrets,
    assertions: ClientAssertionValidator,
    uses: ClientAssertionUses,
    guesses: ClientGuesses,
}

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

impl ClientAuthenticator {
    /// Compares secrets with `secrets`, and validates assertions by `assertions`, each of which `uses` admits once. Wrong
    /// credentials of each address are counted by `clock`.
    #[must_use]
    pub fn new(
        secrets: ClientSecrets,
        assertions: ClientAssertionValidator,
        uses: ClientAssertionUses,
        clock: SharedClock,
    ) -> Self {
        Self { secrets, assertions, uses, guesses: ClientGuesses::new(clock) }
    }

    /// Authenticates the client of `http` with this body; returns its id.
    ///
    /// # Errors
    /// [`ClientRefusal`]; it is logged and counted here.
    pub async fn authenticate(&self, http: &HttpRequest, form: &Form<'_>) -> Result<String, ClientRefusal> {
        let presented = match read_client(http.headers(), form) {
            Ok(presented) => presented,
            Err(error) if error.is_invalid_request() => {
                let _ = CallerRefusal::new(Problem::BadArgument, error.check()).logged(http);
                return Err(ClientRefusal::InvalidRequest);
            }
            Err(error) => return Err(self.refuse(http, error.check())),
        };
        match presented {
            PresentedClient::Secret(presented) => {
                self.secrets.authenticate(&presented).ok_or_else(|| self.refuse(http, "client_secret"))
            }
            PresentedClient::Assertion { assertion, client_id } => {
                self.check_assertion(http, assertion, client_id).await
            }
            PresentedClient::None => Err(self.refuse(http, "client_absent")),
        }
    }

    async fn check_assertion(
        &self,
        http: &HttpRequest,
        assertion: &str,
        client_id: Option<&str>,
    ) -> Result<String, ClientRefusal> {
        let assertion = self.assertions.validate(assertion, client_id);
        let assertion = assertion.map_err(|check| self.refuse(http, find_assertion_check(check)))?;
        match self.uses.begin(&assertion).await {
            Ok(true) => Ok(assertion.client_id),
            Ok(false) => Err(self.refuse(http, "client_assertion_repeated")),
            Err(error) => {
                tracing::error!(%error, "the use of a client's assertion cannot be stored");
                Err(ClientRefusal::Unavailable)
            }
        }
    }

    /// Counts the refusal against the address of the request.
    fn refuse(&self, http: &HttpRequest, check: &'static str) -> ClientRefusal {
        let client = TrustedProxies::client_address(http);
        match self.guesses.charge(client.map(ClientNetwork::from_address)) {
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
}

/// The name in the log of each check of an assertion.
fn find_assertion_check(check: &'static str) -> &'static str {
    match check {
        "sub" => "client_assertion_sub",
        "client_id" => "client_assertion_client_id",
        "signature" => "client_assertion_signature",
        "kid" => "client_assertion_kid",
        "alg" => "client_assertion_alg",
        "iss" => "client_assertion_iss",
        "aud" => "client_assertion_aud",
        "exp" => "client_assertion_exp",
        "nbf" | "iat" => "client_assertion_future",
        "jti" => "client_assertion_jti",
        _ => "client_assertion_form",
    }
}
