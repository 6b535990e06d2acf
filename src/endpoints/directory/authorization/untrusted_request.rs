use actix_web::http::StatusCode;

use crate::endpoints::directory::languages::{NoticeText, PageTexts};

/// Why a request gets a page of ours: there is no address of an application that could be trusted with an answer
/// (RFC 6749 §4.1.2.1, RFC 9700 §4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum UntrustedRequest {
    /// The path names no directory.
    UnknownDirectory,
    /// The request is too long, or no form of text.
    Unreadable,
    /// `client_id` is missing, stated twice, or names no application of the directory.
    UnknownApplication,
    /// `redirect_uri` is missing, stated twice, or not registered exactly so.
    RedirectNotRegistered,
}

impl UntrustedRequest {
    pub(in crate::endpoints::directory) const fn status(self) -> StatusCode {
        match self {
            Self::UnknownDirectory => StatusCode::NOT_FOUND,
            Self::Unreadable | Self::UnknownApplication | Self::RedirectNotRegistered => StatusCode::BAD_REQUEST,
        }
    }

    /// What the page says.
    pub(in crate::endpoints::directory) const fn notice(self, texts: &PageTexts) -> &NoticeText {
        match self {
            Self::UnknownDirectory => &texts.unknown_directory,
            Self::Unreadable => &texts.unreadable_request,
            Self::UnknownApplication => &texts.unknown_application,
            Self::RedirectNotRegistered => &texts.return_not_registered,
        }
    }

    /// What the operator can do.
    pub(in crate::endpoints::directory) const fn hint(self) -> &'static str {
        match self {
            Self::UnknownDirectory => "a browser was sent to a tenant id that is no directory of the configuration",
            Self::Unreadable => {
                "an application's authorization request is longer than 8 KiB, has more than 64 parameters, or is no UTF-8 text"
            }
            Self::UnknownApplication => {
                "client_id of an authorization request is missing, stated twice, or none of the directory's applications"
            }
            Self::RedirectNotRegistered => {
                "redirect_uri of an authorization request is missing, or is not exactly one of the redirect URIs of the \
                 application or the directory: register it, or look who sends your users such links"
            }
        }
    }
}

/// Every refusal, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    let refusals = [
        UntrustedRequest::UnknownDirectory,
        UntrustedRequest::Unreadable,
        UntrustedRequest::UnknownApplication,
        UntrustedRequest::RedirectNotRegistered,
    ];
    refusals.into_iter().map(|refusal| (format!("{refusal:?}"), refusal.hint())).collect()
}
