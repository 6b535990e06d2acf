//! One exchange from its request to its reply: *admit* → *join* → *recall* → *redeem* → *keep* → *settle*.
//!
//! Owns the order of these phases and the joining of duplicates, also of those that reach other replicas, and sees to it
//! that an exchange continues when its client hangs up. It deliberately knows neither what a reply looks like nor what
//! follows the exchange: a door supplies both by [`AfterExchange`].

mod acquisition;
mod admission;
mod after_exchange;
mod continued_work;
mod dedup;
mod exchange_reply;
mod refusals;
mod request;
mod settlement;
mod shared;

#[cfg(test)]
mod replicas_tests;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::binding::Binding;
use super::{ExchangeNames, Outcome, Reason, Refusal};
use crate::cards::FinishedCard;
use crate::domain::{ExchangeKey, Fingerprint, Fingerprints, Timestamp, complete_by};
use crate::observability::carry;
use crate::records::Records;

use self::continued_work::ContinuedWork;
use self::dedup::{Deduplicator, Joined, Ticket};
use self::refusals::{deadline_exceeded, leader_ended, other_replica_is_late, too_many_followers};
use self::shared::{SharedExchanges, SharedLead, SharedTurn};

pub use acquisition::Acquisition;
pub(in crate::exchange) use acquisition::AcquisitionRequest;
pub use admission::Admission;
pub use after_exchange::AfterExchange;
pub use exchange_reply::{ExchangeReply, OutcomeReport};
pub use request::ExchangeRequest;
pub use settlement::Settlement;
pub use shared::ContinuationMark;

/// How often one request may join anew, because the leader's task ended without a reply or a remembered token is gone.
const MAX_JOINS: usize = 3;

/// Runs exchanges. `R` is the reply of the door, which the engine remembers so that it can answer duplicates.
pub struct ExchangeEngine<R: Settlement> {
    admission: Admission,
    acquisition: Acquisition,
    exchange_names: ExchangeNames,
    deduplicator: Arc<Deduplicator<R>>,
    /// What the other replicas know; `None` over an exclusive store.
    shared: Option<Arc<SharedExchanges<R>>>,
    fingerprints: Arc<Fingerprints>,
}

/// The state of a request that was admitted and has joined its duplicates.
pub enum JoinedExchange<R: Settlement> {
    /// Another request made the same exchange; this is its reply.
    Settled(R),
    /// This request must make the exchange, for itself and for its duplicates.
    Leads(LeadingExchange<R>),
}

/// An exchange that is to be made by [`LeadingExchange::run`]. If it is dropped instead, one of its duplicates leads.
pub struct LeadingExchange<R: Settlement> {
    engine: Arc<ExchangeEngine<R>>,
    request: Box<ExchangeRequest>,
    binding: Binding,
    lead: Lead<R>,
}

/// The right to make an exchange.
struct Lead<R: Settlement> {
    /// In this process.
    ticket: Ticket<R>,
    /// Among the replicas; `None` over an exclusive store.
    shared: Option<Box<SharedLead>>,
}

impl<R: Settlement> ExchangeEngine<R> {
    /// An engine with no exchange running.
    #[must_use]
    pub fn new(
        admission: Admission,
        acquisition: Acquisition,
        exchange_names: ExchangeNames,
        records: &Records,
    ) -> Self {
        let deduplicator = Arc::new(Deduplicator::new(Arc::clone(&acquisition.ambient().clock)));
        let (shared, fingerprints) = (SharedExchanges::new(records).map(Arc::new), Arc::new(Fingerprints::new()));
        Self { admission, acquisition, exchange_names, deduplicator, shared, fingerprints }
    }

    /// The engine after a reload: it admits and exchanges by the new configuration, and its requests join the exchanges that
    /// are under way.
    #[must_use]
    pub fn succeed(&self, admission: Admission, acquisition: Acquisition) -> Self {
        Self {
            admission,
            acquisition,
            exchange_names: self.exchange_names.clone(),
            deduplicator: Arc::clone(&self.deduplicator),
            shared: self.shared.clone(),
            fingerprints: Arc::clone(&self.fingerprints),
        }
    }

