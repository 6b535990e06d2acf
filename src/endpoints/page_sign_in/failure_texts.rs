use actix_web::http::StatusCode;

use crate::pages::NoticeTexts;
use crate::protocol::CANCELLED_BY_USER;
use crate::sign_in::{ProviderRefusal, SignInError};

/// The texts of a failure: the reason code for programs, the rest for the user.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailureTexts {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    pub(super) title: &'static str,
    pub(super) happened: &'static str,
    pub(super) advice: &'static str,
}

impl FailureTexts {
    /// The texts of a page, with the reference by which the operator finds the failure.
    pub(super) const fn notice<'a>(&self, correlation_id: &'a str) -> NoticeTexts<'a> {
        NoticeTexts { title: self.title, happened: self.happened, advice: self.advice, correlation_id }
    }
}

/// What a door tells users to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Advice {
    /// How to begin a new sign-in.
    pub(super) start_again: &'static str,
    /// What a browser needs that sends no cookie.
    pub(super) allow_cookies: &'static str,
}

const ASK_ADMINISTRATOR: &str = "Ask your administrator, and give them the reference below.";
const TRY_LATER: &str =
    "Reload this page in a moment. If it happens again, give the reference below to your administrator.";

/// The table from errors to pages.
#[rustfmt::skip]
pub(super) fn failure_texts(error: SignInError, advice: Advice) -> FailureTexts {
    let Advice { start_again, allow_cookies } = advice;
    let texts = |status, reason, title, happened, advice| FailureTexts { status, reason, title, happened, advice };
    match error {
        SignInError::LinkUnknown => texts(StatusCode::GONE, "LinkUnknown", "This sign-in has ended",
            "You have signed out since it began, or it was set up in another way.", start_again),
        SignInError::StateUnknown => texts(StatusCode::GONE, "StateUnknown", "This sign-in has ended",
            "The page has expired, or you have signed out since.", start_again),
        SignInError::OtherBrowser => texts(StatusCode::FORBIDDEN, "OtherBrowser", "This sign-in was started elsewhere",
            "It was started in another browser, or this browser does not keep cookies.", allow_cookies),
        SignInError::ProviderRefused(refusal) => refusal_texts(refusal, start_again),
        SignInError::IssuerMismatch => texts(StatusCode::BAD_REQUEST, "IssuerMismatch", "You could not be signed in",
            "The answer came from another sign-in service than the one you were sent to.", ASK_ADMINISTRATOR),
        SignInError::IdTokenRejected { .. } => texts(StatusCode::FORBIDDEN, "IdTokenRejected", "You could not be signed in",
            "The proof of your identity could not be verified.", ASK_ADMINISTRATOR),
        SignInError::TenantNotAllowed => texts(StatusCode::FORBIDDEN, "TenantNotAllowed", "This account cannot be used here",
            "Accounts of your organisation are not accepted.", start_again),
        SignInError::Throttled { .. } => texts(StatusCode::TOO_MANY_REQUESTS, "Throttled", "Too many attempts",
            "There were many attempts to sign in within a short time.", "Wait a minute, then try again."),
        SignInError::Unavailable => texts(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "The sign-in service cannot be reached",
            "The service that signs you in does not answer.", TRY_LATER),
        SignInError::Misconfigured => texts(StatusCode::SERVICE_UNAVAILABLE, "Misconfigured", "Signing in is not set up correctly",
            "You cannot sign in until the operator has corrected the configuration.", ASK_ADMINISTRATOR),
        SignInError::Storage => texts(StatusCode::SERVICE_UNAVAILABLE, "Storage", "Something went wrong on our side",
            "Your sign-in could not be saved.", TRY_LATER),
        // These two concern the sign-in of a card, which has a form and an owner.
        SignInError::FormUnreadable | SignInError::OtherAccount => texts(StatusCode::BAD_REQUEST, "BadRequest",
            "You could not be signed in", "The request could not be read.", start_again),
    }
}

/// The table from what the identity provider said to pages. The provider's own words are on none of them.
#[rustfmt::skip]
fn refusal_texts(refusal: ProviderRefusal, start_again: &'static str) -> FailureTexts {
    let texts = |status, reason, title, happened, advice| FailureTexts { status, reason, title, happened, advice };
    match refusal {
        ProviderRefusal::Cancelled => texts(StatusCode::OK, CANCELLED_BY_USER, "You have cancelled",
            "You were not signed in.", start_again),
        ProviderRefusal::AccessRefused => texts(StatusCode::FORBIDDEN, "AccessRefused", "You were not signed in",
            "Access was refused, perhaps by you or by your administrator.", start_again),
        ProviderRefusal::ConsentMissing => texts(StatusCode::FORBIDDEN, "ConsentRequired", "Consent is missing",
            "Your consent is needed, or that of your administrator.",
            "Sign in again and consent when you are asked. If you cannot, ask your administrator to consent for all users."),
        ProviderRefusal::InteractionRequired => texts(StatusCode::FORBIDDEN, "InteractionRequired", "Another sign-in step is required",
            "Your organisation requires more than this sign-in provided, for example a second factor.", start_again),
        ProviderRefusal::SignInAgain => texts(StatusCode::FORBIDDEN, "SignInRequired", "Please sign in again",
            "The sign-in page no longer knows you, or it did not wait any longer.", start_again),
        ProviderRefusal::PageExpired => texts(StatusCode::FORBIDDEN, "PageExpired", "The sign-in page has expired",
            "It was open for too long, or you have signed in in another tab.", start_again),
        ProviderRefusal::PasswordForgotten => texts(StatusCode::FORBIDDEN, "PasswordForgotten", "You asked for a new password",
            "You were not signed in, and this page cannot change your password.",
            "Change your password where your organisation offers it, and sign in with the new one."),
        ProviderRefusal::AccountSelection => texts(StatusCode::FORBIDDEN, "AccountSelectionRequired", "Choose an account",
            "You use several accounts, and the sign-in page could not tell which one to use.", start_again),
        ProviderRefusal::WrongAccount => texts(StatusCode::FORBIDDEN, "WrongAccount", "This account cannot be used here",
            "The organisation does not know your account.", start_again),
        ProviderRefusal::Denied => texts(StatusCode::FORBIDDEN, "Denied", "You may not sign in here",
            "Your account is not allowed to sign in here.", ASK_ADMINISTRATOR),
        ProviderRefusal::Other => texts(StatusCode::FORBIDDEN, "ProviderRefused", "You could not be signed in",
            "The sign-in page answered with an error.", start_again),
    }
}
