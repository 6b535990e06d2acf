use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::magic_code::{CodeGrant, CodeRecord, MagicCodeError, MagicCodes, RightCode};
use super::signed_in_tokens::{SignedInTokens, audit_sign_in};
use crate::cards::{PendingSignIns, StatedIdentity};
use crate::domain::{Account, Bot, Connection, Secret, TokenSlot, UserKey, UserToken};
use crate::exchange::{BrowserBinding, WantedToken};
use crate::observability::{AuditEntry, AuditEvent, carry, conceal};
use crate::records::LeaseError;
use crate::single_flight::SingleFlight;
use crate::vault::{CodeMark, Permit, VaultError};

/// The pause before a code is tried to be restored again.
const RESTORATION_PAUSE: Duration = Duration::from_secs(1);
/// How often a code is tried to be restored: for two minutes, as long as a restored code is valid.
const MAX_RESTORATIONS: usize = 120;

/// Why a code could not be checked or redeemed. A wrong code is no error.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The store failed to read or end the code.
    #[error(transparent)]
    Code(#[from] MagicCodeError),
    /// The vault failed to keep the token of the code.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another replica redeems the same code for too long, or the store failed.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// The result of [`CodeRedemption::redeem`].
#[derive(Clone, Debug)]
pub enum CodeAnswer {
    /// The code was right. Its token is the user's current token now, and the caller is the one who tells the bot.
    Redeemed {
        /// The token.
        token: Arc<UserToken>,
        /// The card that led to the code.
        card_id: String,
    },
    /// The code was redeemed before, and the slot still holds the token that came of it, or what that token was
    /// refreshed to. Nothing has changed.
    RedeemedBefore,
    /// The code is wrong or has ended, the connection was reconfigured after the sign-in, or the user was signed out
    /// after it.
    Wrong,
}

/// Who brings a code into the chat.
#[derive(Clone, Debug)]
pub struct CodeBearer {
    /// The account that gets the token: the channel's, or that of the parent bot which passes the code on.
    pub account: Account,
    /// The account whose tries are counted. It is the parent bot's also where the operator trusts the parent's user ids as
    /// the channel's, so that the parent cannot use up the tries of the channel's user.
    pub sender: Account,
    /// What the activity with the code states about its user; nothing if the bot brings the code.
    pub stated: StatedIdentity,
}

/// The answer that all callers of one redemption share.
type SharedAnswer = Result<CodeAnswer, Arc<CodeError>>;

/// What one redemption needs after its caller may have hung up.
#[derive(Clone)]
struct RequestedCode {
    bot: Arc<Bot>,
    slot: TokenSlot,
    connection: Arc<Connection>,
    bearer: CodeBearer,
    code: Secret,
    mark: CodeMark,
}

/// The redemption of one code by one bearer. A bearer without tries left does not answer for another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FlightKey {
    mark: [u8; 32],
    account: Account,
    sender: Account,
}

/// Where the token of a redeemed code lies, and the mark that it carries.
struct RedeemedCode {
    slot: TokenSlot,
    mark: CodeMark,
}

/// A right code, and what is needed to keep its token.
struct RightfulGrant {
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
    flights: Arc<SingleFlight<FlightKey, SharedAnswer>>,
}

impl CodeRedemption {
    /// Redeems `codes`, keeps their tokens in `tokens`, and finishes the `cards` that led to them.
    #[must_use]
    pub fn new(codes: Arc<MagicCodes>, tokens: SignedInTokens, cards: Arc<PendingSignIns>) -> Self {
        Self { codes, tokens, cards, flights: Arc::default() }
    }

    /// The redemption after a reload, into `tokens`. It shares the redemptions that are under way.
    #[must_use]
    pub fn succeed(&self, tokens: SignedInTokens) -> Self {
        Self { tokens, ..self.clone() }
    }

