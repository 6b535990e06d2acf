use super::{PersonRecords, SignOut, SignOutCause, SignOutFailure, run_to_end};
use crate::domain::{ElementId, Registrations, TokenSlot, UserKey};
use crate::exchange::{PersonOffer, PersonOffers, PersonPin, PersonPins, PersonToken};
use crate::observability::{AuditEvent, conceal};

/// What is kept of one person, one element at a time: tokens, pins, and offers that are out. Each can be ended by its id
/// (docs/operating.md §One person). Clones share the same state.
#[derive(Clone)]
pub struct PersonElements {
    sign_out: SignOut,
    persons: PersonRecords,
    pins: PersonPins,
    offers: PersonOffers,
}

/// What is kept of a person.
#[derive(Clone, Debug)]
pub struct PersonOverview {
    /// The other keys of the same person that are known. Each has an overview of its own.
    pub linked_keys: Vec<UserKey>,
    /// The tokens.
    pub tokens: Vec<TokenElement>,
    /// The pins.
    pub pins: Vec<PersonPin>,
    /// The offers to the accounts that tokens and pins show to be the person's.
    pub offers: Vec<PersonOffer>,
}

/// A token of a person.
#[derive(Clone, Debug)]
pub struct TokenElement {
    /// The token.
    pub token: PersonToken,
    /// Whether the connection is configured as it was when the token was obtained. No bot gets a token for which this is false.
    pub is_current: bool,
}

impl PersonElements {
    /// Lists what `persons` and the others list, and ends it by `sign_out`.
    #[must_use]
    pub fn new(sign_out: SignOut, persons: PersonRecords, pins: PersonPins, offers: PersonOffers) -> Self {
        Self { sign_out, persons, pins, offers }
    }

    /// Lists the tokens of `user`, the pins to `user`, and the offers to the accounts that these show. There is no unknown
    /// person: of some, nothing is kept.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails.
    pub async fn list(&self, user: &UserKey, cause: &SignOutCause) -> Result<PersonOverview, SignOutFailure> {
        let linked_keys = self.persons.list_linked_keys(user).await?;
        let person = self.persons.find_person(user).await?;
        let (pins, offers) = (self.pins.list(user).await?, self.offers.list(&person.accounts).await?);
        let overview = PersonOverview { linked_keys, tokens: self.list_tokens(user).await?, pins, offers };
        cause.audit(AuditEvent::PersonListed).user(user).write();
        report("what is kept of a person was listed", AuditEvent::PersonListed, user, cause);
        Ok(overview)
    }

    /// Ends the token `id` of `user`. The token of a connection ends by the sign-out of its account from that connection, with all
    /// that belongs to it: refreshes under way, tokens for other resources, cards, codes, and what skills got through it. `None`
    /// if `user` has no such token.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails; the token may then still be kept: call again.
    pub async fn end_token(
        &self,
        user: &UserKey,
        id: ElementId,
        cause: SignOutCause,
    ) -> Result<Option<TokenElement>, SignOutFailure> {
        let (elements, user) = (self.clone(), user.clone());
        run_to_end(async move { elements.end_token_now(&user, id, &cause).await }).await
    }

    /// Forgets the pin `id` to `user`: the account is signed out of all its connections, since its tokens are those of the person
    /// who is forgotten, and another person may sign in there next. `None` if there is no such pin.
    ///
    /// # Errors
    /// As [`PersonElements::end_token`].
    pub async fn forget_pin(
        &self,
        user: &UserKey,
        id: ElementId,
        cause: SignOutCause,
    ) -> Result<Option<PersonPin>, SignOutFailure> {
        let (elements, user) = (self.clone(), user.clone());
        run_to_end(async move { elements.forget_pin_now(&user, id, &cause).await }).await
    }

