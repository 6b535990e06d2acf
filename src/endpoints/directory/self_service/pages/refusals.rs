use std::error::Error;

use super::faults::PageFault;
use crate::endpoints::directory::authorization::RequestRefusal;
use crate::endpoints::directory::self_service::service::SelfServiceError;

/// Why a request gets no page of self-service.
pub(super) enum PageRefusal {
    /// The request of the application is not in order.
    Request(RequestRefusal),
    /// The directory does not offer the page.
    SwitchedOff,
}

/// Why an act was not done.
#[derive(Debug)]
pub(super) enum ActFailure {
    /// The page says what is wrong with the form.
    Fault(PageFault),
    /// The link or the code of the page is not good.
    Ended,
    /// The service cannot do its work now. The reason was logged.
    Unavailable,
}

impl From<PageFault> for ActFailure {
    fn from(fault: PageFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<SelfServiceError> for ActFailure {
    fn from(error: SelfServiceError) -> Self {
        match error {
            SelfServiceError::TooMany { retry_after } => PageFault::TooMany { retry_after }.into(),
            SelfServiceError::BadProfile(_) => PageFault::BadValue.into(),
            SelfServiceError::BadPassword(fault) => PageFault::Password(fault).into(),
            SelfServiceError::Taken => PageFault::NameTaken.into(),
            SelfServiceError::PasswordRefused => PageFault::WrongPassword.into(),
            SelfServiceError::TooSoon { .. } => PageFault::TooSoon.into(),
            SelfServiceError::Busy => PageFault::Busy.into(),
            // A setting may be switched off, and a user deleted, while the page is open.
            SelfServiceError::SwitchedOff | SelfServiceError::UnknownUser | SelfServiceError::LinkEnded => Self::Ended,
            SelfServiceError::Unavailable => Self::Unavailable,
        }
    }
}

/// Logs that the store failed.
pub(super) fn log_outage(error: impl Error + 'static) -> ActFailure {
    tracing::error!(error = &error as &dyn Error, "a page of self-service cannot read or write records");
    ActFailure::Unavailable
}
