//! `TokenVault`: one token and one pin of a user, by its id. `token_vault.rs` has the type.

use std::sync::Arc;

use super::VaultError;
use super::kept_token::KeptToken;
use super::pins::ListedPin;
use super::slots::SlotRecord;
use super::token_vault::{Shared, TokenVault, run_to_completion};
use crate::domain::{Account, ElementId, RecordKey, TokenSlot, UserKey};
use crate::records::StoredRecord;

impl TokenVault {
    /// Lists the pins to `user`, in the user's current epoch.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails or a record cannot be opened.
    pub async fn list_pins(&self, user: &UserKey) -> Result<Vec<ListedPin>, VaultError> {
        self.shared.pins.list(user).await
    }

    /// Removes the pin `id`, if it is one to `user`. Returns it.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. The pin may then still be stored.
    pub async fn remove_pin(&self, user: &UserKey, id: ElementId) -> Result<Option<ListedPin>, VaultError> {
        let (shared, user) = (Arc::clone(&self.shared), user.clone());
        run_to_completion(async move { shared.pins.remove_one(&user, id.key()).await }).await
    }

    /// Removes the token `id`, if it is one of `user`, and revokes every permit for its slot, as
    /// [`TokenVault::take`] does.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. The token may then still be stored.
    pub async fn take_of_user(&self, user: &UserKey, id: ElementId) -> Result<Option<KeptToken>, VaultError> {
        let (shared, user) = (Arc::clone(&self.shared), user.clone());
        run_to_completion(async move { shared.take_of_user(&user, id.key()).await }).await
    }

    /// Finds whose token `slot` holds, of any revision of the connection.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails or the record cannot be opened.
    pub async fn find_owner(&self, slot: &TokenSlot) -> Result<Option<UserKey>, VaultError> {
        let shared = &self.shared;
        let Some(found) = shared.find_stored(shared.slot_keys.get(slot)).await? else { return Ok(None) };
        let user = found.record.kept.token.user;
        let epoch = shared.epochs.get_cell(&user);
        shared.epochs.load(&epoch).await?;
        Ok(epoch.is_current(found.record.epoch).then_some(user))
    }

    /// Finds the persons that `account` is pinned to: of Entra, and of `other_issuers`.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn find_pins(&self, account: &Account, other_issuers: &[String]) -> Result<Vec<UserKey>, VaultError> {
        let namespaces = std::iter::once(None).chain(other_issuers.iter().map(|issuer| Some(issuer.as_str())));
        let mut users = Vec::new();
        for namespace in namespaces {
            users.extend(self.shared.pins.find(account, namespace).await?);
        }
        Ok(users)
    }
}

impl Shared {
    /// As [`Shared::take`], if the token at `key` is one of `user`. The slot's lock is held from the look to the removal, so
    /// another user's token that is kept meanwhile is not taken for this one, and a refreshed one of `user` is.
    async fn take_of_user(&self, user: &UserKey, key: RecordKey) -> Result<Option<KeptToken>, VaultError> {
        if let Some(sharing) = &self.sharing {
            return self.take_of_user_shared(sharing, user, key).await;
        }
        let write_lock = self.l1.lock_writes(key).await;
        let Some(stored) = self.find_listed(user, key).await? else { return Ok(None) };
        self.generations.supersede(key);
        // Removing the token does not depend on reading it.
        let record = self.tokens.open(&stored).ok();
        let removed = self.tokens.remove(vec![key]).await;
        self.l1.remove(key);
        drop(write_lock);
        removed?;
        Ok(record.and_then(|record| record.into_token(self.clock.now())).map(|record| record.kept))
    }

