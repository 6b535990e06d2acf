//! `TokenVault`: what is kept of one user, in all slots. `token_vault.rs` has the type.

use std::sync::Arc;

use super::VaultError;
use super::slots::TokenRecord;
use super::token_vault::{RemovedTokens, Shared, TokenVault, run_to_completion};
use crate::domain::{Account, ConnectionRevision, ElementId, HolderName, Timestamp, TokenSlot, UserKey};

/// A kept token as its user may see it: without the token.
#[derive(Clone, Debug)]
pub struct ListedToken {
    /// Its name.
    pub id: ElementId,
    /// Where it is kept. `None` if an earlier version of the program has kept it, and it was not refreshed since.
    pub slot: Option<TokenSlot>,
    /// The revision of the connection that it was obtained for.
    pub revision: ConnectionRevision,
    /// When the user signed in.
    pub signed_in_at: Timestamp,
    /// When it was obtained or refreshed.
    pub obtained_at: Timestamp,
    /// The end of the access token.
    pub expires_at: Timestamp,
    /// The granted scope, if the provider has said it.
    pub granted_scope: Option<String>,
    /// Whether it can be refreshed without the user.
    pub has_refresh_token: bool,
}

impl TokenVault {
    /// Lists the tokens that are kept of `user`, in the user's current epoch.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails or a record cannot be opened.
    pub async fn list_of_user(&self, user: &UserKey) -> Result<Vec<ListedToken>, VaultError> {
        let user_epoch = self.shared.epochs.get_cell(user);
        self.shared.epochs.load(&user_epoch).await?;
        let mut listed = Vec::new();
        for stored in self.shared.tokens.members(self.shared.user_index(user)).await? {
            let record = self.shared.tokens.open(&stored)?.into_token(self.shared.clock.now());
            let record = record.filter(|record| user_epoch.is_current(record.epoch));
            listed.extend(record.map(|record| ListedToken::new(ElementId::new(stored.key()), record)));
        }
        Ok(listed)
    }

    /// Lists the accounts that are pinned to `user`.
    ///
    /// # Errors
    /// As [`TokenVault::list_of_user`].
    pub async fn list_pinned_accounts(&self, user: &UserKey) -> Result<Vec<Account>, VaultError> {
        self.shared.pins.list_accounts(user).await
    }

    /// Removes the tokens of `user` that `holder` has; `None` for those whose records do not name their slot. A token that is
    /// written meanwhile stays.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. Some of the tokens may then still be stored.
    pub async fn remove_of_holder(
        &self,
        user: &UserKey,
        holder: Option<&HolderName>,
    ) -> Result<RemovedTokens, VaultError> {
        let (shared, user, holder) = (Arc::clone(&self.shared), user.clone(), holder.cloned());
        run_to_completion(async move { shared.remove_of_holder(&user, holder.as_ref()).await }).await
    }
}

impl Shared {
    async fn remove_of_holder(&self, user: &UserKey, holder: Option<&HolderName>) -> Result<RemovedTokens, VaultError> {
        let mut removed = RemovedTokens::default();
        for stored in self.tokens.members(self.user_index(user)).await? {
            let Some(record) = self.tokens.open(&stored)?.into_token(self.clock.now()) else { continue };
            let TokenRecord { kept, slot, fence, .. } = record;
            let is_wanted = slot.as_ref().map(|slot| &slot.account.holder) == holder;
            if is_wanted && self.remove(stored, fence).await? {
                removed.count += 1;
                removed.tokens.push(kept);
            }
        }
        Ok(removed)
    }
}