    /// Ends the offer `id` to an account of `user`: the card cannot be answered any more, and neither a browser that has followed
    /// its link nor a code that a browser shows leads to a token. Kept tokens stay. `None` if there is no such offer.
    ///
    /// # Errors
    /// As [`PersonElements::end_token`].
    pub async fn end_offer(
        &self,
        user: &UserKey,
        id: ElementId,
        cause: SignOutCause,
    ) -> Result<Option<PersonOffer>, SignOutFailure> {
        let (elements, user) = (self.clone(), user.clone());
        run_to_end(async move { elements.end_offer_now(&user, id, &cause).await }).await
    }

    async fn list_tokens(&self, user: &UserKey) -> Result<Vec<TokenElement>, SignOutFailure> {
        let (tokens, registrations) = (self.persons.tokens.list(user).await?, &self.sign_out.registrations);
        Ok(tokens.into_iter().map(|token| TokenElement::new(token, registrations)).collect())
    }

    async fn end_token_now(
        &self,
        user: &UserKey,
        id: ElementId,
        cause: &SignOutCause,
    ) -> Result<Option<TokenElement>, SignOutFailure> {
        let Some(element) = self.list_tokens(user).await?.into_iter().find(|element| element.token.id == id) else {
            return Ok(None);
        };
        if let (Some(slot), None) = (&element.token.slot, &element.token.resource) {
            self.sign_out.of_account(&slot.account, Some(&slot.connection)).await?;
        }
        // This ends what a sign-out does not: a token for another resource, and one whose connection is configured no more.
        self.persons.tokens.end_one(user, id).await?;
        let entry = cause.audit(AuditEvent::PersonTokenEnded).user(user);
        match &element.token.slot {
            Some(slot) => entry.slot(slot).write(),
            None => entry.write(),
        }
        report("a token of a person was ended", AuditEvent::PersonTokenEnded, user, cause);
        Ok(Some(element))
    }

    async fn forget_pin_now(
        &self,
        user: &UserKey,
        id: ElementId,
        cause: &SignOutCause,
    ) -> Result<Option<PersonPin>, SignOutFailure> {
        let pins = self.pins.list(user).await?;
        let Some(pin) = pins.into_iter().find(|pin| pin.id == id) else { return Ok(None) };
        if let Some(account) = &pin.account {
            self.sign_out.of_account(account, None).await?;
        }
        // This ends a pin of an issuer that no connection has any more, and one that does not name its account.
        self.pins.forget(user, id).await?;
        let entry = cause.audit(AuditEvent::PinForgotten).user(user);
        match &pin.account {
            Some(account) => entry.account(account).write(),
            None => entry.write(),
        }
        report("a pin to a person was forgotten", AuditEvent::PinForgotten, user, cause);
        Ok(Some(pin))
    }

    async fn end_offer_now(
        &self,
        user: &UserKey,
        id: ElementId,
        cause: &SignOutCause,
    ) -> Result<Option<PersonOffer>, SignOutFailure> {
        let person = self.persons.find_person(user).await?;
        let offers = self.offers.list(&person.accounts).await?;
        let Some(offer) = offers.into_iter().find(|offer| offer.id == id) else { return Ok(None) };
        self.offers.end(&offer.slot.account, id).await?;
        // A browser that came back before the card was gone may show a code.
        self.sign_out.end_pending(std::slice::from_ref(&offer.slot)).await?;
        cause.audit(AuditEvent::OfferEnded).user(user).slot(&offer.slot).write();
        report("an offer to a person was ended", AuditEvent::OfferEnded, user, cause);
        Ok(Some(offer))
    }
}

impl TokenElement {
    fn new(token: PersonToken, registrations: &Registrations) -> Self {
        let is_its = |slot: &TokenSlot| {
            let known = registrations.list_connections(slot.account.holder.as_str()).iter();
            let mut of_name = known.filter(|known| known.name == slot.connection);
            of_name.any(|known| known.revision == token.revision)
        };
        let is_current = token.slot.as_ref().is_none_or(is_its);
        Self { token, is_current }
    }
}

fn report(message: &'static str, event: AuditEvent, user: &UserKey, cause: &SignOutCause) {
    let (correlation_id, event_name, security) = (cause.correlation_id.as_str(), event.name(), event.is_security());
    tracing::info!(correlation_id, user = %conceal(user), event = event_name, security, "{message}");
}
