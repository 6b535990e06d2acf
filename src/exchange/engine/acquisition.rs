use std::sync::Arc;

use tokio::time::Instant;

use super::refusals::{pinned_to_another_user, store_failure, vault_failure};
use crate::domain::{Bot, ClockAndEntropy, Connection, ExchangeableToken, SecurityContext, TokenSlot, UserToken};
use crate::exchange::binding::{Binding, mismatch};
use crate::exchange::parent_slots::{WantedToken, end_tokens_of_others, is_kept};
use crate::exchange::user_token::{TokenOwner, user_token};
use crate::exchange::{Reason, Redemption, Refusal, UserRates, report_missing_scopes};
use crate::identity_provider::{Attempt, Grant, RedeemedToken};
use crate::observability::{AuditEntry, AuditEvent, conceal};
use crate::vault::{Permit, TokenVault};

/// Gets the user token for an admitted request: *recall* a kept one → else *redeem* → *keep*.
#[derive(Clone)]
pub struct Acquisition {
    vault: Arc<TokenVault>,
    redemption: Redemption,
    rates: Arc<UserRates>,
    ambient: ClockAndEntropy,
}

/// What is to be obtained: the user token of an account for a connection, for a validated token of the user.
pub(in crate::exchange) struct AcquisitionRequest<'a> {
    pub(in crate::exchange) connection: &'a Arc<Connection>,
    /// Where the user token is kept: the slot of the account for the connection.
    pub(in crate::exchange) slot: TokenSlot,
    pub(in crate::exchange) token: &'a ExchangeableToken,
    /// A kept token of the user serves if its security context is this one.
    pub(in crate::exchange) security_context: SecurityContext,
    /// Identifies the request in the logs here and at the issuer.
    pub(in crate::exchange) correlation_id: &'a str,
    /// The identity provider must answer by this time.
    pub(in crate::exchange) deadline: Instant,
    /// The bot of whose channel the request shows that the user id is the token's user's. What parent bots brought for other
    /// persons under this user id is removed then.
    pub(in crate::exchange) shown_by_channel_of: Option<&'a Arc<Bot>>,
}

/// Which kept tokens are recalled.
#[derive(Clone, Copy)]
enum Recalled {
    /// Those of whose lifetime enough is left.
    Usable,
    /// All that have not ended.
    Unended,
}

/// A redemption that brought no token.
struct FailedRedemption {
    refusal: Refusal,
    /// Whether a resource had challenged the kept token.
    is_challenged: bool,
}

impl From<Refusal> for FailedRedemption {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, is_challenged: false }
    }
}

impl Acquisition {
    /// Recalls tokens from `vault` and redeems by `redemption`, within each user's limit in `rates`.
    #[must_use]
    pub fn new(
        vault: Arc<TokenVault>,
        redemption: Redemption,
        rates: Arc<UserRates>,
        ambient: ClockAndEntropy,
    ) -> Self {
        Self { vault, redemption, rates, ambient }
    }

    /// Time and randomness.
    pub(super) const fn ambient(&self) -> &ClockAndEntropy {
        &self.ambient
    }

    /// Whether the slot of the request still holds a usable token of its user. False after a sign-out.
    pub(super) async fn is_still_kept(&self, request: &AcquisitionRequest<'_>) -> Result<bool, Refusal> {
        let kept = is_kept(&self.vault, &request.slot, request.connection, &request.token.user).await;
        kept.map_err(|error| vault_failure(&error))
    }

    /// A kept token of which enough is left, for a request that pins nothing. It draws no permit and asks no provider.
    pub(in crate::exchange) async fn find_kept(
        &self,
        request: &AcquisitionRequest<'_>,
    ) -> Result<Option<Arc<UserToken>>, Refusal> {
        let kept = self.find(request, &request.slot, Recalled::Usable).await?;
        let fits = |token: &Arc<UserToken>| {
            token.user == request.token.user && token.security_context == request.security_context
        };
        Ok(kept.filter(fits))
    }