    /// Admits the request and joins it to its duplicates. If another request leads, waits for the leader's reply. The request is
    /// boxed, because it is handed on several times.
    ///
    /// # Errors
    /// A [`Refusal`] of this request only: not admitted, too many duplicates waiting, or deadline exceeded.
    pub async fn join(self: &Arc<Self>, request: Box<ExchangeRequest>) -> Result<JoinedExchange<R>, Refusal> {
        let key = self.fingerprints.compute_for_parts(&request.name_parts().each_ref().map(|part| &**part));
        for _ in 0..MAX_JOINS {
            let admitted = complete_by(request.answer_by, self.admit(&request, &key)).await;
            let admitted = admitted.ok_or_else(deadline_exceeded)?;
            let binding = match admitted {
                Ok(binding) => binding,
                Err(refusal) => {
                    request.audit_mismatch(&refusal);
                    // What is rare is boxed here and below, so that it adds nothing to the state of every exchange.
                    return Err(Box::pin(self.admission.charge_refusal(&request, refusal)).await);
                }
            };
            match self.deduplicator.join(key) {
                Joined::TooManyFollowers => return Err(too_many_followers()),
                // The token of the completed exchange is no longer kept: this request starts anew as if it were the
                // first.
                Joined::Completed(reply)
                    if reply.succeeded() && !self.acquisition.is_still_kept(&request.acquisition()).await? =>
                {
                    self.deduplicator.forget(&key);
                }
                Joined::Completed(reply) => return Ok(JoinedExchange::Settled(reply)),
                Joined::Leader(ticket) => {
                    let joined = match &self.shared {
                        Some(shared) => Box::pin(self.join_replicas(shared, &request, ticket)).await?,
                        None => JoinedReplicas::Leads(Lead { ticket, shared: None }),
                    };
                    let lead = match joined {
                        JoinedReplicas::Settled(reply) => return Ok(JoinedExchange::Settled(reply)),
                        JoinedReplicas::Leads(lead) => lead,
                    };
                    let engine = Arc::clone(self);
                    return Ok(JoinedExchange::Leads(LeadingExchange { engine, request, binding, lead }));
                }
                Joined::Follower(reply) => {
                    if let Some(reply) = Box::pin(wait_for(reply, request.answer_by)).await? {
                        return Ok(JoinedExchange::Settled(reply));
                    }
                }
            }
        }
        Err(leader_ended())
    }

    /// Decides whether the token may be exchanged for the account. Every duplicate is checked again.
    async fn admit(&self, request: &ExchangeRequest, key: &Fingerprint) -> Result<Binding, Refusal> {
        let binding = self.admission.bind(request).await?;
        // The key covers user, conversation and card, so the card of a known exchange was checked before.
        if !self.deduplicator.knows(key)
            && let Err(refusal) = self.admission.check_card(request).await
            && !Box::pin(self.is_known_to_replicas(request, &refusal)).await?
        {
            return Err(refusal);
        }
        Ok(binding)
    }

    /// Whether a replica has made the exchange of a request that is refused for its card, which ends with the exchange.
    async fn is_known_to_replicas(&self, request: &ExchangeRequest, refusal: &Refusal) -> Result<bool, Refusal> {
        match &self.shared {
            Some(shared) if matches!(refusal.reason, Reason::IdentityMismatch(_)) => {
                shared.knows(self.exchange_key(request)).await
            }
            _ => Ok(false),
        }
    }

    /// Joins the duplicates of a request that leads in this process to those at other replicas.
    async fn join_replicas(
        &self,
        shared: &SharedExchanges<R>,
        request: &ExchangeRequest,
        ticket: Ticket<R>,
    ) -> Result<JoinedReplicas<R>, Refusal> {
        let joining = shared.join(self.exchange_key(request), &self.acquisition, request);
        let turn = complete_by(request.answer_by, joining).await.ok_or_else(other_replica_is_late)?;
        Ok(match turn? {
            SharedTurn::Leads(lead) => JoinedReplicas::Leads(Lead { ticket, shared: Some(lead) }),
            SharedTurn::Settled(settled) => {
                ticket.settle_until(&settled.settlement, settled.remembered_until);
                JoinedReplicas::Settled(settled.settlement)
            }
        })
    }

