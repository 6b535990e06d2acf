use std::sync::Arc;

use super::magic_code::{CodeGrant, CodeRecord, MagicCodeError, MagicCodes, RightCode};
use super::signed_in_tokens::SignedInTokens;
use crate::cards::PendingSignIns;
use crate::domain::{Bot, Connection, TokenSlot, UserKey, UserToken};
use crate::exchange::WantedToken;
use crate::vault::{Permit, VaultError};

/// Why a code could not be checked or redeemed. A wrong code is no error.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The store failed to read or end the code.
    #[error(transparent)]
    Code(#[from] MagicCodeError),
    /// The vault failed to keep the token of the code.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A right code, and what is needed to keep its token.
struct RedeemedCode {
    bot: Arc<Bot>,
    slot: TokenSlot,
    connection: Arc<Connection>,
    grant: CodeGrant,
    record: CodeRecord,
    permit: Permit,
}

/// Redeems magic codes: the token that waits behind a right code becomes the user's current token.
#[derive(Clone)]
pub struct CodeRedemption {
    codes: Arc<MagicCodes>,
    tokens: SignedInTokens,
    cards: Arc<PendingSignIns>,
}

impl CodeRedemption {
    /// Redeems `codes`, keeps their tokens in `tokens`, and finishes the `cards` that led to them.
    #[must_use]
    pub fn new(codes: Arc<MagicCodes>, tokens: SignedInTokens, cards: Arc<PendingSignIns>) -> Self {
        Self { codes, tokens, cards }
    }

    /// Redeems `code`: keeps its token in the wanted slot, finishes the card that led to it, and returns the token.
    /// `None` if
    /// the code is wrong, the connection was reconfigured after the sign-in, or the user was signed out after it.
    ///
    /// # Errors
    /// [`CodeError`] if the store fails.
    pub async fn redeem(&self, wanted: WantedToken<'_>, code: &str) -> Result<Option<Arc<UserToken>>, CodeError> {
        let WantedToken { bot, slot, connection } = wanted;
        let vault = self.tokens.vault();
        // The generation is read before the code, so that a sign-out in between makes the permit below invalid.
        let generation = vault.generation(slot);
        let Some(RightCode { grant, record }) = self.codes.check(slot, code).await? else { return Ok(None) };
        if grant.revision != connection.revision {
            return Ok(None);
        }
        let permit = vault.permit_in_generation(generation, &grant.token.user).await?;
        if permit.epoch() != grant.epoch {
            return Ok(None);
        }
        let redeemed = RedeemedCode {
            bot: Arc::clone(bot),
            slot: slot.clone(),
            connection: Arc::clone(connection),
            grant,
            record,
            permit,
        };
        let redemption = self.clone();
        // A task of its own continues when the caller hangs up. Otherwise the code could be used up and its token not
        // kept.
        let kept = tokio::spawn(async move { redemption.keep(redeemed).await });
        kept.await.map_err(|_| VaultError::Interrupted)?
    }

    /// Ends the code, then keeps its token. The code ends first, so that of several callers only one keeps the token,
    /// and none
    /// replaces a token that was kept later.
    async fn keep(&self, redeemed: RedeemedCode) -> Result<Option<Arc<UserToken>>, CodeError> {
        let RedeemedCode { bot, slot, connection, grant, record, permit } = redeemed;
        let wanted = WantedToken { bot: &bot, slot: &slot, connection: &connection };
        if !self.codes.end_one(record.clone()).await? {
            return Ok(None);
        }
        let user = grant.token.user.clone();
        match self.tokens.keep(wanted, permit.clone(), grant.token).await {
            Ok(token) => {
                self.finish(&slot, &grant.card_id).await;
                Ok(Some(token))
            }
            Err(VaultError::SignedOut) => Ok(None),
            Err(error) => {
                self.restore_code(record, &permit, &user).await;
                Err(error.into())
            }
        }
    }

    /// Makes the code good again after the vault failed, because the client repeats its request with the same code. If
    /// a
    /// sign-out came meanwhile, it found no code to end, so the code is ended here.
    async fn restore_code(&self, record: CodeRecord, permit: &Permit, user: &UserKey) {
        let restored = async {
            self.codes.restore(record.clone()).await?;
            if !self.tokens.vault().is_permitted(permit, user).await? {
                self.codes.end_one(record).await?;
            }
            Ok::<_, CodeError>(())
        };
        if let Err(error) = restored.await {
            tracing::warn!(%error, "a magic code is used up, and its token could not be kept");
        }
    }

    /// Removes the challenge and the card after the token is kept. If that fails, both expire by themselves.
    async fn finish(&self, slot: &TokenSlot, card_id: &str) {
        let ended = async {
            self.tokens.requirements().end_challenge(slot).await?;
            self.cards.finish_card(card_id).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "a finished sign-in stays listed as pending");
        }
    }
}
