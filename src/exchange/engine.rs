use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use tokio::time::timeout_at;

use super::binding::{Binding, bind, mismatch};
use super::dedup::{Deduplicator, Joined, Settlement, Ticket};
use super::exchange_name::ExchangeNames;
use super::lacking::note_lack;
use super::needs::{ClaimsChallenges, SignInNeeds};
use super::outcome::{Outcome, Reason, Refusal};
use super::redeemed::user_token;
use super::request::ExchangeRequest;
use super::user_rates::UserRates;
use crate::cards::{Ended, PendingSignIn, PendingSignIns};
use crate::domain::{
    Connection, ExchangeKey, Fingerprint, Fingerprints, SharedClock, SharedEntropy, TokenSlot, UserKey, UserToken,
};
use crate::identity_provider::{Attempt, Grant, ProviderRegistry, RedeemedToken};
use crate::records::RecordError;
use crate::vault::{Permit, TokenVault, VaultError};

/// How often one request may start over because its leader vanished.
const JOINS: usize = 3;

/// What an engine works with.
#[derive(Clone)]
pub struct ExchangeParts {
    /// Where tokens are kept.
    pub vault: Arc<TokenVault>,
    /// Which cards are out.
    pub pending: Arc<PendingSignIns>,
    /// Names exchanges.
    pub exchange_names: ExchangeNames,
    /// What resources want of the next tokens.
    pub challenges: Arc<ClaimsChallenges>,
    /// What silent attempts lacked.
    pub needs: Arc<SignInNeeds>,
    /// How much each user may cause.
    pub rates: Arc<UserRates>,
    /// Who redeems.
    pub providers: ProviderRegistry,
    /// The time.
    pub clock: SharedClock,
    /// Randomness.
    pub entropy: SharedEntropy,
}

/// Runs exchanges. `S` is what its door remembers in order to answer duplicates.
pub struct ExchangeEngine<S: Settlement> {
    parts: Arc<ExchangeParts>,
    deduplicator: Arc<Deduplicator<S>>,
    fingerprints: Fingerprints,
}

impl<S: Settlement> ExchangeEngine<S> {
    /// An engine with nothing under way.
    #[must_use]
    pub fn new(parts: ExchangeParts) -> Self {
        let deduplicator = Arc::new(Deduplicator::new(Arc::clone(&parts.clock)));
        Self { parts: Arc::new(parts), deduplicator, fingerprints: Fingerprints::new() }
    }

    /// Runs one exchange or joins the one that is under way: *admit* → *join* → *recall* → *redeem* → *keep* → *settle*.
    ///
    /// `settling` is asked by the leader alone for what turns the outcome into everybody's answer; it is given a way to the
    /// exchange's lasting name, which costs a MAC that most answers do not need. As soon as what it returns or
    /// anything before it has to wait, all of it goes on in a task of its own, so that a client that hangs up cancels
    /// nobody.
    ///
    /// # Errors
    /// A [`Refusal`] that concerns this request only: not admitted, too many waiting, out of time.
    pub async fn exchange<M, F, A>(self: &Arc<Self>, request: ExchangeRequest, settling: M) -> Result<S, Refusal>
    where
        M: FnOnce(&dyn Fn() -> ExchangeKey) -> F,
        F: FnOnce(Outcome) -> A + Send + 'static,
        A: Future<Output = S> + Send + 'static,
    {
        let key = self.fingerprints.of_parts(&parts_of(&request).each_ref().map(|part| &**part));
        let answer_by = request.answer_by;
        let mut work = Some((request, settling));
        for _ in 0..JOINS {
            let mut binding = None;
            if let Some((request, _)) = &work {
                let admitted = timeout_at(answer_by, self.admit(request, &key)).await;
                binding = Some(admitted.map_err(|_| out_of_time())?.map_err(|refusal| self.charged(request, refusal))?);
            }
            let mut waiting = match self.deduplicator.join(key) {
                Joined::Crowded => return Err(crowded()),
                Joined::Follower(waiting) => waiting,
                Joined::Settled(settlement) => match &work {
                    // Its token is gone: the request is judged anew, as if it were the first.
                    Some((request, _)) if settlement.holds() && !self.holds_for(request).await => {
                        self.deduplicator.forget(&key);
                        continue;
                    }
                    _ => return Ok(settlement),
                },
                Joined::Leader(ticket, waiting) => {
                    let (Some((request, settling)), Some(binding)) = (work.take(), binding) else {
                        return Err(vanished());
                    };
                    let settle = settling(&|| {
                        self.parts.exchange_names.exchange_key(&parts_of(&request).each_ref().map(|part| &**part))
                    });
                    begin(lead(Arc::clone(&self.parts), ticket, (request, binding), settle)).await;
                    waiting
                }
            };
            match timeout_at(answer_by, waiting.wait_for(Option::is_some)).await {
                Err(_) => return Err(out_of_time()),
                Ok(Ok(settlement)) => return settlement.clone().ok_or_else(vanished),
                Ok(Err(_)) => {}
            }
        }
        Err(vanished())
    }