    /// Obtains the user token. The caller must not cancel this: it must run in a task of its own, or as
    /// [`ContinuedWork`](super::continued_work::ContinuedWork).
    pub(in crate::exchange) async fn obtain(
        &self,
        request: &AcquisitionRequest<'_>,
        binding: &Binding,
    ) -> Result<Arc<UserToken>, Refusal> {
        if binding.accounts_to_pin.is_empty()
            && let Some(token) = self.recall(request, binding, Recalled::Usable).await?
        {
            return Ok(token);
        }
        // Boxed, so that it adds nothing to the state of an exchange whose token is in memory.
        Box::pin(self.obtain_under_permit(request, binding)).await
    }

    /// Obtains the user token if it cannot be recalled without a permit. A permit is drawn before anything is read that
    /// depends on it, so that a sign-out after this point also removes the new pins.
    async fn obtain_under_permit(
        &self,
        request: &AcquisitionRequest<'_>,
        binding: &Binding,
    ) -> Result<Arc<UserToken>, Refusal> {
        let permit = self.vault.permit(&request.slot, &request.token.user).await;
        let permit = permit.map_err(|error| vault_failure(&error))?;
        if !binding.accounts_to_pin.is_empty()
            && let Some(token) = self.recall(request, binding, Recalled::Usable).await?
        {
            self.pin(request, binding, &permit).await?;
            return Ok(token);
        }
        self.obtain_anew(request, binding, permit).await
    }

    /// Redeems a new token under `permit`, and keeps it.
    async fn obtain_anew(
        &self,
        request: &AcquisitionRequest<'_>,
        binding: &Binding,
        permit: Permit,
    ) -> Result<Arc<UserToken>, Refusal> {
        let redeemed = match self.redeem(request).await {
            Ok(redeemed) => redeemed,
            Err(failed) => return self.recall_unended(request, binding, &permit, failed).await,
        };
        self.pin(request, binding, &permit).await?;
        let owner = TokenOwner { user: &request.token.user, security_context: request.security_context };
        let token = user_token(redeemed, request.connection, owner, &self.ambient);
        report_missing_scopes(&token, request.connection, request.correlation_id);
        self.end_tokens_of_others(request).await?;
        let kept = self.vault.keep_uncancelled(permit, request.connection.revision, token).await;
        let kept = kept.map_err(|error| vault_failure(&error))?;
        tracing::info!(
            correlation_id = request.correlation_id,
            bot = request.slot.account.holder.as_str(),
            connection = request.slot.connection.as_str(),
            user = %conceal(&kept.user),
            "a token is kept"
        );
        let entry = AuditEntry::new(AuditEvent::TokenExchanged).slot(&request.slot).user(&kept.user);
        entry.correlation_id(request.correlation_id).write();
        Ok(kept)
    }

    /// Removes the tokens of other persons that parents brought for a user id of which the channel shows whose it is. This
    /// precedes the write of the new token, so that a failure leaves nothing half done.
    async fn end_tokens_of_others(&self, request: &AcquisitionRequest<'_>) -> Result<(), Refusal> {
        let Some(bot) = request.shown_by_channel_of.filter(|bot| bot.has_parents()) else { return Ok(()) };
        let wanted = WantedToken { bot, slot: &request.slot, connection: request.connection };
        let ended = end_tokens_of_others(&self.vault, wanted, &request.token.user).await;
        ended.map_err(|error| vault_failure(&error))
    }

    /// Recalls a token that has not ended, because the redemption failed for an outage or a fault of ours. A token that a
    /// resource has challenged does not serve.
    async fn recall_unended(
        &self,
        request: &AcquisitionRequest<'_>,
        binding: &Binding,
        permit: &Permit,
        failed: FailedRedemption,
    ) -> Result<Arc<UserToken>, Refusal> {
        let FailedRedemption { refusal, is_challenged } = failed;
        if is_challenged || !refusal.reason.is_outage_or_own_fault() {
            return Err(refusal);
        }
        let recalled = self.recall(request, binding, Recalled::Unended).await?;
        let Some(token) = recalled else { return Err(refusal) };
        self.pin(request, binding, permit).await?;
        // Duplicates of this request, and the bot that asks for the token next, get the same answer.
        self.vault.defer_renewal(&request.slot);
        refusal.report_overridden(&request.slot.account.holder, &request.connection.name, request.correlation_id);
        Ok(token)
    }

