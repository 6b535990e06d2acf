//! One exchange from its request to everybody's reply: *admit* → *join* → *recall* → *redeem* → *keep* → *settle*.
//!
//! Owns the order of these phases, the joining of duplicates, and that a client which hangs up cancels nobody. It
//! deliberately knows neither what a reply looks like nor what follows the exchange: a door says that by
//! [`AfterExchange`].

mod acquisition;
mod admission;
mod after_exchange;
mod dedup;
mod request;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::binding::{Binding, mismatch};
use super::{ExchangeNames, Outcome, Reason, Refusal};
use crate::cards::FinishedCard;
use crate::domain::{ExchangeKey, Fingerprint, Fingerprints};
use crate::records::{RecordError, SingleWriter};
use crate::vault::VaultError;

use self::dedup::{Deduplicator, Joined, Ticket};

pub use acquisition::Acquisition;
pub use admission::Admission;
pub use after_exchange::AfterExchange;
pub use dedup::Settlement;
pub use request::ExchangeRequest;

/// How often one request may start over because its leader vanished.
const JOINS: usize = 3;

/// Runs exchanges. `R` is the reply of its door, which the engine remembers in order to answer duplicates.
pub struct ExchangeEngine<R: Settlement> {
    admission: Admission,
    acquisition: Acquisition,
    exchange_names: ExchangeNames,
    deduplicator: Arc<Deduplicator<R>>,
    fingerprints: Fingerprints,
}

/// Where a request has got to once it was admitted and has joined its duplicates.
pub enum JoinedExchange<R: Settlement> {
    /// Somebody else has made this exchange: the reply is everybody's.
    Settled(R),
    /// This request makes the exchange, for itself and for its duplicates.
    Leads(Box<LeadingExchange<R>>),
}

/// An exchange that is to be made. Dropped instead, it lets one of its duplicates lead.
pub struct LeadingExchange<R: Settlement> {
    engine: Arc<ExchangeEngine<R>>,
    request: ExchangeRequest,
    binding: Binding,
    ticket: Ticket<R>,
    reply: watch::Receiver<Option<R>>,
}

impl<R: Settlement> ExchangeEngine<R> {
    /// An engine with nothing under way.
    #[must_use]
    pub fn new(
        admission: Admission,
        acquisition: Acquisition,
        exchange_names: ExchangeNames,
        writer: SingleWriter,
    ) -> Self {
        let deduplicator = Arc::new(Deduplicator::new(Arc::clone(&acquisition.ambient().clock), writer));
        Self { admission, acquisition, exchange_names, deduplicator, fingerprints: Fingerprints::new() }
    }

    /// Admits the request and joins it to its duplicates; waits for the reply where another one leads.
    ///
    /// # Errors
    /// A [`Refusal`] that concerns this request only: not admitted, too many waiting, out of time.
    pub async fn join(self: &Arc<Self>, request: ExchangeRequest) -> Result<JoinedExchange<R>, Refusal> {
        let key = self.fingerprints.of_parts(&request.name_parts().each_ref().map(|part| &**part));
        for _ in 0..JOINS {
            let admitted = timeout_at(request.answer_by, self.admit(&request, &key)).await;
            let admitted = admitted.map_err(|_| out_of_time())?;
            let binding = admitted.map_err(|refusal| self.admission.charge_refusal(&request, refusal))?;
            match self.deduplicator.join(key) {
                Joined::Crowded => return Err(crowded()),
                // Its token is gone: the request is judged anew, as if it were the first.
                Joined::Settled(reply) if reply.holds() && !self.acquisition.is_still_kept(&request).await => {
                    self.deduplicator.forget(&key);
                }
                Joined::Settled(reply) => return Ok(JoinedExchange::Settled(reply)),
                Joined::Leader(ticket, reply) => {
                    let engine = Arc::clone(self);
                    let leading = LeadingExchange { engine, request, binding, ticket, reply };
                    return Ok(JoinedExchange::Leads(Box::new(leading)));
                }
                Joined::Follower(reply) => {
                    if let Some(reply) = wait_for(reply, request.answer_by).await? {
                        return Ok(JoinedExchange::Settled(reply));
                    }
                }
            }
        }
        Err(vanished())
    }

