//! The part of [`TokenVault`] that pins accounts to persons.

use std::sync::Arc;

use super::VaultError;
use super::permit::Permit;
use super::token_vault::{TokenVault, run_to_completion};
use crate::domain::{Account, UserKey};

impl TokenVault {
    /// Finds the person of Entra that `account` is pinned to.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn find_pin(&self, account: &Account) -> Result<Option<UserKey>, VaultError> {
        self.shared.pins.find(account, None).await
    }

    /// Finds the person that `account` is pinned to in the namespace of `user`.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails.
    pub async fn find_pin_beside(&self, account: &Account, user: &UserKey) -> Result<Option<UserKey>, VaultError> {
        self.shared.pins.find(account, user.namespace()).await
    }

    /// Pins `account` to `user`, for whom `permit` was issued, unless it has a pin in the user's namespace already. Returns
    /// the person that the account is pinned to afterwards.
    ///
    /// # Errors
    /// [`VaultError::SignedOut`] if the slot was signed out after the permit was issued. The account is then not
    /// pinned. Otherwise [`VaultError`] if the store fails.
    pub async fn pin(&self, account: &Account, user: &UserKey, permit: &Permit) -> Result<UserKey, VaultError> {
        let (shared, account, user, permit) = (Arc::clone(&self.shared), account.clone(), user.clone(), permit.clone());
        run_to_completion(async move { shared.pins.pin(&account, &user, &permit).await }).await
    }

    /// Removes the pins of `account`: that to a person of Entra, and those to users of `other_issuers`. The next successful
    /// sign-in pins the account again, possibly to another person.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails. The pins may then still be stored.
    pub async fn unpin(&self, account: &Account, other_issuers: &[String]) -> Result<(), VaultError> {
        let (shared, account, issuers) = (Arc::clone(&self.shared), account.clone(), other_issuers.to_vec());
        run_to_completion(async move { shared.pins.unpin(&account, &issuers).await }).await
    }
}