impl ListedToken {
    fn new(id: ElementId, record: TokenRecord) -> Self {
        let TokenRecord { kept, slot, .. } = record;
        let token = kept.token;
        Self {
            id,
            slot,
            revision: kept.revision,
            signed_in_at: token.signed_in_at,
            obtained_at: token.obtained_at,
            expires_at: token.expires_at,
            granted_scope: token.granted_scope,
            has_refresh_token: token.refresh_token.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::slots::SlotRecord;
    use super::super::token_vault_tests::{Fixture, REVISION, found, slot, user};
    use super::*;
    use crate::domain::Clock as _;

    /// Writes the token of `slot` as an earlier version of the program did, which did not name the slot.
    async fn keep_without_slot(fixture: &Fixture, slot: &TokenSlot, text: &str) {
        fixture.keep(slot, fixture.token(text)).await;
        let shared = &fixture.vault.shared;
        let listed = shared.tokens.members(shared.user_index(&user())).await.unwrap();
        for stored in listed {
            let record = shared.tokens.open(&stored).unwrap().into_token(fixture.clock.now()).unwrap();
            if record.slot.as_ref() == Some(slot) {
                let expires_at = record.kept.token.expires_at;
                let old = SlotRecord::Token(Arc::new(TokenRecord { slot: None, ..record }));
                let sealed = shared.tokens.seal_until(stored.key(), &old, expires_at).unwrap();
                shared.tokens.put(sealed.listed_by(shared.user_index(&user()))).await.unwrap();
                shared.l1.remove(stored.key());
            }
        }
    }

    #[tokio::test]
    async fn a_users_tokens_are_listed_by_slot_until_a_sign_out_and_a_refresh_names_the_slot() {
        let fixture = Fixture::new();
        fixture.keep(&slot("one"), fixture.token("a")).await;
        keep_without_slot(&fixture, &slot("two"), "b").await;
        let slots = async || {
            let listed = fixture.vault.list_of_user(&user()).await.unwrap().into_iter();
            let mut slots: Vec<_> = listed.map(|token| token.slot.map(|slot| slot.connection.to_string())).collect();
            slots.sort();
            slots
        };
        let (one, two) = (Some("one".to_owned()), Some("two".to_owned()));
        assert_eq!(slots().await, [None, one.clone()]);
        let record = fixture.vault.read(&slot("two"), REVISION).await.unwrap().unwrap();
        fixture.vault.replace(record, fixture.token("c")).await.unwrap();
        assert_eq!(slots().await, [one, two]);
        fixture.vault.raise_epoch(&user()).await.unwrap();
        assert_eq!(slots().await, []);
    }

    #[tokio::test]
    async fn the_tokens_of_one_holder_are_removed_and_those_that_name_no_slot_apart() {
        let fixture = Fixture::new();
        fixture.keep(&slot("one"), fixture.token("a")).await;
        keep_without_slot(&fixture, &slot("two"), "b").await;
        let removed = fixture.vault.remove_of_holder(&user(), None).await.unwrap();
        assert_eq!((removed.count, removed.tokens.len()), (1, 1));
        assert_eq!(found(&fixture.vault, &slot("one")).await.as_deref(), Some("a"));
        assert_eq!(found(&fixture.vault, &slot("two")).await, None);
        assert_eq!(fixture.vault.remove_of_holder(&user(), None).await.unwrap().count, 0);
        let (other, own) = (HolderName::new("other"), slot("one").account.holder);
        assert_eq!(fixture.vault.remove_of_holder(&user(), Some(&other)).await.unwrap().count, 0);
        assert_eq!(fixture.vault.remove_of_holder(&user(), Some(&own)).await.unwrap().count, 1);
        assert_eq!(found(&fixture.vault, &slot("one")).await, None);
    }

    #[tokio::test]
    async fn the_accounts_that_are_pinned_to_a_user_are_listed() {
        let fixture = Fixture::new();
        let (slot, user) = (slot("one"), user());
        let permit = fixture.vault.permit(&slot, &user).await.unwrap();
        fixture.vault.pin(&slot.account, &user, &permit).await.unwrap();
        assert_eq!(fixture.vault.list_pinned_accounts(&user).await.unwrap(), [slot.account]);
        fixture.vault.raise_epoch(&user).await.unwrap();
        assert_eq!(fixture.vault.list_pinned_accounts(&user).await.unwrap(), []);
    }
}
