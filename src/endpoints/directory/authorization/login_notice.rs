use actix_web::http::StatusCode;

use crate::endpoints::directory::languages::PageTexts;
use crate::inbound::choose_retry_after;

/// What the sign-in page says after a try that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum LoginNotice {
    /// There is no such user, the password is wrong, or the user may not sign in: one sentence for all.
    Refused,
    /// As [`LoginNotice::Refused`], or the password is right and the address is not confirmed, in a directory whose users have to
    /// confirm it.
    RefusedOrUnconfirmed,
    /// The password is right and has expired.
    Expired {
        /// The user's id.
        user_id: String,
        /// Whether the user may change it by a page of ours.
        is_changeable: bool,
    },
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
    /// The user has cancelled the sign-in at another identity provider.
    ProviderCancelled,
    /// Another identity provider, or the check of its answer, has refused the sign-in.
    ProviderRefused,
    /// Another identity provider does not answer, or we cannot ask it.
    ProviderUnavailable {
        /// Seconds until the next try, if that is known.
        retry_after: Option<u64>,
    },
    /// The user has signed in at another identity provider, and may not sign in here.
    NotAllowed,
}

impl LoginNotice {
    pub(in crate::endpoints::directory) const fn text(&self, texts: &PageTexts) -> &'static str {
        match self {
            Self::Refused => texts.refused,
            Self::RefusedOrUnconfirmed => texts.refused_or_unconfirmed,
            Self::Expired { is_changeable: true, .. } => texts.expired_changeable,
            Self::Expired { is_changeable: false, .. } => texts.expired,
            Self::TooMany { .. } => texts.too_many,
            Self::Busy => texts.busy,
            Self::TryAgain => texts.try_again,
            Self::Incomplete => texts.incomplete,
            Self::ProviderCancelled => texts.providers.cancelled,
            Self::ProviderRefused => texts.providers.refused,
            Self::ProviderUnavailable { .. } => texts.providers.unavailable,
            Self::NotAllowed => texts.providers.not_allowed,
        }
    }

    pub(in crate::endpoints::directory) const fn status(&self) -> StatusCode {
        match self {
            Self::Refused
            | Self::RefusedOrUnconfirmed
            | Self::Expired { .. }
            | Self::ProviderCancelled
            | Self::ProviderRefused => StatusCode::UNAUTHORIZED,
            Self::TooMany { .. } | Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::ProviderUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TryAgain | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Incomplete => StatusCode::BAD_REQUEST,
        }
    }

    pub(in crate::endpoints::directory) fn retry_after(&self) -> Option<u64> {
        let known = match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::ProviderUnavailable { retry_after } => *retry_after,
            _ => None,
        };
        choose_retry_after(self.status(), known)
    }

    /// Whether the notice is about what the user has typed.
    pub(in crate::endpoints::directory) const fn is_about_input(&self) -> bool {
        matches!(self, Self::Refused | Self::RefusedOrUnconfirmed | Self::Incomplete)
    }
}
