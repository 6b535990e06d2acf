use std::sync::Arc;

use super::needs::{ClaimsChallenges, SignInNeed, SignInNeeds};
use crate::domain::{ClaimsChallenge, Timestamp, TokenSlot, UserKey};
use crate::identity_provider::RedeemFailure;
use crate::records::RecordError;

/// What the next sign-in of a user must bring: what silent attempts lacked, and what resources have challenged the user's
/// token for.
///
/// A browser signs in for the account that the bot names, so everything is kept for the channel's account, also where a
/// parent has brought the token.
#[derive(Clone)]
pub struct SignInRequirements {
    challenges: Arc<ClaimsChallenges>,
    needs: Arc<SignInNeeds>,
}

impl SignInRequirements {
    /// Requirements kept in these collections.
    #[must_use]
    pub fn new(challenges: Arc<ClaimsChallenges>, needs: Arc<SignInNeeds>) -> Self {
        Self { challenges, needs }
    }

    /// What a browser has to ask the user for: what an attempt lacked since a token was obtained, and what a resource wants
    /// of the next token.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn for_browser(
        &self,
        slot: &TokenSlot,
        obtained_at: Option<Timestamp>,
    ) -> Result<SignInNeed, RecordError> {
        let slot = slot.as_channel_slot();
        let lacked = self.needs.get(&slot, obtained_at).await?;
        let claims = self.challenges.find(&slot).await?;
        Ok(lacked.joined(SignInNeed { consent: false, claims }))
    }

    /// The challenge that waits for the user, for one caller once.
    pub(super) async fn take_challenge(&self, slot: &TokenSlot) -> Result<Option<ClaimsChallenge>, RecordError> {
        self.challenges.take(&slot.as_channel_slot()).await
    }

    /// Keeps `challenge` for the next sign-in; `user` is whose token was challenged, if known.
    pub(super) async fn put_challenge(
        &self,
        slot: &TokenSlot,
        user: Option<&UserKey>,
        challenge: &ClaimsChallenge,
    ) -> Result<(), RecordError> {
        self.challenges.put(&slot.as_channel_slot(), user, challenge).await
    }

    /// Ends the challenge that waits for `slot`: a token has answered it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end_challenge(&self, slot: &TokenSlot) -> Result<(), RecordError> {
        self.challenges.end(std::slice::from_ref(&*slot.as_channel_slot())).await
    }

    /// Ends every challenge of `user`.
    pub(super) async fn end_challenges_of(&self, user: &UserKey) -> Result<(), RecordError> {
        self.challenges.end_all_of(user).await
    }

    /// Ends everything that is kept for these slots, which are of channels' accounts.
    pub(super) async fn end(&self, slots: &[TokenSlot]) -> Result<(), RecordError> {
        self.challenges.end(slots).await?;
        self.needs.end(slots).await
    }

    /// Remembers what an attempt to get a token lacked, so that the browser which comes next asks the user for exactly that;
    /// where it lacked nothing that can be asked for, what is remembered stays. `tried` is the challenge that went with the
    /// attempt: no other waits for the user any more.
    pub(super) async fn remember(
        &self,
        slot: &TokenSlot,
        failure: &RedeemFailure,
        tried: Option<&ClaimsChallenge>,
        correlation_id: &str,
    ) {
        let Some(need) = need_of(failure, tried) else { return };
        if let Err(error) = self.needs.put(&slot.as_channel_slot(), &need).await {
            log_forgotten(&error, correlation_id);
        }
    }

    /// Remembers what a browser's own attempt lacked, beside what is remembered already: another person than the card's user
    /// may have followed the link, and must not make the user's requirements forgotten.
    pub async fn add(&self, slot: &TokenSlot, failure: &RedeemFailure, correlation_id: &str) {
        let Some(need) = need_of(failure, None) else { return };
        let slot = slot.as_channel_slot();
        let added = async {
            let earlier = self.needs.get(&slot, None).await?;
            self.needs.put(&slot, &earlier.joined(need)).await
        };
        if let Err(error) = added.await {
            log_forgotten(&error, correlation_id);
        }
    }
}

fn log_forgotten(error: &RecordError, correlation_id: &str) {
    tracing::warn!(correlation_id, %error, "the browser will not ask for what an attempt lacked");
}

fn need_of(failure: &RedeemFailure, tried: Option<&ClaimsChallenge>) -> Option<SignInNeed> {
    let need = match failure {
        RedeemFailure::ConsentRequired => SignInNeed { consent: true, claims: tried.cloned() },
        RedeemFailure::InteractionRequired { claims } => {
            let wanted = claims.as_deref().and_then(ClaimsChallenge::parse);
            SignInNeed { consent: false, claims: wanted.or_else(|| tried.cloned()) }
        }
        _ => SignInNeed::default(),
    };
    (need != SignInNeed::default()).then_some(need)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_and_claims_are_remembered_and_nothing_else_is() {
        let tried = ClaimsChallenge::parse(r#"{"tried":1}"#);
        let wanted = ClaimsChallenge::parse(r#"{"wanted":1}"#);
        let interaction =
            |claims: Option<&str>| RedeemFailure::InteractionRequired { claims: claims.map(str::to_owned) };
        for (failure, need) in [
            (RedeemFailure::ConsentRequired, Some(SignInNeed { consent: true, claims: tried.clone() })),
            (interaction(Some(r#"{"wanted":1}"#)), Some(SignInNeed { consent: false, claims: wanted })),
            (interaction(Some("nonsense")), Some(SignInNeed { consent: false, claims: tried.clone() })),
            (interaction(None), Some(SignInNeed { consent: false, claims: tried.clone() })),
            (RedeemFailure::Denied, None),
            (RedeemFailure::Transient, None),
        ] {
            assert_eq!(need_of(&failure, tried.as_ref()), need, "{failure:?}");
        }
        assert_eq!(need_of(&interaction(None), None), None, "nothing in particular");
    }
}
