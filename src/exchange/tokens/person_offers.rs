use std::sync::Arc;

use crate::cards::{ListedOffer, PendingSignIns};
use crate::domain::{Account, ElementId, Timestamp, TokenSlot};
use crate::exchange::StorageFailure;

/// The sign-in offers that are out to the accounts of one person.
#[derive(Clone)]
pub struct PersonOffers {
    cards: Arc<PendingSignIns>,
}

/// An offer to a person's account.
#[derive(Clone, Debug)]
pub struct PersonOffer {
    /// Its name.
    pub id: ElementId,
    /// The account and the connection.
    pub slot: TokenSlot,
    /// Whether the card lets the client sign the user in silently.
    pub offered_sso: bool,
    /// Whether a browser has followed the card's link and is at the identity provider.
    pub is_browser_away: bool,
    /// When it was made.
    pub begun_at: Timestamp,
    /// Until when the card can be answered.
    pub ends_at: Timestamp,
}

impl PersonOffers {
    /// Lists the offers of `cards`.
    #[must_use]
    pub fn new(cards: Arc<PendingSignIns>) -> Self {
        Self { cards }
    }

    /// Lists the offers to `accounts`, the newest of each account first.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn list(&self, accounts: &[Account]) -> Result<Vec<PersonOffer>, StorageFailure> {
        let mut offers = Vec::new();
        for account in accounts {
            offers.extend(self.cards.list_offers(account).await?.into_iter().map(PersonOffer::from));
        }
        Ok(offers)
    }

    /// Ends the offer `id` to `account`, if there is one: its card cannot be answered any more, and a browser that has followed its
    /// link gets no token.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails. The offer may then still be out.
    pub async fn end(&self, account: &Account, id: ElementId) -> Result<(), StorageFailure> {
        Ok(self.cards.end_offer(account, id).await?)
    }
}

impl From<ListedOffer> for PersonOffer {
    fn from(listed: ListedOffer) -> Self {
        let ListedOffer { id, sign_in } = listed;
        Self {
            id,
            slot: TokenSlot::new(&sign_in.account, &sign_in.connection),
            offered_sso: sign_in.offered_sso,
            is_browser_away: sign_in.browser_away_since.is_some(),
            begun_at: sign_in.begun_at,
            ends_at: sign_in.answerable_until(),
        }
    }
}
