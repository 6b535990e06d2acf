//! What becomes of a sign-in at a provider that failed.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::{ProviderPlace, ProvidersDoor};
use crate::endpoints::directory::authorization::{LoginNotice, Responder, SignInRequest};
use crate::sign_in::{ProviderRefusal, SignInError, SignInFailure};

/// What the sign-in page says of `failure`.
pub(super) fn choose_notice(failure: &SignInFailure) -> LoginNotice {
    match failure.error {
        SignInError::ProviderRefused(ProviderRefusal::Cancelled | ProviderRefusal::AccessRefused) => {
            LoginNotice::ProviderCancelled
        }
        SignInError::Throttled { retry_after } => LoginNotice::TooMany { retry_after },
        SignInError::Unavailable | SignInError::Misconfigured | SignInError::Storage => {
            LoginNotice::ProviderUnavailable { retry_after: failure.retry_after }
        }
        _ => LoginNotice::ProviderRefused,
    }
}

/// The reason of a failure, as the log names it.
pub(super) const fn name_failure(error: SignInError) -> &'static str {
    match error {
        SignInError::OtherBrowser => "other_browser",
        SignInError::LinkUnknown | SignInError::StateUnknown => "sign_in_unknown",
        SignInError::FormUnreadable => "bad_request",
        SignInError::ProviderRefused(ProviderRefusal::Cancelled | ProviderRefusal::AccessRefused) => "cancelled",
        SignInError::ProviderRefused(_) => "provider_refused",
        SignInError::IssuerMismatch => "issuer_mismatch",
        SignInError::IdTokenRejected { .. } => "id_token_rejected",
        SignInError::TenantNotAllowed | SignInError::OtherAccount => "account_not_allowed",
        SignInError::Throttled { .. } => "too_many_requests",
        SignInError::Unavailable | SignInError::Storage => "temporarily_unavailable",
        SignInError::Misconfigured => "misconfigured",
    }
}

/// Logs `failure` at the provider of `place`.
pub(super) fn report(failure: &SignInFailure, place: &ProviderPlace, responder: &Responder<'_>) {
    let holder = place.provider.connection.holder.as_str();
    failure.report(name_failure(failure.error), Some(holder), &responder.correlation_id);
}

impl ProvidersDoor {
    /// Shows the sign-in page of `request` again, with what has happened.
    pub(super) fn show_login_again(
        &self,
        request: &SignInRequest,
        notice: &LoginNotice,
        responder: &Responder<'_>,
    ) -> HttpResponse {
        let Some(guard) = self.authorization.form_guard(request) else { return responder.unavailable() };
        responder.show_login(request, request.login_hint.as_deref().unwrap_or_default(), Some(notice), &guard)
    }
}

/// Says that the browser has come back to a sign-in that it did not begin, or that is over.
pub(super) fn say_lost(responder: &Responder<'_>) -> HttpResponse {
    responder.notice(StatusCode::BAD_REQUEST, &responder.language.texts().providers.lost)
}
