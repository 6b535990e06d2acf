use std::sync::Arc;

use super::refusals::{pinned_to_another_user, store_failure, vault_failure};
use super::request::ExchangeRequest;
use crate::cards::{PendingSignIn, PendingSignIns};
use crate::domain::Account;
use crate::exchange::binding::{Binding, bind, mismatch};
use crate::exchange::{ActivityEvidence, Refusal, TokenSender, UserRates};
use crate::vault::TokenVault;

/// Decides whether a token may be exchanged for an account. Every request is admitted on its own, duplicates included.
#[derive(Clone)]
pub struct Admission {
    vault: Arc<TokenVault>,
    cards: Arc<PendingSignIns>,
    rates: Arc<UserRates>,
}

impl Admission {
    /// Admits by the pins in `vault` and the pending `cards`; counts refusals in `rates`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, cards: Arc<PendingSignIns>, rates: Arc<UserRates>) -> Self {
        Self { vault, cards, rates }
    }

    /// The pending cards.
    pub(super) fn cards(&self) -> &PendingSignIns {
        &self.cards
    }

    /// Decides how the token's user is bound to the account. Refuses if the account is pinned to another user.
    pub(super) async fn bind(&self, request: &ExchangeRequest) -> Result<Binding, Refusal> {
        let mut binding = bind(&request.bot, &request.account, &request.evidence, &request.token)?;
        for account in &binding.accounts_to_check {
            let pinned = self
                .vault
                .find_pin_beside(account, &request.token.user)
                .await
                .map_err(|error| vault_failure(&error))?;
            match pinned {
                Some(user) if user == request.token.user => binding.accounts_to_pin.retain(|pin| pin != account),
                Some(_) => return Err(pinned_to_another_user()),
                None => {}
            }
        }
        Ok(binding)
    }

    /// Refuses a request that answers a card of another user. Every member of a group sees the group's cards, so in a
    /// group an exchange also needs a pending sign-in of this user in this conversation (docs/architecture.md §Security
    /// rules, rule 6). An action answers no card: a token may come with it without any offer, and to all users of one card
    /// under the same id (docs/protocols/sign-in-invokes.md §1).
    pub(super) async fn check_card(&self, request: &ExchangeRequest) -> Result<(), Refusal> {
        let Some(activity) = request.evidence.activity().filter(|activity| !activity.is_action) else {
            return Ok(());
        };
        let may_name_card = || activity.card_id.as_deref().is_some_and(|card_id| self.cards.may_have_card(card_id));
        if !activity.conversation.shared && !may_name_card() {
            return Ok(());
        }
        // Boxed, so that it adds nothing to the state of an exchange in a personal chat that answers no pending card.
        Box::pin(self.check_pending_card(request, activity)).await
    }

    async fn check_pending_card(&self, request: &ExchangeRequest, activity: &ActivityEvidence) -> Result<(), Refusal> {
        // Cards are issued to the channel's account: the bot names the user by the channel's user id.
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
            None => self.cards.list_answerable(account).await.map_err(|error| store_failure(&error))?,
        };
        let conversation_id = request.evidence.conversation_id();
        let fits = |pending: &PendingSignIn| {
            pending.connection == request.connection.name
                && (pending.conversation.is_none() || pending.conversation.as_ref() == conversation_id)
        };
        if candidates.iter().any(fits) {
            return Ok(());
        }
        Err(mismatch("no_pending_sign_in", "in a group an exchange needs a sign-in that this user began there"))
    }

    /// Counts a refusal against the limit of the request's sender.
    pub(super) async fn charge_refusal(&self, request: &ExchangeRequest, refusal: Refusal) -> Refusal {
        let sender = TokenSender {
            bot: &request.bot,
            account: &request.account,
            conversation_id: request.evidence.conversation_id(),
            correlation_id: &request.correlation_id,
        };
        sender.charge_refusal(&self.rates, refusal).await
    }
}
