use std::sync::Arc;

use super::needs::{ClaimsChallenges, SignInNeed, SignInNeeds};
use crate::domain::{ClaimsChallenge, Timestamp, TokenSlot, UserKey};
use crate::identity_provider::RedeemFailure;
use crate::records::RecordError;

/// What the next sign-in of a user must satisfy: what the issuer asked for in a silent attempt (consent, a second
/// factor), and the claims challenges of resources that rejected the user's token.
///
/// A browser signs in for the account that the bot names. So requirements belong to the channel's account, even if a
/// parent brought the token.
#[derive(Clone)]
pub struct SignInRequirements {
    challenges: Arc<ClaimsChallenges>,
    needs: Arc<SignInNeeds>,
}

impl SignInRequirements {
    /// Keeps requirements in these collections.
    #[must_use]
    pub fn new(challenges: Arc<ClaimsChallenges>, needs: Arc<SignInNeeds>) -> Self {
        Self { challenges, needs }
    }

    /// What a browser sign-in has to ask the user for: the need that a silent attempt left after `obtained_at`, joined
    /// with the challenge of a resource.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn for_browser(
        &self,
        slot: &TokenSlot,
        obtained_at: Option<Timestamp>,
    ) -> Result<SignInNeed, RecordError> {
        let slot = slot.as_channel_slot();
        let need = self.needs.get(&slot, obtained_at).await?;
        let claims = self.challenges.find(&slot).await?;
        Ok(need.joined(SignInNeed { claims, ..SignInNeed::default() }))
    }

    /// Takes the challenge that waits for the slot. Of several callers one gets it.
    pub(super) async fn take_challenge(&self, slot: &TokenSlot) -> Result<Option<ClaimsChallenge>, RecordError> {
        self.challenges.take(&slot.as_channel_slot()).await
    }

    /// Keeps `challenge` for the next sign-in; `user` is the user of the challenged token, if known.
    pub(super) async fn put_challenge(
        &self,
        slot: &TokenSlot,
        user: Option<&UserKey>,
        challenge: &ClaimsChallenge,
    ) -> Result<(), RecordError> {
        self.challenges.put(&slot.as_channel_slot(), user, challenge).await
    }

    /// Removes the challenge that waits for `slot`, because a token has answered it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end_challenge(&self, slot: &TokenSlot) -> Result<(), RecordError> {
        self.challenges.end(std::slice::from_ref(&*slot.as_channel_slot())).await
    }

    /// Removes every challenge of `user`.
    pub(super) async fn end_challenges_of_user(&self, user: &UserKey) -> Result<(), RecordError> {
        self.challenges.end_all_of_user(user).await
    }

    /// Removes all needs and challenges of these slots, none of which is a parent's.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), RecordError> {
        self.challenges.end(slots).await?;
        self.needs.end(slots).await
    }

    /// Remembers what the issuer asked for when a silent attempt failed, so that the next browser sign-in asks the user
    /// for exactly that. It replaces the earlier need; a failure that a sign-in cannot mend changes nothing. `tried` is
    /// the challenge that the attempt carried, which has been taken from the store.
    pub(super) async fn remember(
        &self,
        slot: &TokenSlot,
        failure: &RedeemFailure,
        tried: Option<&ClaimsChallenge>,
        correlation_id: &str,
    ) {
        let Some(need) = derive_need(failure, tried) else { return };
        let slot = slot.as_channel_slot();
        // Which account the user means is not for a silent attempt to say.
        let replace = |earlier: SignInNeed| SignInNeed { choose_account: earlier.choose_account, ..need.clone() };
        if let Err(error) = self.needs.change(&slot, replace).await {
            log_lost_need(&error, correlation_id);
        }
    }

    /// Remembers what the issuer asked for when a browser sign-in failed, in addition to the earlier need. It replaces
    /// nothing: somebody else than the card's user may have followed the link and must not erase the user's need.
    pub async fn add(&self, slot: &TokenSlot, failure: &RedeemFailure, correlation_id: &str) {
        if let Some(need) = derive_need(failure, None) {
            self.join(slot, need, correlation_id).await;
        }
    }

    /// Remembers that the account of the last browser sign-in was not the one that the user means, in addition to the
    /// earlier need: the next browser sign-in lets the user choose.
    pub async fn want_other_account(&self, slot: &TokenSlot, correlation_id: &str) {
        self.join(slot, SignInNeed { choose_account: true, ..SignInNeed::default() }, correlation_id).await;
    }

    /// Remembers `need` for the next browser sign-in, in addition to the earlier need.
    pub async fn join(&self, slot: &TokenSlot, need: SignInNeed, correlation_id: &str) {
        let slot = slot.as_channel_slot();
        if let Err(error) = self.needs.change(&slot, |earlier| earlier.joined(need.clone())).await {
            log_lost_need(&error, correlation_id);
        }
    }
}

fn log_lost_need(error: &RecordError, correlation_id: &str) {
    tracing::warn!(correlation_id, %error, "the next browser sign-in will not ask for what the issuer wanted: the store failed");
}

fn derive_need(failure: &RedeemFailure, tried: Option<&ClaimsChallenge>) -> Option<SignInNeed> {
    let need = match failure {
        RedeemFailure::ConsentRequired => SignInNeed { consent: true, claims: tried.cloned(), ..SignInNeed::default() },
        RedeemFailure::InteractionRequired { claims } => {
            let wanted = claims.as_deref().and_then(ClaimsChallenge::parse);
            SignInNeed { claims: wanted.or_else(|| tried.cloned()), ..SignInNeed::default() }
        }
        _ => SignInNeed::default(),
    };
    (need != SignInNeed::default()).then_some(need)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_becomes_a_need_only_for_consent_and_claims() {
        let tried = ClaimsChallenge::parse(r#"{"tried":1}"#);
        let wanted = ClaimsChallenge::parse(r#"{"wanted":1}"#);
        let need = |consent, claims: &Option<ClaimsChallenge>| SignInNeed {
            consent,
            claims: claims.clone(),
            ..SignInNeed::default()
        };
        let interaction =
            |claims: Option<&str>| RedeemFailure::InteractionRequired { claims: claims.map(str::to_owned) };
        for (failure, need) in [
            (RedeemFailure::ConsentRequired, Some(need(true, &tried))),
            (interaction(Some(r#"{"wanted":1}"#)), Some(need(false, &wanted))),
            (interaction(Some("nonsense")), Some(need(false, &tried))),
            (interaction(None), Some(need(false, &tried))),
            (RedeemFailure::Denied, None),
            (RedeemFailure::Transient, None),
        ] {
            assert_eq!(derive_need(&failure, tried.as_ref()), need, "{failure:?}");
        }
        assert_eq!(
            derive_need(&interaction(None), None),
            None,
            "an interaction without claims and without a tried challenge"
        );
    }
}
