use std::sync::Arc;

use crate::cards::StatedIdentity;
use crate::domain::{Bot, ConnectionRevision, Registrations, TokenSlot, UserKey, UserToken};
use crate::exchange::{
    BrowserBinding, ProvenIdentity, SignInNeed, SignInRequirements, Speakers, WantedToken, bind_browser_sign_in,
    parent_slots,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::records::RecordError;
use crate::vault::{CodeMark, Epoch, Permit, SignOutMark, TokenVault, VaultError};

/// The tokens and requirements that an interactive sign-in reads and changes.
#[derive(Clone)]
pub struct SignedInTokens {
    vault: Arc<TokenVault>,
    requirements: SignInRequirements,
    registrations: Arc<Registrations>,
    speakers: Speakers,
}

/// Why tokens or requirements could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SignedInTokensError {
    /// The user was signed out, or the vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The requirements could not be read or removed.
    #[error(transparent)]
    Requirements(#[from] RecordError),
}

impl SignedInTokens {
    /// Keeps tokens in `vault`, and reads and removes the needs and challenges in `requirements`. `registrations` has the
    /// connections of the bots, and `speakers` knows which account spoke last under a user id.
    #[must_use]
    pub fn new(
        vault: Arc<TokenVault>,
        requirements: SignInRequirements,
        registrations: Arc<Registrations>,
        speakers: Speakers,
    ) -> Self {
        Self { vault, requirements, registrations, speakers }
    }

    pub(super) fn vault(&self) -> &TokenVault {
        &self.vault
    }

    /// What the next sign-ins must satisfy.
    pub(super) const fn requirements(&self) -> &SignInRequirements {
        &self.requirements
    }

    /// What a browser sign-in for the wanted token, whose slot is the channel's, has to ask the user for. A need that is
    /// older than the token of the account that spoke last is met.
    pub(super) async fn find_need(&self, wanted: WantedToken<'_>) -> Result<SignInNeed, SignedInTokensError> {
        let account = self.speakers.find_last(wanted.bot, &wanted.slot.account).await?;
        let slot = TokenSlot::new(&account, &wanted.slot.connection);
        let token = self.vault.find(&slot, wanted.connection.revision).await?;
        Ok(self.requirements.for_browser(wanted.slot, token.map(|token| token.obtained_at)).await?)
    }

    /// The current epoch of `user`, whose token was requested at `requested`. A sign-out everywhere raises it, which
    /// invalidates every grant with an older epoch.
    ///
    /// # Errors
    /// [`VaultError::SignedOut`] if the user was signed out everywhere after `requested`; [`VaultError`] if the store
    /// fails.
    pub(super) async fn read_epoch(
        &self,
        slot: &TokenSlot,
        user: &UserKey,
        requested: SignOutMark,
    ) -> Result<Epoch, VaultError> {
        Ok(self.permit_since(slot, user, requested).await?.epoch())
    }

    /// The permission to keep a token of `user`, which was requested at `requested`, in `slot`.
    ///
    /// # Errors
    /// As [`SignedInTokens::read_epoch`].
    pub(super) async fn permit_since(
        &self,
        slot: &TokenSlot,
        user: &UserKey,
        requested: SignOutMark,
    ) -> Result<Permit, VaultError> {
        let permit = self.vault.permit(slot, user).await?;
        if self.vault.may_be_signed_out_since(requested, user).await? { Err(VaultError::SignedOut) } else { Ok(permit) }
    }

    /// What the browser sign-in of `user` proves about the account of the wanted slot, for which `stated` is stated
    /// (docs/architecture.md §Security rules, rule 8). Reads the vault if the rule depends on whom the channel has shown
    /// already, so the result is never [`BrowserBinding::ProvenIfPinned`] or [`BrowserBinding::CodeUnlessOwnerIsKnown`].
    pub(super) async fn bind(
        &self,
        wanted: WantedToken<'_>,
        stated: &StatedIdentity,
        user: &UserKey,
    ) -> Result<BrowserBinding, VaultError> {
        Ok(match bind_browser_sign_in(wanted, stated, ProvenIdentity::of_user(user)) {
            BrowserBinding::ProvenIfPinned if self.is_proven(wanted, user).await? => BrowserBinding::Proven,
            BrowserBinding::CodeUnlessOwnerIsKnown => {
                let owner = self.find_owner(wanted.bot, wanted.slot).await?;
                if owner.is_some_and(|owner| owner != *user) {
                    BrowserBinding::NoCode
                } else {
                    BrowserBinding::CodeByHand
                }
            }
            BrowserBinding::ProvenIfPinned => BrowserBinding::CodeByHand,
            binding => binding,
        })
    }

    /// Whether the channel's own traffic has shown that the account of the wanted slot belongs to `user`, and the account
    /// gets the token of this sign-in: after a parent spoke, the bot asks for the parent's token, which needs a code.
    async fn is_proven(&self, wanted: WantedToken<'_>, user: &UserKey) -> Result<bool, VaultError> {
        let account = &wanted.slot.account;
        Ok(self.vault.find_pin(account).await?.as_ref() == Some(user)
            && *self.speakers.find_last(wanted.bot, account).await? == *account)
    }

    /// The person to whom a silent exchange has shown that the account of `slot` belongs: the pin, else the user of a kept
    /// token that no code was typed for. A bot that keeps parents apart may repeat what a parent told it, so there the pin
    /// alone counts.
    async fn find_owner(&self, bot: &Bot, slot: &TokenSlot) -> Result<Option<UserKey>, VaultError> {
        let pinned = self.vault.find_pin(&slot.account).await?;
        if pinned.is_some() || bot.keeps_parents_apart() {
            return Ok(pinned);
        }
        for connection in self.registrations.list_connections(bot.name.as_str()) {
            let slot = TokenSlot::new(&slot.account, &connection.name);
            let held = self.vault.read(&slot, connection.revision).await?;
            if let Some(held) = held.filter(|held| held.code_mark.is_none()) {
                return Ok(Some(held.token.user));
            }
        }
        Ok(None)
    }

    /// Whether the token of the code of `mark` lies in the channel's `slot`, or in the slot of a parent that brought the
    /// code.
    pub(super) async fn is_code_redeemed(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
        mark: CodeMark,
    ) -> Result<bool, VaultError> {
        if self.holds_token_of_code(slot, revision, mark).await? {
            return Ok(true);
        }
        let Some(bot) = self.registrations.find_bot(slot.account.holder.as_str()) else { return Ok(false) };
        for parent_slot in parent_slots(bot, slot) {
            if self.holds_token_of_code(&parent_slot, revision, mark).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether `slot` holds the token that came of the code of `mark`, or what that token was refreshed to.
    pub(super) async fn holds_token_of_code(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
        mark: CodeMark,
    ) -> Result<bool, VaultError> {
        let held = self.vault.read(slot, revision).await?;
        Ok(held.and_then(|held| held.code_mark).is_some_and(|held| held.is_same(&mark)))
    }

    /// Keeps `token` in the slot of `permit`. `mark` is that of the magic code which the token was redeemed with.
    pub(super) async fn keep(
        &self,
        permit: Permit,
        revision: ConnectionRevision,
        token: UserToken,
        mark: Option<CodeMark>,
    ) -> Result<Arc<UserToken>, VaultError> {
        match mark {
            Some(mark) => self.vault.keep_with_code(permit, revision, token, mark).await,
            None => self.vault.keep(permit, revision, token).await,
        }
    }
}

/// Writes to the audit stream that a browser sign-in of `user` gave the token in `slot`, by its code or because the channel
/// vouches for the user (`verified`).
pub(super) fn audit_sign_in(slot: &TokenSlot, user: &UserKey, proof: &str) {
    AuditEntry::new(AuditEvent::SignedIn).slot(slot).user(user).detail(proof).write();
}
