use crate::domain::{IdToken, Secret, UserToken};
use crate::identity_provider::{Diagnostics, RedeemError, RedeemFailure};
use crate::token_validation::IdTokenStatements;

/// Refuses the answer to a refresh of `old` whose ID token `renewed` is of another user than the first one, also if that ID
/// token could not be kept, since the access token may then be of that user as well.
///
/// # Errors
/// A fault of the issuer, which no sign-in mends.
pub(super) fn refuse_other_user(old: &UserToken, renewed: Option<&Secret>) -> Result<(), RedeemError> {
    let (Some(first), Some(renewed)) = (&old.id_token, renewed) else { return Ok(()) };
    let is_other = IdTokenStatements::read(&first.raw).is_some_and(|first| first.is_contradicted_by(renewed));
    if is_other { Err(of_another_user()) } else { Ok(()) }
}

/// The ID token of `refreshed`, which has brought the successor of `old`: the new one if it continues the old one, else the
/// old one (`OpenID` Connect Core §12.2). An ID token without a first one to compare it with is dropped.
pub(super) fn continue_id_token(old: &UserToken, refreshed: &UserToken, correlation_id: &str) -> Option<IdToken> {
    let (Some(first), Some(renewed)) = (&old.id_token, &refreshed.id_token) else { return old.id_token.clone() };
    let statements = [&first.raw, &renewed.raw].map(IdTokenStatements::read);
    let [Some(first_says), Some(renewed_says)] = statements else { return old.id_token.clone() };
    match renewed_says.continues(&first_says) {
        Ok(()) => Some(renewed.clone()),
        Err(check) => {
            let hint = "the refreshed ID token is for another client than the first one, so it is not kept";
            tracing::warn!(correlation_id, check, hint, "a refreshed ID token was refused");
            old.id_token.clone()
        }
    }
}

fn of_another_user() -> RedeemError {
    let hint = "the identity provider answered a refresh with another user's ID token: nothing of the answer is used";
    let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
    RedeemError { failure: RedeemFailure::Misconfigured, diagnostics }
}
