use std::time::Duration;

use crate::domain::{ClaimsChallenge, Timestamp, UserToken};

/// A token that is younger than this is not refreshed for its ID token's sake: its issuer does not renew ID tokens.
const RENEWAL_INTERVAL: Duration = Duration::from_mins(1);

/// What a refresh must bring, so that a kept token may be good enough or not.
pub(super) enum RefreshAim {
    /// A token that is handed out. Another request may have brought it meanwhile.
    Usable,
    /// A token that satisfies this challenge. A kept token is never good enough.
    Challenged(ClaimsChallenge),
    /// A token whose ID token has not ended, or a token so new that its issuer has just been asked for one.
    IdToken,
}

impl RefreshAim {
    /// The challenge that the new token must satisfy, if there is one.
    pub(super) fn challenge(&self) -> Option<&ClaimsChallenge> {
        match self {
            Self::Challenged(challenge) => Some(challenge),
            Self::Usable | Self::IdToken => None,
        }
    }

    /// Whether `token`, whose access token is good, needs no refresh at `now`.
    pub(super) fn is_met_by(&self, token: &UserToken, now: Timestamp) -> bool {
        match self {
            Self::Usable => true,
            Self::Challenged(_) => false,
            Self::IdToken => token.unended_id_token(now).is_some() || now < token.obtained_at.plus(RENEWAL_INTERVAL),
        }
    }
}
