use askama::Template;
use serde::Serialize;
use url::Url;

use crate::pages::NoticeTexts;
use crate::sign_in::{ProviderRefusal, SignInError};

/// The parts that all pages of the dialog share: the nonce, and what they tell the pane.
pub(super) struct DialogFrame<'a> {
    pub(super) nonce: String,
    pub(super) office_library: &'a Url,
    /// The origin of the pane; empty if it is not known, and the page then tells nothing.
    pub(super) target_origin: &'a str,
    /// The message to the pane, as JSON.
    pub(super) message: String,
}

/// How a dialog ended.
pub(super) enum DialogResult<'a> {
    /// The user is signed in.
    SignedIn,
    /// The user has cancelled.
    Cancelled,
    /// The user was not signed in, for this reason.
    Failed { reason: &'a str, reference: &'a str },
}

/// The message to the pane. It has neither a token nor a code nor a name.
#[derive(Serialize)]
struct DialogMessage<'a> {
    r#type: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

impl<'a> DialogResult<'a> {
    pub(super) fn of_failure(error: SignInError, reason: &'a str, reference: &'a str) -> Self {
        match error {
            SignInError::ProviderRefused(ProviderRefusal::Cancelled) => Self::Cancelled,
            _ => Self::Failed { reason, reference },
        }
    }

    /// The message, as JSON.
    pub(super) fn to_message(&self) -> String {
        let (status, reason, reference) = match *self {
            Self::SignedIn => ("signed_in", None, None),
            Self::Cancelled => ("cancelled", None, None),
            Self::Failed { reason, reference } => ("failed", Some(reason), Some(reference)),
        };
        let message = DialogMessage { r#type: "bot-sso", status, reason, reference };
        // Texts and names alone always make JSON.
        serde_json::to_string(&message).unwrap_or_default()
    }
}

/// Says that the user is signed in.
#[derive(Template)]
#[template(path = "dialog_signed_in.html")]
pub(super) struct SignedInPage<'a> {
    frame: DialogFrame<'a>,
    account: &'a str,
}

/// Shows a failure and what to do about it.
#[derive(Template)]
#[template(path = "dialog_notice.html")]
pub(super) struct DialogNoticePage<'a> {
    frame: DialogFrame<'a>,
    texts: NoticeTexts<'a>,
    /// Where the user can begin again.
    again: Option<&'a str>,
}

impl<'a> SignedInPage<'a> {
    pub(super) const fn new(frame: DialogFrame<'a>, account: &'a str) -> Self {
        Self { frame, account }
    }
}

impl<'a> DialogNoticePage<'a> {
    pub(super) const fn new(frame: DialogFrame<'a>, texts: NoticeTexts<'a>, again: Option<&'a str>) -> Self {
        Self { frame, texts, again }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_escaped_in_pages_and_messages_have_no_name() {
        let library: Url = "https://l.example/?a='b'".parse().unwrap();
        let frame = |result: &DialogResult<'_>| DialogFrame {
            nonce: "n".to_owned(),
            office_library: &library,
            target_origin: "https://pane.example",
            message: result.to_message(),
        };
        let failed = DialogResult::Failed { reason: "\"><script>", reference: "r" };
        let texts = NoticeTexts { title: "t", happened: "h", advice: "a", correlation_id: "r" };
        for page in [
            SignedInPage::new(frame(&DialogResult::SignedIn), "<script>alert(1)</script>").render().unwrap(),
            DialogNoticePage::new(frame(&failed), texts, None).render().unwrap(),
        ] {
            for bad in ["<script>", "='b'", "\"><script>"] {
                assert!(!page.contains(bad), "{bad} in {page}");
            }
        }
        assert_eq!(DialogResult::SignedIn.to_message(), r#"{"type":"bot-sso","status":"signed_in"}"#);
    }
}
