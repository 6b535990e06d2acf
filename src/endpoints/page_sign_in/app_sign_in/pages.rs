use askama::Template;
use serde::Serialize;

use crate::domain::Secret;
use crate::pages::PageFrame;

/// The page of a window that an app's front end has opened: it tells the opener, and closes.
#[derive(Template)]
#[template(path = "app_popup.html")]
pub(super) struct PopupPage<'a> {
    frame: PageFrame,
    account: &'a str,
    /// The origin of the front end.
    origin: &'a str,
    /// The message, as JSON.
    message: String,
}

/// The message to the front end.
#[derive(Serialize)]
struct PopupMessage<'a> {
    r#type: &'static str,
    access_token: &'a str,
    is_new_user: bool,
}

impl<'a> PopupPage<'a> {
    pub(super) fn new(frame: PageFrame, account: &'a str, origin: &'a str, token: &Secret, is_new_user: bool) -> Self {
        let message = PopupMessage { r#type: "bot-sso", access_token: token.expose(), is_new_user };
        // Texts and a truth value always make JSON.
        Self { frame, account, origin, message: serde_json::to_string(&message).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_escaped_in_the_page_of_a_popup() {
        let frame = PageFrame { nonce: "n".to_owned() };
        let page = PopupPage::new(frame, "<script>alert(1)</script>", "https://a.example", &Secret::from("t"), true);
        let page = page.render().unwrap();
        assert!(!page.contains("<script>alert") && page.contains("https://a.example"), "{page}");
    }
}