    /// The record at `key`, if it is a token of `user`.
    pub(super) async fn find_listed(
        &self,
        user: &UserKey,
        key: RecordKey,
    ) -> Result<Option<StoredRecord<SlotRecord>>, VaultError> {
        let listed = self.tokens.members(self.user_index(user)).await?;
        Ok(listed.into_iter().find(|stored| stored.key() == key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::super::token_vault_tests::{Fixture, REVISION, found, slot, user};
    use super::*;

    fn other() -> UserKey {
        UserKey::entra("eve", "tenant")
    }

    #[tokio::test]
    async fn one_token_of_a_user_is_taken_by_its_id_and_no_other_users_token() {
        let fixture = Fixture::new();
        for name in ["one", "two"] {
            fixture.keep(&slot(name), fixture.token(name)).await;
        }
        let listed = fixture.vault.list_of_user(&user()).await.unwrap();
        let one = listed.iter().find(|token| token.slot.as_ref() == Some(&slot("one"))).unwrap().id;
        assert!(fixture.vault.take_of_user(&other(), one).await.unwrap().is_none());
        let permit = fixture.vault.permit(&slot("one"), &user()).await.unwrap();
        assert!(fixture.vault.take_of_user(&user(), one).await.unwrap().is_some());
        assert_eq!(
            (found(&fixture.vault, &slot("one")).await, found(&fixture.vault, &slot("two")).await.as_deref()),
            (None, Some("two"))
        );
        assert!(!fixture.vault.is_permitted(&permit, &user()).await.unwrap(), "a refresh under way keeps no token");
        assert!(fixture.vault.take_of_user(&user(), one).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn another_users_token_that_arrives_while_one_is_ended_is_not_taken_for_it() {
        let fixture = Fixture::new();
        let slot = slot("one");
        fixture.keep(&slot, fixture.token("named")).await;
        let [named] = fixture.vault.list_of_user(&user()).await.unwrap().try_into().unwrap();
        let permit = fixture.vault.permit(&slot, &other()).await.unwrap();
        let gate = fixture.store.hold_next_members();
        let ending = {
            let vault = fixture.vault.clone();
            tokio::spawn(async move { vault.take_of_user(&user(), named.id).await })
        };
        gate.reached().await;
        let keeping = {
            let token = fixture.token_for(&other(), "other", Duration::from_hours(1));
            let vault = fixture.vault.clone();
            tokio::spawn(async move { vault.keep(permit, REVISION, token).await })
        };
        // The task that keeps the other token goes as far as it can.
        tokio::task::yield_now().await;
        gate.open();
        let taken = ending.await.unwrap().unwrap().unwrap();
        assert_eq!((taken.token.user, taken.token.access_token.expose()), (user(), "named"));
        assert!(matches!(keeping.await.unwrap(), Err(VaultError::SignedOut)), "its permit was revoked with the token");
    }

    #[tokio::test]
    async fn a_removed_pin_lets_another_user_be_pinned() {
        let fixture = Fixture::new();
        let permit = fixture.vault.permit(&slot("one"), &user()).await.unwrap();
        fixture.vault.pin(&slot("one").account, &user(), &permit).await.unwrap();
        let [pin] = fixture.vault.list_pins(&user()).await.unwrap().try_into().unwrap();
        assert!(pin.account == Some(slot("one").account) && pin.pinned_at.is_some());
        assert_eq!(fixture.vault.find_pins(&slot("one").account, &[]).await.unwrap(), [user()]);
        assert!(fixture.vault.remove_pin(&other(), pin.id).await.unwrap().is_none());
        assert_eq!(
            fixture.vault.remove_pin(&user(), pin.id).await.unwrap().map(|pin| pin.account),
            Some(Some(slot("one").account))
        );
        assert!(fixture.vault.list_pins(&user()).await.unwrap().is_empty());
        let permit = fixture.vault.permit(&slot("one"), &other()).await.unwrap();
        assert_eq!(fixture.vault.pin(&slot("one").account, &other(), &permit).await.unwrap(), other());
    }

    #[tokio::test]
    async fn the_owner_of_a_slot_is_found_until_a_sign_out() {
        let fixture = Fixture::new();
        assert_eq!(fixture.vault.find_owner(&slot("one")).await.unwrap(), None);
        fixture.keep(&slot("one"), fixture.token("a")).await;
        assert_eq!(fixture.vault.find_owner(&slot("one")).await.unwrap(), Some(user()));
        fixture.vault.raise_epoch(&user()).await.unwrap();
        assert_eq!(fixture.vault.find_owner(&slot("one")).await.unwrap(), None);
    }
}
