use std::sync::Arc;

use super::request::ExchangeRequest;
use super::{pinned_to_another, store_failure, vault_failure};
use crate::cards::{PendingSignIn, PendingSignIns};
use crate::domain::Account;
use crate::exchange::binding::{Binding, bind, mismatch};
use crate::exchange::{Reason, Refusal, UserRates};
use crate::vault::TokenVault;

/// Says whether a token may be exchanged for an account at all. Every duplicate is asked anew.
#[derive(Clone)]
pub struct Admission {
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    rates: Arc<UserRates>,
}

impl Admission {
    /// Admission by the pins in `vault` and the `cards` that are out.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, cards: Arc<PendingSignIns>, rates: Arc<UserRates>) -> Self {
        Self { vault, cards, rates }
    }

    /// The cards that are out.
    pub(super) fn cards(&self) -> &PendingSignIns {
        &self.cards
    }

    /// How the token's user is bound to the account; refused where the account is pinned to another user.
    pub(super) async fn bind(&self, request: &ExchangeRequest) -> Result<Binding, Refusal> {
        let mut binding = bind(&request.bot, &request.account, &request.evidence, &request.token)?;
        for account in &binding.held_to {
            let pinned = self.vault.find_pin(account).await.map_err(|error| vault_failure(&error))?;
            match pinned {
                Some(user) if user == request.token.user => binding.pins.retain(|pin| pin != account),
                Some(_) => return Err(pinned_to_another()),
                None => {}
            }
        }
        Ok(binding)
    }

    /// A card must have been issued to this user. Everybody in a group sees its cards, so an exchange there needs a sign-in
    /// that this very user began there (DESIGN §5.6).
    pub(super) async fn check_card(&self, request: &ExchangeRequest) -> Result<(), Refusal> {
        let Some(activity) = request.evidence.activity() else { return Ok(()) };
        // The account that the bot named when it asked for the card.
        let account = request.account.as_channel_account();
        let card = match &activity.card_id {
            Some(card_id) => self.cards.find_by_card(&account.holder, card_id).await,
            None => Ok(None),
        };
        let card = card.map_err(|error| store_failure(&error))?;
        if card.as_ref().is_some_and(|card| card.account != *account) {
            return Err(mismatch("card", "the card was issued to another user"));
        }
        if activity.conversation.shared {
            return self.check_group(request, &account, card).await;
        }
        Ok(())
    }

    async fn check_group(
        &self,
        request: &ExchangeRequest,
        account: &Account,
        card: Option<PendingSignIn>,
    ) -> Result<(), Refusal> {
        let candidates = match card {
            Some(card) => vec![card],
            None if request.card_id().is_some() => Vec::new(),
            None => self.cards.list(account).await.map_err(|error| store_failure(&error))?,
        };
        let conversation_id = request.evidence.conversation_id();
        let fits = |pending: &PendingSignIn| {
            pending.connection == request.connection.name
                && (pending.conversation.is_none() || pending.conversation.as_deref() == conversation_id)
        };
        if candidates.iter().any(fits) {
            return Ok(());
        }
        Err(mismatch("no_pending_sign_in", "in a group an exchange needs a sign-in that this user began there"))
    }

    /// A refusal tells who sent the token something about an account, so it counts as a guess.
    pub(super) fn charge_refusal(&self, request: &ExchangeRequest, refusal: Refusal) -> Refusal {
        if refusal.reason == Reason::TemporarilyUnavailable {
            return refusal;
        }
        match self.rates.charge(&request.account, &request.correlation_id) {
            Ok(()) => refusal,
            Err(limited) => limited.into(),
        }
    }
}
