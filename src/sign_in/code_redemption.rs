use std::sync::Arc;

use super::magic_code::{CodeGrant, CodeRecord, MagicCodeError, MagicCodes, RightCode};
use crate::domain::{Connection, TokenSlot, UserKey, UserToken};
use crate::exchange::ExchangeParts;
use crate::vault::{Permit, VaultError};

/// Why a code could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The code could not be read or used up.
    #[error(transparent)]
    Code(#[from] MagicCodeError),
    /// The token behind it could not be kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Redeems magic codes: from here on the token behind a code is the user's current one.
#[derive(Clone)]
pub struct CodeRedemption {
    codes: Arc<MagicCodes>,
    parts: ExchangeParts,
}

impl CodeRedemption {
    /// Over these codes, into the vault of these parts.
    #[must_use]
    pub fn new(codes: Arc<MagicCodes>, parts: ExchangeParts) -> Self {
        Self { codes, parts }
    }

    /// The token behind `code`, kept under `slot`; the card that led to it has come to its end. `None` for a wrong code,
    /// or one whose sign-in was for the connection as it was configured before, or of a user who was signed out since.
    ///
    /// # Errors
    /// [`CodeError`] if the store fails.
    pub async fn redeem(
        &self,
        slot: &TokenSlot,
        connection: &Connection,
        code: &str,
    ) -> Result<Option<Arc<UserToken>>, CodeError> {
        let vault = &self.parts.vault;
        // Before the code is looked at: a sign-out that comes after that must end what it brings.
        let generation = vault.generation(slot);
        let Some(RightCode { grant, record }) = self.codes.check(slot, code).await? else { return Ok(None) };
        if grant.revision != connection.revision {
            return Ok(None);
        }
        let permit = vault.permit_in(generation, &grant.token.user).await?;
        if permit.epoch() != grant.epoch {
            return Ok(None);
        }
        let (redemption, slot) = (self.clone(), slot.clone());
        // In a task of its own: a caller that hangs up must not leave a code that is used up and a token that is not kept.
        let kept = tokio::spawn(async move { redemption.keep(&slot, (grant, record), permit).await });
        kept.await.map_err(|_| VaultError::Interrupted)?
    }

    /// The code first: of several callers one keeps the token, and none in the place of what came after it.
    async fn keep(
        &self,
        slot: &TokenSlot,
        (grant, record): (CodeGrant, CodeRecord),
        permit: Permit,
    ) -> Result<Option<Arc<UserToken>>, CodeError> {
        if !self.codes.end_one(record.clone()).await? {
            return Ok(None);
        }
        let user = grant.token.user.clone();
        match self.parts.vault.keep(permit.clone(), grant.revision, grant.token).await {
            Ok(token) => {
                self.finish(slot, &grant.card_id).await;
                Ok(Some(token))
            }
            Err(VaultError::SignedOut) => Ok(None),
            Err(error) => {
                self.give_back(record, (&permit, &user)).await;
                Err(error.into())
            }
        }
    }

    /// Whoever is not answered for a failure of ours asks again with the same code. A sign-out that came meanwhile found
    /// no code to end, so it is ended here.
    async fn give_back(&self, record: CodeRecord, (permit, user): (&Permit, &UserKey)) {
        let given_back = async {
            self.codes.restore(record.clone()).await?;
            if !self.parts.vault.holds(permit, user).await? {
                self.codes.end_one(record).await?;
            }
            Ok::<_, CodeError>(())
        };
        if let Err(error) = given_back.await {
            tracing::warn!(%error, "a magic code is used up, and its token could not be kept");
        }
    }

    /// The token is kept: what is left over ends by itself if it cannot be ended now.
    async fn finish(&self, slot: &TokenSlot, card_id: &str) {
        let slots = std::slice::from_ref(slot);
        let ended = async {
            self.parts.challenges.end(slots).await?;
            self.parts.pending.finish_card(card_id).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "a finished sign-in stays listed as pending");
        }
    }
}
