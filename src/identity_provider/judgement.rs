//! What an answer of a token endpoint comes to: a token, or one closed error.

use super::entra_errors::{self, Verdict};
use super::oauth_errors;
use super::presentation::Dialect;
use super::token_endpoint::{self, TokenAnswer};
use super::{RedeemError, RedeemFailure, RedeemedToken, refusal};
use crate::domain::Timestamp;
use crate::outbound::Answer;

/// What an answer of Entra's that came at `now` to a request of `asked_at` comes to. The token's life is counted from before the call:
/// rather too short than too long.
///
/// # Errors
/// [`RedeemError`]: of the answer's text nothing survives but short identifiers and a claims challenge.
pub fn judge(answer: &Answer, asked_at: Timestamp, now: Timestamp) -> Result<RedeemedToken, RedeemError> {
    verdict(answer, Dialect::Entra, (asked_at, now)).map_err(|verdict| verdict.error)
}

/// The same, with what else can be done about a refusal.
pub(super) fn verdict(
    answer: &Answer,
    dialect: Dialect,
    (asked_at, now): (Timestamp, Timestamp),
) -> Result<RedeemedToken, Verdict> {
    match token_endpoint::read(answer, now) {
        TokenAnswer::Token(granted) => Ok(RedeemedToken {
            access_token: granted.access_token,
            expires_at: asked_at.plus(granted.lifetime),
            granted_scope: granted.scope,
            refresh_token: granted.refresh_token,
            refresh_at: granted.refresh_in.map(|span| asked_at.plus(span)),
            id_token: granted.id_token,
        }),
        TokenAnswer::Refusal(refusal) => Err(match dialect {
            Dialect::Entra => entra_errors::classify(&refusal),
            Dialect::Standard(_) => oauth_errors::classify(&refusal),
        }),
        TokenAnswer::Nonsense(hint) => {
            let mut error = refusal(RedeemFailure::Transient, hint);
            error.diagnostics.http_status = Some(answer.status);
            Err(Verdict::of(error))
        }
    }
}
