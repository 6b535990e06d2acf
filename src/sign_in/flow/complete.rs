use std::sync::Arc;

use super::records::{Completed, Identified};
use super::review::{
    DisplayNames, SignInReview, UserDecision, build_completion, build_display_names, build_success, describe_completed,
    report_withheld_code,
};
use super::{BrowserFlow, BrowserSecret, SignInError, SignInFailure, is_handle, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::{Secret, TokenSlot};
use crate::exchange::{BrowserBinding, ProvenIdentity, WantedToken, is_another_person};
use crate::observability::{carry, conceal};
use crate::sign_in::SignedInTokens;
use crate::sign_in::magic_code::MagicCodes;
use crate::sign_in::signed_in_tokens::audit_sign_in;
use crate::single_flight::SingleFlight;

/// The last step: the browser's user is identified.
///
/// The browser may repeat it (docs/architecture.md §The same browser gets the same answer): the sign-in is completed or
/// cancelled once, in a task of its own, and its last page is shown as often as the browser asks for it.
#[derive(Clone)]
pub struct SignInCompletion {
    flow: BrowserFlow,
    tokens: SignedInTokens,
    codes: Arc<MagicCodes>,
    /// The completions that are under way, by the name of the browser's step.
    flights: Arc<SingleFlight<[u8; 32], Result<(), SignInFailure>>>,
}

/// A browser's request to continue from a step.
#[derive(Clone)]
struct RequestedStep {
    handle: Secret,
    browser: BrowserSecret,
}

impl SignInCompletion {
    /// Completes the sign-ins of `flow`: issues a code of `codes`, and keeps the token at once if the binding allows
    /// it.
    #[must_use]
    pub fn new(flow: BrowserFlow, tokens: SignedInTokens, codes: Arc<MagicCodes>) -> Self {
        Self { flow, tokens, codes, flights: Arc::default() }
    }

    /// What the last page shows to the browser with this handle: the question whether the user began this sign-in, or
    /// the result. Completes the sign-in if the user need not be asked (docs/architecture.md §Security rules, rule 8).
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn review(
        &self,
        handle: &str,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<SignInReview, SignInFailure> {
        let step = require_handle_and_browser(handle, browser)?;
        if let Some(result) = self.find_result(&step).await? {
            return Ok(result);
        }
        let Some(identified) = self.find_identified(&step).await? else { return self.get_result(&step).await };
        let card = self.get_card(&identified).await?;
        let binding = self.bind(&card, &identified).await;
        let binding = binding.map_err(|failure| failure.on(identified.channel.as_ref()))?;
        if binding != BrowserBinding::Proven {
            let question = ask_user(&card, &identified, binding);
            match question {
                SignInReview::OtherAccount { .. } => {
                    report_withheld_code(&card, &identified, correlation_id);
                    self.tokens.requirements().want_other_account(&slot_for_card(&card), correlation_id).await;
                }
                SignInReview::Confirm { is_another_person: true, .. } => {
                    self.tokens.requirements().want_other_account(&slot_for_card(&card), correlation_id).await;
                }
                _ => {}
            }
            return Ok(question);
        }
        self.settle(&step, UserDecision::Continue, correlation_id).await?;
        self.get_result(&step).await
    }

    /// What [`SignInCompletion::review`] would return for this handle. Completes nothing.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn preview(&self, handle: &str, browser: Option<&BrowserSecret>) -> Result<SignInReview, SignInFailure> {
        let step = require_handle_and_browser(handle, browser)?;
        if let Some(result) = self.find_result(&step).await? {
            return Ok(result);
        }
        let Some(identified) = self.find_identified(&step).await? else { return self.get_result(&step).await };
        let card = self.get_card(&identified).await?;
        let binding = self.bind(&card, &identified).await;
        let binding = binding.map_err(|failure| failure.on(identified.channel.as_ref()))?;
        if binding != BrowserBinding::Proven {
            return Ok(ask_user(&card, &identified, binding));
        }
        let names = build_display_names(&card, &identified);
        let code = self.codes.derive_code(&step.browser.0, &step.handle);
        Ok(SignInReview::Completed(build_completion(build_success(&card, binding), code, names)))
    }

    /// Takes the user's decision: completes or drops the sign-in. Once a sign-in is completed, it can be cancelled until
    /// its code is used; a cancelled one stays cancelled. [`SignInCompletion::review`] shows the result.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn decide(
        &self,
        handle: &str,
        browser: Option<&BrowserSecret>,
        decision: UserDecision,
        correlation_id: &str,
    ) -> Result<(), SignInFailure> {
        self.settle(&require_handle_and_browser(handle, browser)?, decision, correlation_id).await
    }

    /// Completes or drops the sign-in in a task of its own, which continues when the browser hangs up. The tasks of one
    /// step follow each other; the same decision at the same time shares one task.
    async fn settle(
        &self,
        step: &RequestedStep,
        decision: UserDecision,
        correlation_id: &str,
    ) -> Result<(), SignInFailure> {
        let name = self.flow.browsers.name_step(&step.handle, &step.browser.0, "");
        loop {
            let mut is_leader = false;
            let flight = self.flights.join(name, || {
                is_leader = true;
                let (completion, step, correlation_id) = (self.clone(), step.clone(), correlation_id.to_owned());
                carry(async move { completion.settle_once(&step, decision, &correlation_id).await })
            });
            let outcome = flight.outcome().await.unwrap_or_else(|| Err(SignInError::Storage.into()));
            // Who cancels while the same step is being completed still means to cancel.
            if is_leader || decision == UserDecision::Continue {
                return outcome;
            }
        }
    }

    async fn settle_once(
        &self,
        step: &RequestedStep,
        decision: UserDecision,
        correlation_id: &str,
    ) -> Result<(), SignInFailure> {
        let name = self.flow.browsers.name_step(&step.handle, &step.browser.0, "");
        let _lease = self.flow.browsers.lease_step(&name).await?;
        if let Some(completed) = self.find_completed(step).await? {
            return if decision == UserDecision::Cancel {
                self.withdraw(step, completed, correlation_id).await
            } else {
                Ok(())
            };
        }
        let identified = self.find_identified(step).await?.ok_or(SignInError::StateUnknown)?;
        let settled = async {
            let completed = match decision {
                UserDecision::Continue => self.complete(step, &identified, correlation_id).await?,
                UserDecision::Cancel => {
                    // Who cancels here does not mean the account that the page names.
                    let card = self.get_card(&identified).await?;
                    self.tokens.requirements().want_other_account(&slot_for_card(&card), correlation_id).await;
                    describe_completed(&card, &identified, None)
                }
            };
            self.flow.browsers.put(&step.handle, &step.browser.0, &completed).await?;
            Ok(())
        };
        settled.await.map_err(|failure: SignInFailure| failure.on(identified.channel.as_ref()))?;
        if let Err(error) = self.flow.browsers.remove::<Identified>(&step.handle).await {
            tracing::warn!(%error, "a step of a browser's sign-in stays kept until it expires");
        }
        Ok(())
    }

    /// Ends the code of a completed sign-in that its user cancels afterwards. A code that was used stays used. A user who
    /// repeats a cancellation that the store has interrupted finds the code ended and the sign-in cancelled.
    async fn withdraw(
        &self,
        step: &RequestedStep,
        completed: Completed,
        correlation_id: &str,
    ) -> Result<(), SignInFailure> {
        if completed.success.as_ref().is_none_or(|success| success.verified) {
            return Ok(());
        }
        let code = self.codes.derive_code(&step.browser.0, &step.handle);
        let is_withdrawn = match self.codes.find_waiting(&completed.slot, &code).await? {
            Some(record) => self.codes.end_one(record).await?,
            None => !self.is_used(&completed, &code).await?,
        };
        if is_withdrawn {
            self.tokens.requirements().want_other_account(&completed.slot, correlation_id).await;
            let cancelled = Completed { success: None, ..completed };
            self.flow.browsers.put(&step.handle, &step.browser.0, &cancelled).await?;
        }
        Ok(())
    }

    /// Whether the slot holds the token that came of the completed sign-in's code.
    async fn is_used(&self, completed: &Completed, code: &Secret) -> Result<bool, SignInFailure> {
        let Some(mark) = self.codes.mark(&completed.slot, code.expose()) else { return Ok(false) };
        Ok(self.tokens.holds_token_of_code(&completed.slot, completed.revision, mark).await?)
    }

    async fn complete(
        &self,
        step: &RequestedStep,
        identified: &Identified,
        correlation_id: &str,
    ) -> Result<Completed, SignInFailure> {
        let vault = self.tokens.vault();
        let grant = &identified.grant;
        let user = &grant.token.user;
        let slot = slot_for_card(&self.get_card(identified).await?);
        let permit = vault.permit(&slot, user).await?;
        // The card is read again after the permit was drawn. A sign-out ends cards before it revokes permits, so a
        // sign-out that this read misses revokes the permit.
        let card = self.get_card(identified).await?;
        let connection = self.flow.find_connection(&card).filter(|connection| connection.revision == grant.revision);
        let Some(connection) = connection else { return Err(SignInError::LinkUnknown.into()) };
        if permit.epoch() != grant.epoch {
            return Err(SignInError::LinkUnknown.into());
        }
        let binding = self.bind(&card, identified).await?;
        if binding == BrowserBinding::NoCode {
            return Err(SignInError::OtherAccount.into());
        }
        let success = build_success(&card, binding);
        if success.verified {
            // The channel vouches for the user as in a silent exchange, so the token is kept without a code.
            self.tokens.keep(permit.clone(), connection.revision, grant.token.clone(), None).await?;
            audit_sign_in(&slot, user, "verified");
            self.finish(&slot, &card).await;
        }
        let code = self.codes.derive_code(&step.browser.0, &step.handle);
        let issued = self.codes.issue(&slot, grant, &code).await?;
        if !vault.is_permitted(&permit, user).await? {
            self.codes.end_one(issued).await?;
            return Err(SignInError::LinkUnknown.into());
        }
        tracing::info!(
            correlation_id,
            bot = slot.account.holder.as_str(),
            channel = slot.account.channel_name(),
            connection = slot.connection.as_str(),
            user = %conceal(user),
            verified = success.verified,
            "a browser sign-in was completed"
        );
        Ok(describe_completed(&card, identified, Some(success)))
    }

    /// Removes the challenge and the client's failures after the token is kept. If that fails, both expire by themselves.
    async fn finish(&self, slot: &TokenSlot, card: &PendingSignIn) {
        let ended = async {
            self.tokens.requirements().end_challenge(slot).await?;
            let (cards, conversation) = (&self.flow.cards, card.conversation.as_ref());
            cards.end_client_failures(&card.account, &card.connection, conversation).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "what a finished sign-in has answered stays noted until it expires");
        }
    }

    async fn get_result(&self, step: &RequestedStep) -> Result<SignInReview, SignInFailure> {
        Ok(self.find_result(step).await?.ok_or(SignInError::StateUnknown)?)
    }

    /// What the last page shows of a sign-in that was completed or cancelled; `None` if it was not.
    async fn find_result(&self, step: &RequestedStep) -> Result<Option<SignInReview>, SignInFailure> {
        let Some(completed) = self.find_completed(step).await? else { return Ok(None) };
        let channel = completed.slot.account.realm.channel().cloned();
        let result = self.read_result(step, completed).await;
        result.map(Some).map_err(|failure| failure.on(channel.as_ref()))
    }

    async fn read_result(&self, step: &RequestedStep, completed: Completed) -> Result<SignInReview, SignInFailure> {
        let Completed { slot, revision, user, account_name, success, .. } = completed;
        let channel = slot.account.realm.channel().cloned();
        let names = DisplayNames { bot: slot.account.holder.to_string(), account: account_name, channel };
        let Some(success) = success else { return Ok(SignInReview::Cancelled(names)) };
        let code = self.codes.derive_code(&step.browser.0, &step.handle);
        if self.codes.find_waiting(&slot, &code).await?.is_some() {
            return Ok(SignInReview::Completed(build_completion(success, code, names)));
        }
        let held = self.tokens.vault().read(&slot, revision).await?.filter(|held| held.token.user == user);
        let is_signed_in = match self.codes.mark(&slot, code.expose()) {
            _ if success.verified && held.is_some() => true,
            Some(mark) => self.tokens.is_code_redeemed(&slot, revision, mark).await?,
            None => false,
        };
        if is_signed_in { Ok(SignInReview::SignedIn(names)) } else { Err(SignInError::StateUnknown.into()) }
    }

    async fn find_completed(&self, step: &RequestedStep) -> Result<Option<Completed>, SignInFailure> {
        Ok(self.flow.browsers.find(&step.handle, &step.browser.0).await?.of_this_browser()?)
    }

    async fn find_identified(&self, step: &RequestedStep) -> Result<Option<Identified>, SignInFailure> {
        Ok(self.flow.browsers.find(&step.handle, &step.browser.0).await?.of_this_browser()?)
    }

    /// What the browser sign-in proves about the card's account.
    async fn bind(&self, card: &PendingSignIn, identified: &Identified) -> Result<BrowserBinding, SignInFailure> {
        let (Some(bot), Some(connection)) = (self.flow.find_bot(card), self.flow.find_connection(card)) else {
            return Err(SignInError::LinkUnknown.into());
        };
        let wanted = WantedToken { bot, slot: &slot_for_card(card), connection };
        Ok(self.tokens.bind(wanted, &card.stated, &identified.grant.token.user).await?)
    }

    async fn get_card(&self, identified: &Identified) -> Result<PendingSignIn, SignInFailure> {
        let card = self.flow.get_held_card(&identified.grant.card_id).await;
        card.map_err(|failure| failure.on(identified.channel.as_ref()))
    }
}

fn require_handle_and_browser(handle: &str, browser: Option<&BrowserSecret>) -> Result<RequestedStep, SignInError> {
    if !is_handle(handle) {
        return Err(SignInError::StateUnknown);
    }
    let browser = browser.ok_or(SignInError::OtherBrowser)?.clone();
    Ok(RequestedStep { handle: Secret::from(handle), browser })
}

fn ask_user(card: &PendingSignIn, identified: &Identified, binding: BrowserBinding) -> SignInReview {
    let names = build_display_names(card, identified);
    if binding == BrowserBinding::NoCode {
        return SignInReview::OtherAccount { names, owner: card.stated.name.clone() };
    }
    let is_another_person = is_another_person(&card.account, &card.stated, proven_identity(identified));
    SignInReview::Confirm { names, is_another_person }
}

fn proven_identity(identified: &Identified) -> ProvenIdentity<'_> {
    ProvenIdentity { object_id: identified.object_id.as_deref(), tenant_id: identified.tenant_id.as_deref() }
}
