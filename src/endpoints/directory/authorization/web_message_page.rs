use askama::Template;

use crate::endpoints::directory::languages::PageTexts;
use crate::pages::PageFrame;

/// Tells the answer to the application's window.
#[derive(Template)]
#[template(path = "web_message.html")]
pub(super) struct WebMessagePage<'a> {
    frame: PageFrame,
    texts: &'static PageTexts,
    /// The application's origin.
    origin: &'a str,
    /// The message, as JSON.
    message: String,
}

impl<'a> WebMessagePage<'a> {
    pub(super) const fn new(frame: PageFrame, texts: &'static PageTexts, origin: &'a str, message: String) -> Self {
        Self { frame, texts, origin, message }
    }
}