    /// Redeems `code`, which waits for the wanted slot of the channel's account: keeps its token for the account of
    /// `bearer`, and finishes the card that led to it. A code that the bearer redeemed before is answered again
    /// (docs/architecture.md §The same browser gets the same answer). Callers with the same code at the same time share
    /// one redemption, of which one is told that it redeemed the code.
    ///
    /// # Errors
    /// [`CodeError`] if the store fails.
    pub async fn redeem(
        &self,
        wanted: WantedToken<'_>,
        bearer: &CodeBearer,
        code: &str,
    ) -> Result<CodeAnswer, Arc<CodeError>> {
        let Some(mark) = self.codes.mark(wanted.slot, code) else { return Ok(CodeAnswer::Wrong) };
        let key = FlightKey { mark: mark.0, account: bearer.account.clone(), sender: bearer.sender.clone() };
        let mut is_leader = false;
        // The task of a flight continues when the caller hangs up. Otherwise the code could be used up and its token
        // not kept.
        let flight = self.flights.join(key, || {
            is_leader = true;
            let requested = RequestedCode {
                bot: Arc::clone(wanted.bot),
                slot: wanted.slot.clone(),
                connection: Arc::clone(wanted.connection),
                bearer: bearer.clone(),
                code: Secret::from(code),
                mark,
            };
            let redemption = self.clone();
            carry(async move { redemption.run(requested).await.map_err(Arc::new) })
        });
        match flight.outcome().await.unwrap_or_else(|| Err(Arc::new(VaultError::Interrupted.into())))? {
            CodeAnswer::Redeemed { .. } if !is_leader => Ok(CodeAnswer::RedeemedBefore),
            answer => Ok(answer),
        }
    }

    /// Whether `code`, which waited for the wanted slot, was redeemed before for the account `bearer`, which still holds
    /// what came of it. Counts no try: a redeemed code gives its account nothing that the account does not have.
    ///
    /// # Errors
    /// [`CodeError`] if the store fails.
    pub async fn is_redeemed(&self, wanted: WantedToken<'_>, bearer: &Account, code: &str) -> Result<bool, CodeError> {
        let Some(mark) = self.codes.mark(wanted.slot, code) else { return Ok(false) };
        let redeemed = RedeemedCode { slot: TokenSlot::new(bearer, &wanted.slot.connection), mark };
        self.is_redeemed_mark(wanted, &redeemed, &Secret::from(code)).await
    }

    /// A newer code of the slot may happen to have the same digits as the redeemed one; then the newer one counts.
    async fn is_redeemed_mark(
        &self,
        wanted: WantedToken<'_>,
        redeemed: &RedeemedCode,
        code: &Secret,
    ) -> Result<bool, CodeError> {
        let RedeemedCode { slot, mark } = redeemed;
        Ok(self.tokens.holds_token_of_code(slot, wanted.connection.revision, *mark).await?
            && self.codes.find_waiting(wanted.slot, code).await?.is_none())
    }

    async fn run(self, requested: RequestedCode) -> Result<CodeAnswer, CodeError> {
        let RequestedCode { bot, slot, connection, bearer, code, mark } = &requested;
        let vault = self.tokens.vault();
        // Two replicas with the same code would both find it right, and one of them would then find it gone.
        let _lease = self.codes.lease(*mark, &bearer.account, &bearer.sender).await?;
        let redeemed = RedeemedCode { slot: TokenSlot::new(&bearer.account, &slot.connection), mark: *mark };
        // The generation is read before the code, so that a sign-out in between makes the permit below invalid. A sign-out
        // of the user id supersedes the generations of all its accounts.
        let generation = vault.generation(&redeemed.slot).await?;
        let wanted = WantedToken { bot, slot, connection };
        if self.is_redeemed_mark(wanted, &redeemed, code).await? {
            return Ok(CodeAnswer::RedeemedBefore);
        }
        let Some(RightCode { grant, record }) = self.codes.check(slot, &bearer.sender, code.expose()).await? else {
            return Ok(CodeAnswer::Wrong);
        };
        if grant.revision != connection.revision {
            return Ok(CodeAnswer::Wrong);
        }
        let permit = vault.permit_in_generation(generation, &grant.token.user).await?;
        if permit.epoch() != grant.epoch || self.is_of_another_person(wanted, bearer, &grant).await? {
            return Ok(CodeAnswer::Wrong);
        }
        self.keep(wanted, *mark, RightfulGrant { grant, record, permit }).await
    }

