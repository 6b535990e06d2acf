use actix_web::http::StatusCode;

use super::texts::LogoutTexts;
use crate::endpoints::directory::languages::NoticeText;

/// Why a request to sign out is refused with a page of ours. Nothing is ended then, and the browser goes nowhere
/// (docs/directory.md §Logout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogoutRefusal {
    /// The path names no directory.
    UnknownDirectory,
    /// The request is too long, no form of text, states a parameter twice, or has a control character.
    Unreadable,
    /// `client_id` is missing where it is required, or names no application of the directory.
    UnknownApplication,
    /// `client_id` is another than that of the ID token.
    OtherApplication,
    /// The address to return to is missing where it is required, or not registered exactly so.
    ReturnNotRegistered,
}

impl LogoutRefusal {
    #[cfg(test)]
    const ALL: [Self; 5] = [
        Self::UnknownDirectory,
        Self::Unreadable,
        Self::UnknownApplication,
        Self::OtherApplication,
        Self::ReturnNotRegistered,
    ];

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::UnknownDirectory => StatusCode::NOT_FOUND,
            Self::Unreadable | Self::UnknownApplication | Self::OtherApplication | Self::ReturnNotRegistered => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// What the page says.
    pub(super) const fn notice(self, texts: &LogoutTexts) -> &NoticeText {
        match self {
            Self::UnknownDirectory => &texts.unknown_directory,
            Self::Unreadable => &texts.unreadable,
            Self::UnknownApplication | Self::OtherApplication => &texts.unknown_application,
            Self::ReturnNotRegistered => &texts.return_not_registered,
        }
    }

    /// What the operator can do.
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::UnknownDirectory => "a sign-out names a tenant id that is no directory of the configuration",
            Self::Unreadable => {
                "a sign-out is longer than 8 KiB, has more than 64 parameters, states one twice, or has a control character"
            }
            Self::UnknownApplication => {
                "client_id of a sign-out is missing, or none of the directory's applications: App ID's SDK adds it"
            }
            Self::OtherApplication => "client_id of a sign-out is not the audience of its id_token_hint",
            Self::ReturnNotRegistered => {
                "the address to return to after a sign-out is missing, or is not exactly one of logoutRedirectUris of the \
                 directory's single sign-on settings: register it, or look who sends your users such links"
            }
        }
    }
}

/// Every refusal, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    LogoutRefusal::ALL.into_iter().map(|refusal| (format!("Logout{refusal:?}"), refusal.hint())).collect()
}
