use crate::domain::{IdToken, UserToken};
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::token_validation::IdTokenStatements;

/// The ID token of `refreshed`, which has brought the successor of `old`: the new one if it continues the old one, else the
/// old one (`OpenID` Connect Core §12.2). An ID token without a first one to compare it with is dropped.
///
/// # Errors
/// A fault of the issuer if the new ID token is of another user, since the access token may then be as well.
pub(super) fn continue_id_token(
    old: &UserToken,
    refreshed: &UserToken,
    correlation_id: &str,
) -> Result<Option<IdToken>, RedeemError> {
    let (Some(first), Some(renewed)) = (&old.id_token, &refreshed.id_token) else { return Ok(old.id_token.clone()) };
    let statements = [&first.raw, &renewed.raw].map(IdTokenStatements::read);
    let [Some(first_says), Some(renewed_says)] = statements else { return Ok(old.id_token.clone()) };
    match renewed_says.continues(&first_says) {
        Ok(()) => Ok(Some(renewed.clone())),
        Err("iss" | "sub") => Err(of_another_user()),
        Err(check) => {
            let hint = "the refreshed ID token is for another client than the first one, so it is not kept";
            tracing::warn!(correlation_id, check, hint, "a refreshed ID token was refused");
            Ok(old.id_token.clone())
        }
    }
}

/// A fault that no sign-in mends.
fn of_another_user() -> RedeemError {
    let hint = "the identity provider answered a refresh with another user's ID token: nothing of the answer is used";
    let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
    RedeemError { failure: RedeemFailure::Misconfigured, diagnostics }
}
