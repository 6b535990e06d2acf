use actix_web::http::StatusCode;

use super::failure_texts::FailureTexts;

/// Why a page's request for a sign-in is refused before anything is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageRefusal {
    /// There is no add-in of this name.
    UnknownAddIn,
    /// `origin` is not one of the add-in's.
    OriginNotListed,
    /// `origin` is missing, and the add-in has not exactly one.
    OriginMissing,
    /// There is no app of this id.
    UnknownApp,
    /// `app_id` is another app's.
    OtherApp,
    /// `from_url` is missing, or no address that a browser can be sent to safely.
    BadReturnAddress,
    /// The origin of `from_url` is not one of the app's.
    ReturnAddressNotListed,
    /// `popup_origin` is not one of the app's origins.
    PopupOriginNotListed,
}

const NOTHING_BEGUN: &str = "No sign-in was begun.";
const TELL_DEVELOPER: &str = "Tell the people who run the app, and give them the reference below.";
const TELL_ADD_IN_DEVELOPER: &str = "Tell the people who run the add-in, and give them the reference below.";

impl PageRefusal {
    /// What the page says.
    #[rustfmt::skip]
    pub(super) fn texts(self) -> FailureTexts {
        let texts = |status, reason, title, advice| FailureTexts { status, reason, title, happened: NOTHING_BEGUN, advice };
        match self {
            Self::UnknownAddIn => texts(StatusCode::NOT_FOUND, "UnknownAddIn", "There is no such add-in", TELL_ADD_IN_DEVELOPER),
            Self::OriginNotListed => texts(StatusCode::BAD_REQUEST, "OriginNotListed", "This page may not sign you in", TELL_ADD_IN_DEVELOPER),
            Self::OriginMissing => texts(StatusCode::BAD_REQUEST, "OriginMissing", "The add-in did not say where it is", TELL_ADD_IN_DEVELOPER),
            Self::UnknownApp => texts(StatusCode::NOT_FOUND, "UnknownApp", "There is no such app", TELL_DEVELOPER),
            Self::OtherApp => texts(StatusCode::BAD_REQUEST, "OtherApp", "This link belongs to another app", TELL_DEVELOPER),
            Self::BadReturnAddress => texts(StatusCode::BAD_REQUEST, "BadReturnAddress", "The app did not say where to return to", TELL_DEVELOPER),
            Self::ReturnAddressNotListed => texts(StatusCode::BAD_REQUEST, "ReturnAddressNotListed", "This page may not sign you in", TELL_DEVELOPER),
            Self::PopupOriginNotListed => texts(StatusCode::BAD_REQUEST, "PopupOriginNotListed", "This page may not sign you in", TELL_DEVELOPER),
        }
    }

    /// What the operator can do.
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::UnknownAddIn => "a dialog was opened for a name that is no section of add_ins",
            Self::OriginNotListed => {
                "the dialog's origin is none of the add-in's origins: add the origin of the pane's page to origins, exactly \
                 as the browser writes it"
            }
            Self::OriginMissing => {
                "the dialog's address has no origin, or two: it may be left out only where the add-in's origins has one entry"
            }
            Self::UnknownApp => "a login was begun for an id that is no section of apps",
            Self::OtherApp => "app_id is not the app in the path: the front end mixes up two apps",
            Self::BadReturnAddress => {
                "from_url is missing, occurs twice, is longer than 2 KiB, or is no absolute http or https address without user \
                 name; a path, at the logout alone, needs a Referer"
            }
            Self::ReturnAddressNotListed => {
                "the origin of from_url is none of the app's login_origins: add the origin of the front end, or look who \
                 sends your users such links"
            }
            Self::PopupOriginNotListed => {
                "popup_origin is none of the app's login_origins: add the origin of the front end"
            }
        }
    }
}

/// Every refusal, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    let refusals = [
        PageRefusal::UnknownAddIn,
        PageRefusal::OriginNotListed,
        PageRefusal::OriginMissing,
        PageRefusal::UnknownApp,
        PageRefusal::OtherApp,
        PageRefusal::BadReturnAddress,
        PageRefusal::ReturnAddressNotListed,
        PageRefusal::PopupOriginNotListed,
    ];
    refusals.into_iter().map(|refusal| (format!("{refusal:?}"), refusal.hint())).collect()
}