    /// Finds a token of the same user whose sign-in had the same security context. It serves only after
    /// [`Acquisition::pin`], if there is anything to pin.
    async fn recall(
        &self,
        request: &AcquisitionRequest<'_>,
        binding: &Binding,
        wanted: Recalled,
    ) -> Result<Option<Arc<UserToken>>, Refusal> {
        let mut recalled = self.find(request, &request.slot, wanted).await?;
        if let Some(token) = recalled.as_ref().filter(|token| token.user != request.token.user) {
            // A browser sign-in at a provider other than Entra names its user by another kind of id than Entra's token, so
            // the kept token may be the same person's (docs/architecture.md §People).
            if !binding.by_channel && token.user.is_surely_another_than(&request.token.user) {
                return Err(held_by_another_user());
            }
            recalled = None;
        }
        Ok(recalled.filter(|token| token.security_context == request.security_context))
    }

    async fn find(
        &self,
        request: &AcquisitionRequest<'_>,
        slot: &TokenSlot,
        wanted: Recalled,
    ) -> Result<Option<Arc<UserToken>>, Refusal> {
        let found = match wanted {
            Recalled::Usable => self.vault.find(slot, request.connection.revision).await,
            Recalled::Unended => Box::pin(self.vault.find_unended(slot, request.connection.revision)).await,
        };
        found.map_err(|error| vault_failure(&error))
    }

    /// Redeems on behalf of the user, with the claims challenge that waits for the user, if there is one. A challenge
    /// goes to the issuer once; it is put back only if the issuer was not available or refused this client.
    async fn redeem(&self, request: &AcquisitionRequest<'_>) -> Result<RedeemedToken, FailedRedemption> {
        let slot = &request.slot;
        if self.redemption.find_provider(request.connection).is_none() {
            let hint = "the connection has no identity provider that can exchange";
            return Err(Refusal::local(Reason::Misconfigured, hint).into());
        }
        self.rates.charge(&slot.account, request.correlation_id).await.map_err(Refusal::from)?;
        let requirements = self.redemption.requirements();
        let challenge = requirements.take_challenge(slot).await.map_err(|error| store_failure(&error))?;
        let (correlation_id, claims) = (request.correlation_id.to_owned(), challenge.clone());
        let attempt = Attempt { correlation_id, deadline: request.deadline, claims };
        let grant = Grant::OnBehalfOf(request.token);
        let redeemed = self.redemption.redeem(request.connection, grant, attempt).await;
        if let Err(error) = &redeemed {
            requirements.remember(slot, &error.failure, challenge.as_ref(), request.correlation_id).await;
        }
        let is_challenged = challenge.is_some();
        let redeemed = redeemed.map_err(Refusal::from);
        if let (Err(refusal), Some(challenge)) = (&redeemed, challenge)
            && refusal.reason.is_outage_or_own_fault()
            && let Err(error) = requirements.put_challenge(slot, Some(&request.token.user), &challenge).await
        {
            tracing::warn!(correlation_id = request.correlation_id, %error, "a claims challenge is lost: the store failed");
        }
        redeemed.map_err(|refusal| FailedRedemption { refusal, is_challenged })
    }

    /// Pins the accounts to the token's user. Of two users whose exchanges race, the first pins and the second is
    /// refused.
    async fn pin(&self, request: &AcquisitionRequest<'_>, binding: &Binding, permit: &Permit) -> Result<(), Refusal> {
        let user = &request.token.user;
        for account in &binding.accounts_to_pin {
            let winner = self.vault.pin(account, user, permit).await.map_err(|error| vault_failure(&error))?;
            if winner != *user && !binding.by_channel {
                return Err(pinned_to_another_user());
            }
        }
        Ok(())
    }
}

fn held_by_another_user() -> Refusal {
    mismatch("slot", "this channel account holds another identity's token until sign-out")
}
