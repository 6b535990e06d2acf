//! `PendingSignIns`: one offer of an account, by its id. `pending_sign_ins.rs` has the type.

use super::{PendingSignIn, PendingSignIns};
use crate::domain::{Account, ElementId};
use crate::records::RecordError;

/// An offer that is out, and its name.
#[derive(Clone, Debug)]
pub struct ListedOffer {
    /// Its name. It is not the id of the card, which clients and bots know.
    pub id: ElementId,
    /// The offer.
    pub sign_in: PendingSignIn,
}

impl PendingSignIns {
    /// Lists what [`PendingSignIns::list_unfinished`] does, with names.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list_offers(&self, account: &Account) -> Result<Vec<ListedOffer>, RecordError> {
        let cards = self.load_all(account).await?.into_iter();
        Ok(cards
            .map(|card| ListedOffer { id: ElementId::new(card.stored.key()), sign_in: card.content.sign_in })
            .collect())
    }

    /// Removes the offer `id`, if it is one to `account`.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The offer may then still be stored.
    pub async fn end_offer(&self, account: &Account, id: ElementId) -> Result<(), RecordError> {
        let cards = self.load_all(account).await?;
        self.remove(cards.iter().map(|card| card.stored.key()).filter(|key| *key == id.key()).collect()).await
    }
}
