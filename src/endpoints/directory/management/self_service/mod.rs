//! What users do by themselves, for applications that have pages of their own for it (App ID's `SelfServiceManager`).

mod confirmation_results;
mod forgotten_password;
mod messages;
mod sign_up;

pub(super) use confirmation_results::{FORGOT_PASSWORD_RESULT, SIGN_UP_RESULT};
pub(super) use forgotten_password::FORGOT_PASSWORD;
pub(super) use messages::RESEND;
pub(super) use sign_up::SIGN_UP;

use actix_web::HttpRequest;

use super::call::ManagementCall;
use super::refusal::Refused;
use crate::domain::DirectoryUser;
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::self_service::service::{SelfServiceError, SelfServiceRequest};
use crate::inbound::{Description, find_parameter};

impl From<SelfServiceError> for Refused {
    fn from(error: SelfServiceError) -> Self {
        match error {
            SelfServiceError::Taken => Self::Taken,
            SelfServiceError::UnknownUser => Self::NoUser,
            SelfServiceError::BadProfile(text) => Self::Value(text.into()),
            SelfServiceError::BadPassword(fault) => Self::Value(fault.to_string().into()),
            SelfServiceError::TooMany { retry_after } => Self::TooManyRequests(retry_after),
            SelfServiceError::Busy => Self::TooManyRequests(1),
            SelfServiceError::Unavailable => Self::Unavailable,
            // These are said of users and links, and no administrator asks as a user or by a link.
            SelfServiceError::SwitchedOff
            | SelfServiceError::LinkEnded
            | SelfServiceError::PasswordRefused
            | SelfServiceError::TooSoon { .. } => Self::Conflict("The directory does not let users do this.".into()),
        }
    }
}

impl ManagementCall {
    /// This call as one of self-service.
    pub(super) fn as_self_service(&self, language: Language) -> SelfServiceRequest<'_> {
        SelfServiceRequest {
            correlation_id: &self.correlation_id,
            client: self.client,
            language,
            administrator: Some(&self.administrator),
            application: None,
            return_to: None,
        }
    }

    /// Refuses a message with a link for another password, where no page would take the password.
    fn require_reset_password(&self) -> Result<(), Refused> {
        if self.settings().self_service.reset_password {
            return Ok(());
        }
        Err(Refused::Conflict("Users do not reset their password: resetPasswordEnabled is off.".into()))
    }

    /// Refuses a message that cannot be sent to `user`.
    fn require_address(&self, user: &DirectoryUser) -> Result<(), Refused> {
        if !self.door.parts.sends_mail {
            let text = "bot-sso sends no mail: write a section [mail] into its configuration, and restart it.";
            return Err(Refused::Conflict(text.into()));
        }
        match user.email() {
            Some(_) if user.active => Ok(()),
            Some(_) => Err(Refused::Conflict("The user is not active.".into())),
            None => Err(Refused::Conflict("The user has no e-mail address.".into())),
        }
    }
}

/// The language that the call asks for.
pub(super) fn read_language(http: &HttpRequest) -> Language {
    Language::choose(http, None, find_parameter(http.query_string(), "language").as_deref())
}

/// Adds the parameter of [`read_language`].
pub(super) fn with_language(description: Description) -> Description {
    description.optional_query("language", "The language of messages (RFC 5646): `en`, `ja` or `de`.")
}
