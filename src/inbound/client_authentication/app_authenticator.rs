use actix_web::HttpRequest;

use super::client_guesses::{ClientGuesses, TooManyCredentials};
use super::secrets::ClientSecrets;
use crate::inbound::bearer::read_bearer;
use crate::inbound::client::{ClientNetwork, TrustedProxies};
use crate::inbound::problem::Problem;
use crate::inbound::refusal::{ANOTHER_APP, CallerRefusal};
use crate::observability::confirm_caller;

/// The header in which Base44's SDK names the app a second time.
const APP_ID_HEADER: &str = "x-app-id";

/// Authenticates the functions of apps by their service tokens (docs/service-role.md §Service tokens).
pub struct AppAuthenticator {
    tokens: ClientSecrets,
    guesses: ClientGuesses,
}

/// Why the caller may not act for an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppRefusal {
    /// 401: the caller has no service token, or one of no app.
    Unauthenticated,
    /// 403: the caller's service token is another app's.
    AnotherApp,
    /// 429: this address has presented too many wrong service tokens.
    TooManyRequests {
        /// Seconds until its wrong tokens are answered again.
        retry_after: u64,
    },
}

impl AppAuthenticator {
    /// Compares service tokens with `tokens`, by app id. Wrong ones of each address are counted in `guesses`.
    #[must_use]
    pub fn new(tokens: ClientSecrets, guesses: ClientGuesses) -> Self {
        Self { tokens, guesses }
    }

    /// Authenticates the caller of `http` as a function of `app`, which need not exist. The answer about an app that does
    /// not exist is the one about another app.
    ///
    /// # Errors
    /// [`AppRefusal`]; it is logged and counted here.
    pub async fn authenticate(&self, http: &HttpRequest, app: &str) -> Result<(), AppRefusal> {
        let Ok(token) = read_bearer(http.headers()) else {
            return Err(self.refuse(http, "service_token_absent").await);
        };
        let owners = self.tokens.list_owners(token);
        if owners.is_empty() {
            return Err(self.refuse(http, "service_token").await);
        }
        if owners.iter().all(|owner| owner != app) {
            let of = owners.into_iter().next().unwrap_or_default();
            let _ = CallerRefusal::new(Problem::CallerNotAllowed, ANOTHER_APP).comparing(&of, "").logged(http);
            return Err(AppRefusal::AnotherApp);
        }
        confirm_caller();
        self.check_app_header(http, app)
    }

    /// Checks that `X-App-Id`, if the request has it, names `app`.
    ///
    /// # Errors
    /// [`AppRefusal::AnotherApp`].
    pub fn check_app_header(&self, http: &HttpRequest, app: &str) -> Result<(), AppRefusal> {
        if http.headers().get_all(APP_ID_HEADER).all(|named| named.as_bytes() == app.as_bytes()) {
            return Ok(());
        }
        let _ = CallerRefusal::new(Problem::CallerNotAllowed, "service_app_header").logged(http);
        Err(AppRefusal::AnotherApp)
    }

    /// Counts the refusal against the address of the request.
    async fn refuse(&self, http: &HttpRequest, check: &'static str) -> AppRefusal {
        let client = TrustedProxies::client_address(http);
        match self.guesses.charge(client.map(ClientNetwork::from_address)).await {
            Ok(()) => {
                let _ = CallerRefusal::new(Problem::InvalidToken, check).logged(http);
                AppRefusal::Unauthenticated
            }
            Err(TooManyCredentials { retry_after, is_logged }) => {
                let refusal = CallerRefusal::new(Problem::TooManyRequests { retry_after }, "service_token_guesses");
                let _ = if is_logged { refusal } else { refusal.without_log_line() }.logged(http);
                AppRefusal::TooManyRequests { retry_after }
            }
        }
    }
}
