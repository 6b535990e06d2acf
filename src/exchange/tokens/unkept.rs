use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::refresh_turns::RefreshTurns;
use crate::domain::{ConnectionRevision, Secret, SharedClock, TokenSlot, UserKey, UserToken};
use crate::exchange::{HeldContent, HeldTokens};
use crate::vault::{KeptRecord, KeptToken, Permit, TokenVault, VaultError};

/// How often a process tries to have a held token kept, if other replicas share the store.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// Refreshed tokens that the store did not take, in memory until it does
/// (docs/architecture.md §An outage is not a sign-out). Clones share the same state.
///
/// They stay in the process that got them: what would tell other replicas of them is the store that failed. Over a shared
/// store this process tries again every second to have them kept (`keep_when_store_answers`), because another replica knows
/// only the refresh token that is used up. A sign-out at another replica ends them by the permit, without a revocation.
///
/// A sign-out ends them: they are found only while their permit holds, and they are handed over to be
/// revoked.
#[derive(Clone)]
pub struct UnkeptTokens {
    held: HeldTokens<TokenSlot, UnkeptToken>,
    clock: SharedClock,
}

/// A refreshed token that is not stored. The issuer may take the refresh token that led to it only once.
pub(super) struct UnkeptToken {
    /// The refresh token that is stored still.
    pub(super) used: Secret,
    /// What is to be stored, with the newest refresh token.
    pub(super) kept: KeptToken,
    /// The permission to keep it, drawn before the refresh.
    pub(super) permit: Permit,
}

/// Keeps what `unkept` holds for `slot` as soon as the store takes it, unless it is ended or replaced before.
async fn keep_when_store_answers(
    unkept: UnkeptTokens,
    vault: Arc<TokenVault>,
    turns: Arc<RefreshTurns>,
    slot: TokenSlot,
) {
    while unkept.held.find(&slot).is_some() {
        sleep(WRITE_INTERVAL).await;
        let Ok(Some(_turn)) = turns.take(&slot, WRITE_INTERVAL).await else { continue };
        let Some(waiting) = unkept.held.find(&slot) else { return };
        match vault.read(&slot, waiting.kept.revision).await {
            Ok(Some(record)) if is_predecessor(&record, &waiting) => {
                let written = vault.replace(record, waiting.kept.token.clone()).await;
                if matches!(written, Ok(_) | Err(VaultError::SignedOut | VaultError::RecordChanged)) {
                    unkept.held.end(&slot);
                    return;
                }
            }
            // The user is signed out, or something newer is kept: what is held serves at most until it ends.
            Ok(_) => return,
            Err(_) => {}
        }
    }
}

/// Whether `record` holds the refresh token that has led to `waiting`.
fn is_predecessor(record: &KeptRecord, waiting: &UnkeptToken) -> bool {
    record.token.refresh_token.as_ref().is_some_and(|kept| kept.expose() == waiting.used.expose())
}

impl HeldContent for UnkeptToken {
    fn bytes(&self) -> usize {
        let token = &self.kept.token;
        let refresh_token = token.refresh_token.as_ref().map_or(0, |secret| secret.expose().len());
        self.used.expose().len() + token.access_token.expose().len() + refresh_token
    }
}

impl UnkeptTokens {
    /// Holds nothing yet. `clock` says when something ends.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { held: HeldTokens::new(Arc::clone(&clock)), clock }
    }

    /// Holds `unkept`, which `vault` did not take, in place of what is held for `slot`. Over a shared store it is kept as
    /// soon as the store answers; `turns` lets no other replica use its refresh token then.
    pub(super) fn hold(
        &self,
        slot: &TokenSlot,
        unkept: UnkeptToken,
        vault: &Arc<TokenVault>,
        turns: &Arc<RefreshTurns>,
    ) {
        self.held.end(slot);
        self.held.hold(slot.clone(), Arc::new(unkept));
        if turns.are_shared() {
            let (unkept, vault, turns) = (self.clone(), Arc::clone(vault), Arc::clone(turns));
            tokio::spawn(keep_when_store_answers(unkept, vault, turns, slot.clone()));
        }
    }

    pub(super) fn end(&self, slot: &TokenSlot) {
        self.held.end(slot);
    }

    /// What the refresh token `used`, which is stored for `slot`, has brought already.
    pub(super) fn find_successor(&self, slot: &TokenSlot, used: &Secret) -> Option<Arc<UnkeptToken>> {
        self.held.find(slot).filter(|unkept| unkept.used.expose() == used.expose())
    }

    /// The token of `slot` without its refresh token, if it has not ended, was obtained for this `revision` of the
    /// connection, its user was not signed out since, and nothing newer is kept, such as the token of another sign-in. Reads
    /// the store only for what memory does not know.
    pub(super) async fn find_unended(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
        vault: &TokenVault,
    ) -> Option<Arc<UserToken>> {
        let unkept = self.held.find(slot)?;
        let token = &unkept.kept.token;
        if !vault.is_permitted(&unkept.permit, &token.user).await.ok()? {
            self.held.end(slot);
            return None;
        }
        let newer = vault.find_unended(slot, revision).await.ok().flatten();
        if newer.is_some_and(|newer| newer.obtained_at > token.obtained_at) {
            self.held.end(slot);
            return None;
        }
        let serves = unkept.kept.revision == revision && !token.has_ended(self.clock.now());
        serves.then(|| Arc::new(token.clone().without_refresh_token()))
    }

    /// Ends the token of `slot` and returns it.
    pub(super) fn take(&self, slot: &TokenSlot) -> Vec<KeptToken> {
        self.take_all(|name, _| name == slot)
    }

    /// Ends all tokens of `user` and returns them.
    pub(super) fn take_of_user(&self, user: &UserKey) -> Vec<KeptToken> {
        self.take_all(|_, unkept| unkept.kept.token.user == *user)
    }

    fn take_all(&self, is_ended: impl Fn(&TokenSlot, &UnkeptToken) -> bool) -> Vec<KeptToken> {
        self.held.take_all(is_ended).iter().map(|unkept| unkept.kept.clone()).collect()
    }
}
