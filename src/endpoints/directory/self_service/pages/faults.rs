use std::borrow::Cow;

use actix_web::http::StatusCode;

use super::texts::SelfServiceTexts;
use crate::accounts::PasswordFault;
use crate::endpoints::directory::languages::Language;
use crate::inbound::choose_retry_after;

/// What a page says after a form that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PageFault {
    /// The form is not of this browser. Nothing was done.
    TryAgain,
    /// A field is empty. Nothing was done.
    Incomplete,
    /// A name or an address cannot be one.
    BadValue,
    /// Another user has the user name.
    NameTaken,
    /// The present password is wrong, or the user may not sign in: one sentence for all.
    WrongPassword,
    /// The password was changed only just.
    TooSoon,
    /// The new password is against a rule.
    Password(PasswordFault),
    /// There were too many tries.
    TooMany {
        /// Seconds until the next try.
        retry_after: u64,
    },
    /// Too many passwords are being hashed.
    Busy,
}

impl PageFault {
    pub(super) fn text(&self, language: Language) -> Cow<'static, str> {
        let (pages, faults) = (language.texts(), &SelfServiceTexts::of(language).faults);
        Cow::Borrowed(match self {
            Self::TryAgain => pages.try_again,
            Self::Incomplete => faults.incomplete,
            Self::BadValue => faults.bad_value,
            Self::NameTaken => faults.name_taken,
            Self::WrongPassword => faults.wrong_password,
            Self::TooSoon => faults.too_soon,
            Self::TooMany { .. } => pages.too_many,
            Self::Busy => pages.busy,
            Self::Password(PasswordFault::Length | PasswordFault::Size) => faults.length,
            Self::Password(PasswordFault::Pattern(None)) => faults.pattern,
            // The operator's own words for the rule, in whatever language they are.
            Self::Password(PasswordFault::Pattern(Some(message))) => return Cow::Owned(message.clone()),
            Self::Password(PasswordFault::ContainsName) => faults.contains_name,
            Self::Password(PasswordFault::Reused(_)) => faults.reused,
        })
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::TryAgain => StatusCode::FORBIDDEN,
            Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::NameTaken => StatusCode::CONFLICT,
            Self::TooMany { .. } | Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Incomplete | Self::BadValue | Self::TooSoon | Self::Password(_) => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn retry_after(&self) -> Option<u64> {
        let known = match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            _ => None,
        };
        choose_retry_after(self.status(), known)
    }
}
