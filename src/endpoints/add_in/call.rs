use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::{Instant, timeout_at};

use super::AddInDoor;
use super::cors::permit_page;
use super::failure::{Failure, TOKEN_INVALID, TOKEN_MISSING, TOO_MANY_REQUESTS, WRONG_AUDIENCE_GRAPH};
use super::replies::{ReplyContext, refuse};
use crate::domain::{AddIn, Connection, ErrorConvention, ExchangeableToken, HolderName, Secret, UserToken};
use crate::exchange::{AssertionRequest, Refusal};
use crate::inbound::{
    CallerRefusal, ClientNetwork, Problem, RequestId, TooManyCredentials, TrustedProxies, decode_percent, read_bearer,
};
use crate::observability::{ExchangeOutcome, confirm_caller};
use crate::protocol::deadlines::PROVIDER_BUDGET;

/// The segment of a path that names the add-in, counted from 0 at the empty text before the first slash.
const ADD_IN_SEGMENT: usize = 3;
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// What a page of the API may do if somebody opens it here: nothing.
const CONTENT_SECURITY_POLICY: HeaderName = HeaderName::from_static("content-security-policy");
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// One request for an add-in.
pub(super) struct AddInCall {
    pub(super) http: HttpRequest,
    pub(super) door: web::Data<AddInDoor>,
    pub(super) add_in: Arc<AddIn>,
    pub(super) connection: Arc<Connection>,
    pub(super) convention: ErrorConvention,
    pub(super) correlation_id: String,
    begun: Instant,
}

impl AddInCall {
    /// A request whose path names the add-in; `None` if there is no such add-in.
    pub(super) fn of_path(http: &HttpRequest, door: &web::Data<AddInDoor>) -> Option<Self> {
        // The raw path is read, since the router has decoded parts of its own copy.
        let name = http.uri().path().split('/').nth(ADD_IN_SEGMENT).and_then(decode_percent)?;
        let add_in = door.registrations.find_add_in(&name)?;
        Self::new(http, door, Arc::clone(add_in), add_in.errors)
    }

    /// A request for `add_in`, whose failures are told by `convention`.
    pub(super) fn new(
        http: &HttpRequest,
        door: &web::Data<AddInDoor>,
        add_in: Arc<AddIn>,
        convention: ErrorConvention,
    ) -> Option<Self> {
        let connection = door.registrations.find_only_connection(&HolderName::from(&add_in.name))?;
        Some(Self {
            connection: Arc::clone(connection),
            add_in,
            convention,
            correlation_id: RequestId::get_or_draw(http, &door.ambient.entropy),
            begun: Instant::now(),
            http: http.clone(),
            door: door.clone(),
        })
    }

    /// The user's token in the `Authorization` header, validated.
    pub(super) async fn authenticate(&self) -> Result<ExchangeableToken, Failure> {
        let bearer = match read_bearer(self.http.headers()) {
            Ok(bearer) => bearer,
            Err(problem) => return Err(self.refuse_header(problem).await),
        };
        let token = self.validate(&Secret::from(bearer)).await?;
        confirm_caller();
        Ok(token)
    }

    /// Logs that the request has no bearer, and returns the failure. A request without the header is no guess.
    async fn refuse_header(&self, problem: Problem) -> Failure {
        let refusal = CallerRefusal::new(problem, "authorization").at_bot(self.connection.holder.as_str());
        if problem == Problem::MissingAuthorization {
            let is_logged = self.door.guesses.note_absence(self.client_network());
            let refusal = if is_logged { refusal } else { refusal.without_log_line() };
            let _ = refusal.logged(&self.http);
            return (&TOKEN_MISSING).into();
        }
        self.count_guess().await.err().unwrap_or_else(|| {
            let _ = refusal.logged(&self.http);
            (&TOKEN_INVALID).into()
        })
    }

    fn client_network(&self) -> Option<ClientNetwork> {
        TrustedProxies::client_address(&self.http).map(ClientNetwork::from_address)
    }

