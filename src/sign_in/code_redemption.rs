use std::sync::Arc;

use super::magic_code::{CodeGrant, CodeRecord, MagicCodeError, MagicCodes, RightCode};
use super::signed_in_tokens::SignedInTokens;
use crate::cards::PendingSignIns;
use crate::domain::{Bot, Connection, TokenSlot, UserKey, UserToken};
use crate::exchange::WantedToken;
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

/// A code that was right, and what it takes to keep its token.
struct RedeemedCode {
    bot: Arc<Bot>,
    slot: TokenSlot,
    connection: Arc<Connection>,
    grant: CodeGrant,
    record: CodeRecord,
    permit: Permit,
}

/// Redeems magic codes: from here on the token behind a code is the user's current one.
#[derive(Clone)]
pub struct CodeRedemption {
    codes: Arc<MagicCodes>,
    tokens: SignedInTokens,
    cards: Arc<PendingSignIns>,
}

impl CodeRedemption {
    /// Redeems `codes` for `tokens`, and ends the `cards` that led to them.
    #[must_use]
    pub fn new(codes: Arc<MagicCodes>, tokens: SignedInTokens, cards: Arc<PendingSignIns>) -> Self {
        Self { codes, tokens, cards }
    }

    /// The token behind `code`, kept in the wanted slot; the card that led to it has come to its end. `None` for a wrong code,
    /// or one whose sign-in was for the connection as it was configured before, or of a user who was signed out since.
    ///
    /// # Errors
    /// [`CodeError`] if the store fails.
    pub async fn redeem(&self, wanted: WantedToken<'_>, code: &str) -> Result<Option<Arc<UserToken>>, CodeError> {
        let WantedToken { bot, slot, connection } = wanted;
        let vault = self.tokens.vault();
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
        let redeemed = RedeemedCode {
            bot: Arc::clone(bot),
            slot: slot.clone(),
            connection: Arc::clone(connection),
            grant,
            record,
            permit,
        };
        let redemption = self.clone();
        // In a task of its own: a caller that hangs up must not leave a code that is used up and a token that is not kept.
        let kept = tokio::spawn(async move { redemption.keep(redeemed).await });
        kept.await.map_err(|_| VaultError::Interrupted)?
    }

    /// The code first: of several callers one keeps the token, and none in the place of what came after it.
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
                self.give_back(record, &permit, &user).await;
                Err(error.into())
            }
        }
    }

    /// Whoever is not answered for a failure of ours asks again with the same code. A sign-out that came meanwhile found
    /// no code to end, so it is ended here.
    async fn give_back(&self, record: CodeRecord, permit: &Permit, user: &UserKey) {
        let given_back = async {
            self.codes.restore(record.clone()).await?;
            if !self.tokens.vault().is_permitted(permit, user).await? {
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
        let ended = async {
            self.tokens.requirements().end_challenge(slot).await?;
            self.cards.finish_card(card_id).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "a finished sign-in stays listed as pending");
        }
    }
}