    /// The key of the exchange, which is the same at all replicas. Costs a MAC.
    fn exchange_key(&self, request: &ExchangeRequest) -> ExchangeKey {
        self.exchange_names.exchange_key(&request.name_parts().each_ref().map(|part| &**part))
    }
}

/// The result of [`ExchangeEngine::join_replicas`].
enum JoinedReplicas<R: Settlement> {
    Settled(R),
    Leads(Lead<R>),
}

impl<R: Settlement> LeadingExchange<R> {
    /// The key of the exchange, which is the same after a restart and at all replicas. Each call may compute a MAC.
    #[must_use]
    pub fn exchange_key(&self) -> ExchangeKey {
        self.lead.shared.as_ref().map_or_else(|| self.engine.exchange_key(&self.request), |shared| shared.key)
    }

    /// Makes the exchange, and lets `after` turn its outcome into the reply for this request and its duplicates. A client
    /// that hangs up does not cancel it: it then continues in a task of its own.
    ///
    /// # Errors
    /// A [`Refusal`] of this request only: its deadline is exceeded. The exchange continues.
    pub async fn run(self, after: impl AfterExchange<Reply = R>) -> Result<R, Refusal> {
        let answer_by = self.request.answer_by;
        complete_by(answer_by, ContinuedWork::new(self.make(after))).await.ok_or_else(deadline_exceeded)
    }

    async fn make(self, after: impl AfterExchange<Reply = R>) -> R {
        let Lead { ticket, mut shared } = self.lead;
        let (engine, request) = (&self.engine, &self.request);
        // An action answers no card, and the bot may still wait for the answer to one.
        let may_answer_card = !request.evidence.is_action() && engine.may_have_cards(request);
        let begun_by = may_answer_card.then(|| engine.acquisition.ambient().now());
        let outcome = match engine.acquisition.obtain(&request.acquisition(), &self.binding).await {
            Ok(token) => Outcome::Kept(token),
            Err(refusal) => {
                request.audit_mismatch(&refusal);
                Outcome::Refused(refusal)
            }
        };
        if let Outcome::Kept(_) = outcome {
            engine.end_client_failures(request).await;
        }
        let reply = after.settle(request, outcome, ContinuationMark(shared.as_deref_mut())).await;
        let reply = match shared {
            Some(shared) => Box::pin(shared.settle_by(reply, request.answer_by)).await,
            None => reply,
        };
        ticket.settle(&reply);
        if let Some(begun_by) = begun_by.filter(|_| reply.succeeded()) {
            let (engine, request) = (self.engine, self.request);
            // The card is finished after the ticket settles: a later duplicate in a group finds no pending sign-in, and is
            // admitted because the deduplicator knows the exchange.
            tokio::spawn(carry(async move { engine.finish_card(&request, begun_by).await }));
        }
        reply
    }
}

impl<R: Settlement> ExchangeEngine<R> {
    /// The next card may offer silent sign-in again. This precedes the reply, after which the bot may ask for a card.
    async fn end_client_failures(&self, request: &ExchangeRequest) {
        let (account, cards) = (request.account.as_channel_account(), self.admission.cards());
        let conversation = request.evidence.conversation_id();
        if let Err(error) = cards.end_client_failures(&account, &request.connection.name, conversation).await {
            tracing::warn!(correlation_id = request.correlation_id, %error, "a client's failure goes on counting");
        }
    }

    fn may_have_cards(&self, request: &ExchangeRequest) -> bool {
        self.admission.cards().may_have_any(&request.account.as_channel_account())
    }

    async fn finish_card(&self, request: &ExchangeRequest, begun_by: Timestamp) {
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

/// Waits for the leader's reply. `None` if the leader's task ended without one.
async fn wait_for<R: Clone>(mut reply: watch::Receiver<Option<R>>, answer_by: Instant) -> Result<Option<R>, Refusal> {
    match complete_by(answer_by, reply.wait_for(Option::is_some)).await {
        None => Err(deadline_exceeded()),
        Some(Ok(reply)) => Ok(reply.clone()),
        Some(Err(_)) => Ok(None),
    }
}
