use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::binding::bind_assertion;
use super::engine::{Acquisition, AcquisitionRequest};
use super::{Reason, Refusal, StorageFailure};
use crate::domain::{Account, Connection, ExchangeableToken, HolderName, SecurityContext, TokenSlot, UserToken};
use crate::observability::carry;
use crate::records::{LeaseError, RecordError, Records, ReplicaLease, catalogue};
use crate::single_flight::SingleFlight;
use crate::vault::TokenVault;

/// Exchanges the tokens that add-ins and other back ends present. The token itself is the only evidence: its user is the
/// account. There is no card, no conversation and no bot to be told.
///
/// One exchange is under way, and one token is kept, for one user, connection and policy context, whatever token each caller
/// presents: the clients and sessions of a user share them.
#[derive(Clone)]
pub struct AssertionExchange {
    acquisition: Acquisition,
    vault: Arc<TokenVault>,
    records: Records,
    flights: Arc<SingleFlight<FlightKey, FlightOutcome>>,
}

/// A validated token that is to be exchanged for its own user.
#[derive(Clone, Debug)]
pub struct AssertionRequest {
    /// The connection of the add-in or back end; its holder is the account's.
    pub connection: Arc<Connection>,
    /// The caller's token.
    pub token: ExchangeableToken,
    /// Identifies the request in the logs here and at the issuer.
    pub correlation_id: String,
    /// The caller gets an answer by this time.
    pub deadline: Instant,
}

/// Names an exchange for those who wait for it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct FlightKey {
    slot: TokenSlot,
    policy_context: SecurityContext,
}

/// How an exchange ended, and of which token it was.
#[derive(Clone)]
struct FlightOutcome {
    presented: String,
    result: Result<Arc<UserToken>, Refusal>,
}

impl AssertionRequest {
    /// The account of the token's user at the holder of the connection.
    #[must_use]
    pub fn account(&self) -> Account {
        Account::of_back_end(self.connection.holder.clone(), &self.token.user)
    }
}

impl AssertionExchange {
    /// Obtains tokens by `acquisition`, which keeps them in `vault` and thus in `records`.
    #[must_use]
    pub fn new(acquisition: Acquisition, vault: Arc<TokenVault>, records: &Records) -> Self {
        Self { acquisition, vault, records: records.clone(), flights: Arc::default() }
    }

    /// The user token for the presented one: a kept one, or a new one.
    ///
    /// # Errors
    /// A [`Refusal`]. That of an exchange which was made for another token of the same user is not shared: the caller's own
    /// token is tried then. Nor is that of an exchange which a sign-out revoked before the caller asked.
    pub async fn exchange(&self, request: AssertionRequest) -> Result<Arc<UserToken>, Refusal> {
        let account = request.account();
        if let Some(token) = self.acquisition.find_kept(&request.as_acquisition(&account)).await? {
            return Ok(token);
        }
        let (presented, deadline) = (request.token.digest(), request.deadline);
        let slot = TokenSlot::new(&account, &request.connection.name);
        let key = FlightKey { slot, policy_context: request.token.policy_context };
        let request = Arc::new(request);
        let mut has_asked_again = false;
        loop {
            let mut leads = false;
            let flight = self.flights.join(key.clone(), || {
                leads = true;
                let (exchange, request, presented) = (self.clone(), Arc::clone(&request), presented.clone());
                carry(async move { FlightOutcome { presented, result: exchange.obtain(&request).await } })
            });
            let outcome = timeout_at(deadline, flight.outcome()).await.map_err(|_| out_of_time())?;
            let FlightOutcome { presented: of, result } = outcome.ok_or_else(ended_without_outcome)?;
            match result {
                Err(_) if of != presented => {}
                // The sign-out may have come before this caller. The next exchange begins after it.
                Err(refusal) if !leads && !has_asked_again && refusal.reason == Reason::SignInRequired => {
                    has_asked_again = true;
                }
                result => return result,
            }
        }
    }

    async fn obtain(&self, request: &AssertionRequest) -> Result<Arc<UserToken>, Refusal> {
        let account = request.account();
        let binding = bind_assertion(&account, &request.token)?;
        // The acquisition looks for a kept token first, and so finds what another replica has obtained.
        let _lease = self.lease(&account, request).await?;
        self.acquisition.obtain(&request.as_acquisition(&account), &binding).await
    }

    /// Waits until no other replica obtains the token of `request`. Over an exclusive store there is none.
    async fn lease(&self, account: &Account, request: &AssertionRequest) -> Result<ReplicaLease, Refusal> {
        let wait = request.deadline.saturating_duration_since(Instant::now());
        let [holder, realm, subject] = account.key_parts();
        let (connection, context) = (request.connection.name.as_str(), request.token.policy_context.0);
        let parts = [holder.as_bytes(), realm.as_bytes(), subject.as_bytes(), connection.as_bytes(), &context];
        self.records.lease(&catalogue::ASSERTION_TURN, &parts, wait).await.map_err(|error| match error {
            LeaseError::Held => out_of_time(),
            LeaseError::Store(error) => store_failed(&error.into()),
        })
    }

    /// Removes the kept token of `account` for `connection` if it is still `token`, because the resource does not accept it.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn discard(
        &self,
        account: &Account,
        connection: &Connection,
        token: &UserToken,
    ) -> Result<(), StorageFailure> {
        let slot = TokenSlot::new(account, &connection.name);
        let kept = self.vault.read(&slot, connection.revision).await?;
        match kept {
            Some(kept) if kept.token.obtained_at == token.obtained_at => Ok(self.vault.remove(kept).await.map(drop)?),
            _ => Ok(()),
        }
    }
}

impl AssertionRequest {
    fn as_acquisition(&self, account: &Account) -> AcquisitionRequest<'_> {
        AcquisitionRequest {
            connection: &self.connection,
            slot: TokenSlot::new(account, &self.connection.name),
            token: &self.token,
            security_context: self.token.policy_context,
            correlation_id: &self.correlation_id,
            deadline: self.deadline,
            shown_by_channel_of: None,
        }
    }

    /// The add-in or back end that gets the token.
    #[must_use]
    pub fn holder(&self) -> &HolderName {
        &self.connection.holder
    }
}

fn out_of_time() -> Refusal {
    Refusal::fault("the identity provider did not answer within the time of the request")
}

fn store_failed(error: &RecordError) -> Refusal {
    tracing::error!(%error, "an exchange cannot be made known to the other replicas");
    Refusal::fault("the store failed: see the error logged before this")
}

fn ended_without_outcome() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable(super::Outage::FAULT), "the exchange's task ended without an outcome")
}