    /// Proves that `raw` is a token of a user for this add-in.
    pub(super) async fn validate(&self, raw: &Secret) -> Result<ExchangeableToken, Failure> {
        let validating = self.door.validators.validate(&self.connection, raw);
        let in_time = timeout_at(self.begun + PROVIDER_BUDGET, validating).await;
        let too_slow =
            |_| Err(Refusal::fault("the keys for an add-in's token did not arrive within the time of the request"));
        let refusal = match in_time.unwrap_or_else(too_slow) {
            Ok(token) => return Ok(token),
            Err(refusal) => refusal,
        };
        let failure = Failure::of_validation(&refusal, raw);
        // What may be a guess is limited; a genuine token that came too late is none. The audience is read unverified, so
        // one that names Microsoft Graph proves nothing.
        let may_be_guess = failure.is(&TOKEN_INVALID) || failure.is(&WRONG_AUDIENCE_GRAPH);
        if may_be_guess {
            self.count_guess().await?;
        }
        self.report(&refusal);
        Err(failure)
    }

    /// Counts a token or a secret that is not valid here against the network of the client.
    ///
    /// # Errors
    /// 429 where there are too many of them.
    pub(super) async fn count_guess(&self) -> Result<(), Failure> {
        let counted = self.door.guesses.charge(self.client_network()).await;
        counted.map_err(|TooManyCredentials { retry_after, is_logged }| {
            if is_logged {
                let refusal = CallerRefusal::new(Problem::TooManyRequests { retry_after }, "add_in_guesses");
                let _ = refusal.at_bot(self.connection.holder.as_str()).logged(&self.http);
            }
            Failure::until(&TOO_MANY_REQUESTS, retry_after)
        })
    }

    /// The request to exchange `token`.
    pub(super) fn assertion_request(&self, token: ExchangeableToken) -> AssertionRequest {
        AssertionRequest {
            connection: Arc::clone(&self.connection),
            token,
            correlation_id: self.correlation_id.clone(),
            deadline: self.begun + PROVIDER_BUDGET,
        }
    }

    /// The user token for the presented one: a kept one, or a new one.
    pub(super) async fn exchange(&self, request: &AssertionRequest) -> Result<Arc<UserToken>, Failure> {
        let token = self.door.exchange.exchange(request.clone()).await.map_err(|refusal| {
            self.report(&refusal);
            Failure::of_exchange(&refusal)
        })?;
        let (bot, connection) = (self.connection.holder.as_str(), self.connection.name.as_str());
        self.door.counters.exchanges.add(bot, Some(connection), ExchangeOutcome::Kept);
        Ok(token)
    }

    /// Removes the kept token, because the API does not accept it.
    pub(super) async fn discard(&self, request: &AssertionRequest, token: &UserToken) -> Result<(), Failure> {
        let (correlation_id, bot) = (self.correlation_id.as_str(), self.connection.holder.as_str());
        let connection = self.connection.name.as_str();
        let hint =
            "the API answered 401: its conditions have changed, or downstream.url and scopes do not belong together";
        tracing::warn!(correlation_id, bot, connection, hint, "an API refused a user's token, which is removed");
        let discarded = self.door.exchange.discard(&request.account(), &self.connection, token).await;
        discarded.map_err(|_| {
            let refusal = Refusal::fault("the store failed while a token that an API refused was removed");
            self.report(&refusal);
            Failure::of_exchange(&refusal)
        })
    }

    fn report(&self, refusal: &Refusal) {
        let (bot, connection) = (self.connection.holder.as_str(), self.connection.name.as_str());
        refusal.report(&self.door.counters, bot, Some(connection), &self.correlation_id);
    }

    /// The answer to `outcome`, which a page of the add-in may read and no cache stores.
    pub(super) fn finish(&self, outcome: Result<HttpResponse, Failure>) -> HttpResponse {
        let mut response = outcome.unwrap_or_else(|failure| refuse(&failure, &self.reply_context()));
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
        headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
        permit_page(&self.add_in, self.http.headers(), &mut response);
        response
    }

    /// What of the configuration and of this call the answers name.
    pub(super) fn reply_context(&self) -> ReplyContext<'_> {
        let scopes = self.connection.exchange.required_scopes.iter();
        let scopes: Vec<String> = scopes.map(|scope| format!("{}/{scope}", self.add_in.resource)).collect();
        ReplyContext {
            convention: self.convention,
            scope: scopes.join(" "),
            downstream_scopes: &self.connection.scopes,
            correlation_id: &self.correlation_id,
        }
    }
}