    /// May this token be exchanged for this user at all? Asked for every duplicate anew.
    async fn admit(&self, request: &ExchangeRequest, key: &Fingerprint) -> Result<Binding, Refusal> {
        let mut binding = bind(request)?;
        for account in &binding.held_to {
            let pinned = self.parts.vault.find_pin(account).await.map_err(|error| store_failure(&error))?;
            match pinned {
                Some(user) if user == request.token.user => binding.pins.retain(|pin| pin != account),
                Some(_) => return Err(pinned_to_another()),
                None => {}
            }
        }
        // The key names user, conversation and card: whose exchange is known was admitted by all of them before.
        if self.deduplicator.knows(key) {
            return Ok(binding);
        }
        let card = if request.names_card {
            let found = self.parts.pending.find_by_card(&request.account.holder, &request.exchange_id).await;
            found.map_err(|error| pending_failure(&error))?
        } else {
            None
        };
        if card.as_ref().is_some_and(|card| card.account != request.account) {
            return Err(mismatch("card", "the card was issued to another user"));
        }
        if request.conversation.shared {
            self.admit_in_group(request, card).await?;
        }
        Ok(binding)
    }

    /// A refusal tells who sent the token something about an account, so it counts as a guess.
    fn charged(&self, request: &ExchangeRequest, refusal: Refusal) -> Refusal {
        if refusal.reason == Reason::TemporarilyUnavailable {
            return refusal;
        }
        self.parts.rates.charge(&request.caller, &request.account, &request.correlation_id).err().unwrap_or(refusal)
    }

    /// Cards are seen by everybody in a group, so an exchange there needs a sign-in that this very user began (DESIGN §5.6).
    async fn admit_in_group(&self, request: &ExchangeRequest, card: Option<PendingSignIn>) -> Result<(), Refusal> {
        let candidates = match card {
            Some(card) => vec![card],
            None if request.names_card => Vec::new(),
            None => self.parts.pending.list(&request.account).await.map_err(|error| pending_failure(&error))?,
        };
        let fits = |pending: &PendingSignIn| {
            pending.connection == request.connection.name
                && pending.conversation.as_ref().is_none_or(|conversation| *conversation == request.conversation.id)
        };
        if candidates.iter().any(fits) {
            return Ok(());
        }
        Err(mismatch("no_pending_sign_in", "in a group an exchange needs a sign-in that this user began there"))
    }

    async fn holds_for(&self, request: &ExchangeRequest) -> bool {
        self.still_kept(&request.slot(), &request.connection, &request.token.user).await
    }

    /// Whether `user` still has a token in `slot`: no more once they were signed out.
    pub async fn still_kept(&self, slot: &TokenSlot, connection: &Connection, user: &UserKey) -> bool {
        let found = self.parts.vault.find(slot, connection.revision).await;
        matches!(found, Ok(Some(token)) if token.user == *user)
    }
}

/// What tells one exchange from another (DESIGN §3, Dedup).
fn parts_of(request: &ExchangeRequest) -> [Cow<'_, str>; 8] {
    let [holder, realm, subject] = request.account.key_parts();
    let user = &request.token.user;
    [
        holder,
        realm,
        request.conversation.id.as_str().into(),
        subject,
        request.connection.name.as_str().into(),
        request.exchange_id.as_str().into(),
        user.issuer().into(),
        user.subject().into(),
    ]
}

/// Does at once what needs no waiting, which is all there is to do where the token is in memory; the rest goes on in a
/// task of its own.
async fn begin(work: impl Future<Output = ()> + Send + 'static) {
    let mut work = Box::pin(work);
    if poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await.is_pending() {
        tokio::spawn(work);
    }
}

/// The leader's work.
async fn lead<S, F, A>(
    parts: Arc<ExchangeParts>,
    ticket: Ticket<S>,
    (request, binding): (ExchangeRequest, Binding),
    settle: F,
) where
    S: Settlement,
    F: FnOnce(Outcome) -> A,
    A: Future<Output = S>,
{
    let begun_by = parts.clock.now();
    let outcome = match obtain(&parts, &request, &binding).await {
        Ok(token) => Outcome::Kept(token),
        Err(refusal) => Outcome::Refused(refusal),
    };
    let settlement = settle(outcome).await;
    let holds = settlement.holds();
    ticket.settle(settlement);
    if !holds {
        return;
    }
    // After settling: a duplicate in a group is admitted by the settled marker once the pending sign-in is gone.
    let ended = Ended { conversation: Some(&request.conversation.id), begun_by };
    if let Err(error) = parts.pending.finish(&request.account, &request.connection.name, ended).await {
        tracing::warn!(correlation_id = request.correlation_id, %error, "a finished sign-in stays listed as pending");
    }
}