    /// Whether the card of the code, or the activity that brings it, states another person than the one who signed in.
    /// The code may be older than the statement, so the rule is applied again.
    async fn is_of_another_person(
        &self,
        wanted: WantedToken<'_>,
        bearer: &CodeBearer,
        grant: &CodeGrant,
    ) -> Result<bool, CodeError> {
        let card = self.cards.find_for_browser(&grant.card_id).await.map_err(MagicCodeError::from)?;
        let user = &grant.token.user;
        for stated in card.iter().map(|card| &card.stated).chain([&bearer.stated]) {
            if self.tokens.bind(wanted, stated, user).await? == BrowserBinding::NoCode {
                tracing::warn!(
                    bot = wanted.bot.name.as_str(),
                    channel = wanted.slot.account.channel_name(),
                    connection = wanted.connection.name.as_str(),
                    user = %conceal(user),
                    hint = "Teams states another person for this chat than the one whom the code is for: if users of this \
                            connection need second accounts, set its allow_other_accounts",
                    security = AuditEvent::CodeWithheld.is_security(),
                    "a magic code was not redeemed"
                );
                AuditEntry::new(AuditEvent::CodeWithheld).slot(wanted.slot).user(user).write();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends the code, then keeps its token. The code ends first, so that none of several callers replaces a token that
    /// was kept later.
    async fn keep(
        &self,
        wanted: WantedToken<'_>,
        mark: CodeMark,
        rightful: RightfulGrant,
    ) -> Result<CodeAnswer, CodeError> {
        let RightfulGrant { grant, record, permit } = rightful;
        if !self.codes.end_one(record.clone()).await? {
            return Ok(CodeAnswer::Wrong);
        }
        let user = grant.token.user.clone();
        match self.tokens.keep(permit.clone(), wanted.connection.revision, grant.token, Some(mark)).await {
            Ok(token) => {
                audit_sign_in(wanted.slot, &token.user, "code");
                self.finish(wanted.slot, &grant.card_id).await;
                Ok(CodeAnswer::Redeemed { token, card_id: grant.card_id })
            }
            Err(VaultError::SignedOut) => Ok(CodeAnswer::Wrong),
            Err(error) => {
                self.restore_code(record, permit, user).await;
                Err(error.into())
            }
        }
    }

    /// Makes the code good again after the vault failed, because the client repeats its request with the same code. The
    /// store that failed may go on failing, so the code is tried to be restored until it is, for two minutes.
    async fn restore_code(&self, record: CodeRecord, permit: Permit, user: UserKey) {
        let Err(error) = self.try_restoring(&record, &permit, &user).await else { return };
        tracing::warn!(%error, "a magic code is not good again yet, after its token could not be kept");
        let redemption = self.clone();
        tokio::spawn(async move {
            for _ in 0..MAX_RESTORATIONS {
                sleep(RESTORATION_PAUSE).await;
                if redemption.try_restoring(&record, &permit, &user).await.is_ok() {
                    return;
                }
            }
            tracing::error!("a magic code is used up, and its token could not be kept: the user must sign in again");
        });
    }

    /// Restores the code. If a sign-out came since it was ended, it found no code to end, so the code is ended here.
    async fn try_restoring(&self, record: &CodeRecord, permit: &Permit, user: &UserKey) -> Result<(), CodeError> {
        if self.tokens.vault().is_permitted(permit, user).await? {
            self.codes.restore(record.clone()).await?;
            if !self.tokens.vault().is_permitted(permit, user).await? {
                self.codes.end_one(record.clone()).await?;
            }
        }
        Ok(())
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