    /// May this token be exchanged for this user at all? Asked for every duplicate anew.
    async fn admit(&self, request: &ExchangeRequest, key: &Fingerprint) -> Result<Binding, Refusal> {
        let binding = self.admission.bind(request).await?;
        // The key names user, conversation and card: an exchange that is known was admitted by all of them before.
        if !self.deduplicator.knows(key) {
            self.admission.check_card(request).await?;
        }
        Ok(binding)
    }
}

impl<R: Settlement> LeadingExchange<R> {
    /// The exchange's lasting name, which costs a MAC.
    #[must_use]
    pub fn name(&self) -> ExchangeKey {
        self.engine.exchange_names.exchange_key(&self.request.name_parts().each_ref().map(|part| &**part))
    }

    /// Makes the exchange, and has `after` turn its outcome into everybody's reply. As soon as any of it has to wait, all
    /// of it goes on in a task of its own, so that a client that hangs up cancels nobody.
    ///
    /// # Errors
    /// A [`Refusal`] that concerns this request only: it is out of time; the exchange goes on.
    pub async fn run(self, after: impl AfterExchange<Reply = R>) -> Result<R, Refusal> {
        let Self { engine, request, binding, ticket, reply } = self;
        let answer_by = request.answer_by;
        poll_then_spawn(async move { engine.run_and_settle(&request, &binding, ticket, after).await }).await;
        wait_for(reply, answer_by).await?.ok_or_else(vanished)
    }
}

impl<R: Settlement> ExchangeEngine<R> {
    async fn run_and_settle(
        &self,
        request: &ExchangeRequest,
        binding: &Binding,
        ticket: Ticket<R>,
        after: impl AfterExchange<Reply = R>,
    ) {
        let begun_by = self.acquisition.ambient().now();
        let outcome = match self.acquisition.obtain(request, binding).await {
            Ok(token) => Outcome::Kept(token),
            Err(refusal) => Outcome::Refused(refusal),
        };
        let reply = after.settle(outcome).await;
        let holds = reply.holds();
        ticket.settle(reply);
        if !holds {
            return;
        }
        // After settling: a duplicate in a group is admitted by the settled marker once the pending sign-in is gone.
        let finished = FinishedCard { conversation: request.evidence.conversation_id(), begun_by };
        let account = request.account.as_channel_account();
        if let Err(error) = self.admission.cards().finish(&account, &request.connection.name, finished).await {
            tracing::warn!(
                correlation_id = request.correlation_id,
                %error,
                "a finished sign-in stays listed as pending"
            );
        }
    }
}

/// The leader's reply; none if the leader has vanished.
async fn wait_for<R: Clone>(mut reply: watch::Receiver<Option<R>>, answer_by: Instant) -> Result<Option<R>, Refusal> {
    match timeout_at(answer_by, reply.wait_for(Option::is_some)).await {
        Err(_) => Err(out_of_time()),
        Ok(Ok(reply)) => Ok(reply.clone()),
        Ok(Err(_)) => Ok(None),
    }
}

/// Does at once what needs no waiting, which is all there is to do where the token is in memory; the rest goes on in a
/// task of its own.
async fn poll_then_spawn(work: impl Future<Output = ()> + Send + 'static) {
    let mut work = Box::pin(work);
    if poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await.is_pending() {
        tokio::spawn(work);
    }
}

fn vault_failure(error: &VaultError) -> Refusal {
    if matches!(error, VaultError::SignedOut) {
        return Refusal::local(Reason::SignInRequired, "the user was signed out while the exchange was under way");
    }
    tracing::error!(%error, "the vault failed");
    Refusal::local(Reason::TemporarilyUnavailable, "the vault failed: see the error logged before this")
}

fn store_failure(error: &RecordError) -> Refusal {
    tracing::error!(%error, "pending sign-ins cannot be read");
    Refusal::local(Reason::TemporarilyUnavailable, "the store failed: see the error logged before this")
}

fn pinned_to_another() -> Refusal {
    mismatch("pin", "this channel account is pinned to another identity until sign-out")
}

fn out_of_time() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the identity provider did not answer within the invoke's budget")
}

fn crowded() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "too many duplicates of one exchange are waiting")
}

fn vanished() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the exchange's task ended without an outcome")
}
