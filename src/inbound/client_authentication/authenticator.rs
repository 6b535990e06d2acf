use actix_web::HttpRequest;

use super::assertion_uses::ClientAssertionUses;
use super::client_guesses::ClientGuesses;
use super::client_refusal::ClientRefusal;
use super::form::Form;
use super::presented::{PresentedClient, read_client};
use super::secrets::ClientSecrets;
use crate::observability::confirm_caller;
use crate::token_validation::ClientAssertionValidator;

/// Authenticates clients by their secrets or by the JWTs that they sign (docs/back-ends.md §Client authentication).
pub struct ClientAuthenticator {
    secrets: ClientSecrets,
    assertions: ClientAssertionValidator,
    uses: ClientAssertionUses,
    guesses: ClientGuesses,
}

impl ClientAuthenticator {
    /// Compares secrets with `secrets`, and validates assertions by `assertions`, each of which `uses` admits once. Wrong
    /// credentials of each address are counted in `guesses`.
    #[must_use]
    pub fn new(
        secrets: ClientSecrets,
        assertions: ClientAssertionValidator,
        uses: ClientAssertionUses,
        guesses: ClientGuesses,
    ) -> Self {
        Self { secrets, assertions, uses, guesses }
    }

    /// Authenticates the client of `http` with this body; returns its id.
    ///
    /// # Errors
    /// [`ClientRefusal`]; it is logged and counted here.
    pub async fn authenticate(&self, http: &HttpRequest, form: &Form<'_>) -> Result<String, ClientRefusal> {
        let presented = match read_client(http.headers(), form) {
            Ok(presented) => presented,
            Err(error) => return Err(self.guesses.refuse_unreadable(http, error).await),
        };
        match presented {
            PresentedClient::Secret(presented) => match self.secrets.authenticate(&presented) {
                Some(client_id) => {
                    confirm_caller();
                    Ok(client_id)
                }
                None => Err(self.guesses.refuse(http, "client_secret").await),
            },
            PresentedClient::Assertion { assertion, client_id } => {
                self.check_assertion(http, assertion, client_id).await
            }
            PresentedClient::None => Err(self.guesses.refuse(http, "client_absent").await),
        }
    }

    async fn check_assertion(
        &self,
        http: &HttpRequest,
        assertion: &str,
        client_id: Option<&str>,
    ) -> Result<String, ClientRefusal> {
        let assertion = match self.assertions.validate(assertion, client_id) {
            Ok(assertion) => assertion,
            Err(check) => return Err(self.guesses.refuse(http, find_assertion_check(check)).await),
        };
        match self.uses.begin(&assertion).await {
            Ok(true) => {
                confirm_caller();
                Ok(assertion.client_id)
            }
            Ok(false) => Err(self.guesses.refuse(http, "client_assertion_repeated").await),
            Err(error) => {
                tracing::error!(%error, "the use of a client's assertion cannot be stored");
                Err(ClientRefusal::Unavailable)
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
