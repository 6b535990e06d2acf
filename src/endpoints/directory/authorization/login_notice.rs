use actix_web::http::StatusCode;

use crate::endpoints::directory::languages::PageTexts;
use crate::inbound::choose_retry_after;

/// What the sign-in page says after a try that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginNotice {
    /// There is no such user, the password is wrong, or the user may not sign in: one sentence for all.
    Refused,
    /// The password is right and has expired.
    Expired,
    /// Too many sign-ins of the user or the address were refused.
    TooMany {
        /// Seconds until the next try.
        retry_after: u64,
    },
    /// Too many passwords are being checked.
    Busy,
    /// The form is not of this browser. Nothing was checked.
    TryAgain,
    /// A field is empty. Nothing was checked.
    Incomplete,
}

impl LoginNotice {
    pub(super) const fn text(self, texts: &PageTexts) -> &'static str {
        match self {
            Self::Refused => texts.refused,
            Self::Expired => texts.expired,
            Self::TooMany { .. } => texts.too_many,
            Self::Busy => texts.busy,
            Self::TryAgain => texts.try_again,
            Self::Incomplete => texts.incomplete,
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Refused | Self::Expired => StatusCode::UNAUTHORIZED,
            Self::TooMany { .. } | Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::TryAgain => StatusCode::FORBIDDEN,
            Self::Incomplete => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn retry_after(self) -> Option<u64> {
        let known = match self {
            Self::TooMany { retry_after } => Some(retry_after),
            _ => None,
        };
        choose_retry_after(self.status(), known)
    }

    /// Whether the notice is about what the user has typed.
    pub(super) const fn is_about_input(self) -> bool {
        matches!(self, Self::Refused | Self::Incomplete)
    }
}
