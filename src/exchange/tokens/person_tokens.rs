use std::sync::Arc;

use serde_json::{Value, json};

use super::revocation::TokenRevocation;
use crate::domain::{
    Account, ConnectionName, ConnectionRevision, CountFuture, DataSubject, ElementId, ExportFuture, HolderName,
    PersonalData, Timestamp, TokenSlot, UserKey,
};
use crate::exchange::StorageFailure;
use crate::vault::{ListedPin, ListedToken, TokenVault};

/// The kept tokens of one person in all accounts, as the person and the operator may see them: without the tokens. A sign-out
/// ends them.
#[derive(Clone)]
pub struct PersonTokens {
    vault: Arc<TokenVault>,
    revocation: TokenRevocation,
}

/// A kept token of a person.
#[derive(Clone, Debug)]
pub struct PersonToken {
    /// Its name.
    pub id: ElementId,
    /// The revision of the connection that it was obtained for. It serves while the connection has this revision.
    pub revision: ConnectionRevision,
    /// Where it is kept: the slot of the connection itself, also for a token for another resource. `None` if an earlier version of
    /// the program has kept it, and it was not refreshed since.
    pub slot: Option<TokenSlot>,
    /// The resource, if the token was obtained with that of the connection.
    pub resource: Option<String>,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// When it was obtained or refreshed.
    pub obtained_at: Timestamp,
    /// The end of the access token.
    pub expires_at: Timestamp,
    /// The granted scope, if the provider has said it.
    pub granted_scope: Option<String>,
    /// Whether it can be refreshed without the person.
    pub has_refresh_token: bool,
}

/// A pin to a person.
#[derive(Clone, Debug)]
pub struct PersonPin {
    /// Its name.
    pub id: ElementId,
    /// The account that is pinned. `None` if an earlier version of the program has pinned it.
    pub account: Option<Account>,
    /// When it was pinned. `None` if an earlier version of the program has pinned it.
    pub pinned_at: Option<Timestamp>,
}

/// The pins of one person in all accounts.
#[derive(Clone)]
pub struct PersonPins {
    vault: Arc<TokenVault>,
}

impl PersonTokens {
    /// Lists the tokens of `vault`. `revocation` revokes those that are removed.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, revocation: TokenRevocation) -> Self {
        Self { vault, revocation }
    }

    /// Lists the tokens that are kept of `user`.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn list(&self, user: &UserKey) -> Result<Vec<PersonToken>, StorageFailure> {
        Ok(self.vault.list_of_user(user).await?.into_iter().map(PersonToken::from).collect())
    }

    /// Removes the token `id`, if it is one of `user`, and revokes every permit for its slot: a refresh that is under way keeps no
    /// token. Unlike a sign-out it also ends a token whose connection is configured no more, and one for another resource alone.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn end_one(&self, user: &UserKey, id: ElementId) -> Result<(), StorageFailure> {
        self.revocation.begin(self.vault.take_of_user(user, id).await?);
        Ok(())
    }

    /// Lists the accounts that tokens and pins show to be those of `user`, each once.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn list_accounts(&self, user: &UserKey) -> Result<Vec<Account>, StorageFailure> {
        let mut accounts = self.vault.list_pinned_accounts(user).await?;
        for slot in self.vault.list_of_user(user).await?.into_iter().filter_map(|token| token.slot) {
            if !accounts.contains(&slot.account) {
                accounts.push(slot.account);
            }
        }
        Ok(accounts)
    }

    /// Removes the tokens of `user` that `holder` has, also if the holder or the connection is configured no more; `None` for those
    /// that an earlier version of the program has kept, which do not name their slots. Returns how many there were.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn end_of_holder(&self, user: &UserKey, holder: Option<&HolderName>) -> Result<usize, StorageFailure> {
        let removed = self.vault.remove_of_holder(user, holder).await?;
        self.revocation.begin(removed.tokens);
        Ok(removed.count)
    }
}

impl PersonPins {
    /// Lists the pins of `vault`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>) -> Self {
        Self { vault }
    }

    /// Lists the pins to `user`.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub async fn list(&self, user: &UserKey) -> Result<Vec<PersonPin>, StorageFailure> {
        Ok(self.vault.list_pins(user).await?.into_iter().map(PersonPin::from).collect())
    }

    /// Removes the pin `id`, if it is one to `user`.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails. The pin may then still be stored.
    pub async fn forget(&self, user: &UserKey, id: ElementId) -> Result<(), StorageFailure> {
        self.vault.remove_pin(user, id).await?;
        Ok(())
    }
}

impl From<ListedPin> for PersonPin {
    fn from(listed: ListedPin) -> Self {
        let ListedPin { id, account, pinned_at } = listed;
        Self { id, account, pinned_at }
    }
}

impl From<ListedToken> for PersonToken {
    fn from(listed: ListedToken) -> Self {
        let ListedToken { id, revision, slot, signed_in_at, obtained_at, expires_at, granted_scope, has_refresh_token } =
            listed;
        // The slot of a resource's token has a line feed in the name of its connection.
        let named = slot.as_ref().and_then(|slot| slot.connection.as_str().split_once('\n'));
        let named = named.map(|(connection, resource)| (ConnectionName::new(connection), resource.to_owned()));
        let (slot, resource) = match (slot, named) {
            (Some(slot), Some((connection, resource))) => (Some(TokenSlot { connection, ..slot }), Some(resource)),
            (slot, _) => (slot, None),
        };
        Self { id, revision, slot, resource, signed_in_at, obtained_at, expires_at, granted_scope, has_refresh_token }
    }
}

impl PersonToken {
    fn to_json(&self) -> Value {
        json!({
            "account": self.slot.as_ref().map(|slot| account_json(&slot.account)),
            "connection": self.slot.as_ref().map(|slot| slot.connection.as_str()),
            "resource": self.resource,
            "signedInAt": self.signed_in_at.to_rfc3339(),
            "obtainedAt": self.obtained_at.to_rfc3339(),
            "expiresAt": self.expires_at.to_rfc3339(),
            "grantedScope": self.granted_scope,
            "hasRefreshToken": self.has_refresh_token,
        })
    }
}

fn account_json(account: &Account) -> Value {
    json!({
        "holder": account.holder.as_str(),
        "channel": account.channel_name(),
        "parent": account.parent(),
        "subject": account.subject.as_str(),
    })
}

impl PersonalData for PersonTokens {
    fn name(&self) -> &'static str {
        "tokens"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move { Ok(self.list(&person.user).await?.iter().map(PersonToken::to_json).collect()) })
    }

    /// A token that arrived after the sign-out is a new sign-in's. It ends as well.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let removed = self.vault.raise_epoch(&person.user).await?;
            self.revocation.begin(removed.tokens);
            Ok(removed.count)
        })
    }
}

impl PersonalData for PersonPins {
    fn name(&self) -> &'static str {
        "pinnedAccounts"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(
            async move { Ok(self.vault.list_pinned_accounts(&person.user).await?.iter().map(account_json).collect()) },
        )
    }

    /// The sign-out everywhere removes the records of the pins, and [`PersonTokens`] those of a new sign-in.
    fn erase<'a>(&'a self, _: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async { Ok(0) })
    }
}