/// *recall* → *redeem* → *keep*.
async fn obtain(
    parts: &ExchangeParts,
    request: &ExchangeRequest,
    binding: &Binding,
) -> Result<Arc<UserToken>, Refusal> {
    let slot = request.slot();
    let user = &request.token.user;
    let permit = async || parts.vault.permit(&slot, user).await.map_err(|error| store_failure(&error));
    // Before anything is read: a sign-out that comes after it ends what is pinned for it.
    let early = if binding.pins.is_empty() { None } else { Some(permit().await?) };
    if let Some(token) = recall(parts, request, binding, (&slot, early.as_ref())).await? {
        return Ok(token);
    }
    let permit = match early {
        Some(permit) => permit,
        None => permit().await?,
    };
    let redeemed = redeem(parts, request, &slot).await?;
    pin(parts, request, binding, &permit).await?;
    let present = (parts.clock.now(), parts.entropy.as_ref());
    let token = user_token(redeemed, &request.connection, (user, request.token.security_context), present);
    let kept = parts.vault.keep(permit, request.connection.revision, token).await;
    let kept = kept.map_err(|error| store_failure(&error))?;
    tracing::info!(
        correlation_id = request.correlation_id,
        bot = slot.account.holder.as_str(),
        connection = slot.connection.as_str(),
        user = %kept.user,
        "a token is kept"
    );
    Ok(kept)
}

/// A good token of the same person, obtained in the same circumstances. (Where a challenge waits there is none.)
async fn recall(
    parts: &ExchangeParts,
    request: &ExchangeRequest,
    binding: &Binding,
    (slot, permit): (&TokenSlot, Option<&Permit>),
) -> Result<Option<Arc<UserToken>>, Refusal> {
    let recalled = parts.vault.find(slot, request.connection.revision).await.map_err(|error| store_failure(&error))?;
    let Some(token) = recalled else { return Ok(None) };
    let user = &request.token.user;
    if token.user != *user {
        let slot_is_theirs = "this channel account holds another identity's token until sign-out";
        return if binding.by_channel { Ok(None) } else { Err(mismatch("slot", slot_is_theirs)) };
    }
    if token.security_context != request.token.security_context {
        return Ok(None);
    }
    if let Some(permit) = permit {
        pin(parts, request, binding, permit).await?;
    }
    Ok(Some(token))
}

/// On behalf of the user, with the challenge that waits for them, if one does: it goes to the issuer once, and waits
/// longer only if the issuer could not be asked.
async fn redeem(parts: &ExchangeParts, request: &ExchangeRequest, slot: &TokenSlot) -> Result<RedeemedToken, Refusal> {
    let provider = parts.providers.find(&request.connection).ok_or_else(|| {
        Refusal::local(Reason::Misconfigured, "the connection has no identity provider that can exchange")
    })?;
    parts.rates.charge(&request.caller, &request.account, &request.correlation_id)?;
    let challenge = parts.challenges.take(slot).await.map_err(|error| pending_failure(&error))?;
    let (correlation_id, claims) = (request.correlation_id.clone(), challenge.clone());
    let attempt = Attempt { correlation_id, deadline: request.deadline, claims };
    let redemption = provider.redeem(&request.connection, Grant::OnBehalfOf(&request.token), attempt);
    let redeemed = timeout_at(request.deadline, redemption).await;
    if let Ok(Err(error)) = &redeemed {
        note_lack(parts, slot, (&error.failure, challenge.as_ref()), &request.correlation_id).await;
    }
    let redeemed = redeemed.map_err(|_| out_of_time()).and_then(|redeemed| redeemed.map_err(Refusal::from));
    if let (Err(refusal), Some(challenge)) = (&redeemed, challenge)
        && refusal.reason == Reason::TemporarilyUnavailable
        && let Err(error) = parts.challenges.put(slot, Some(&request.token.user), &challenge).await
    {
        tracing::warn!(correlation_id = request.correlation_id, %error, "a claims challenge is lost");
    }
    redeemed
}

/// Pins the accounts to the identity that succeeded first; of two that race one is refused.
async fn pin(
    parts: &ExchangeParts,
    request: &ExchangeRequest,
    binding: &Binding,
    permit: &Permit,
) -> Result<(), Refusal> {
    let user = &request.token.user;
    for account in &binding.pins {
        let winner = parts.vault.pin(account, user, permit).await.map_err(|error| store_failure(&error))?;
        if winner != *user && !binding.by_channel {
            return Err(pinned_to_another());
        }
    }
    Ok(())
}

fn store_failure(error: &VaultError) -> Refusal {
    if matches!(error, VaultError::SignedOut) {
        return Refusal::local(Reason::SignInRequired, "the user was signed out while the exchange was under way");
    }
    tracing::error!(%error, "the vault failed");
    Refusal::local(Reason::TemporarilyUnavailable, "the vault failed: see the error logged before this")
}

fn pending_failure(error: &RecordError) -> Refusal {
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
