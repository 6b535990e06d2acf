use askama::Template;

use super::texts::LogoutTexts;
use crate::pages::PageFrame;

/// Asks which sessions are to end.
#[derive(Template)]
#[template(path = "logout.html")]
pub(super) struct LogoutPage<'a> {
    pub(super) frame: PageFrame,
    /// The tag for the attribute `lang`.
    pub(super) language: &'static str,
    pub(super) texts: &'static LogoutTexts,
    /// The name of the user.
    pub(super) name: &'a str,
    /// Where the form goes.
    pub(super) action: String,
    pub(super) form_token: &'a str,
    /// Whether the form has come and was not this browser's.
    pub(super) is_repeated: bool,
    /// Whether the user may end everything.
    pub(super) is_everything: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::endpoints::directory::languages::Language;

    #[test]
    fn names_and_addresses_are_escaped() {
        let page = LogoutPage {
            frame: PageFrame { nonce: "n".to_owned() },
            language: "en",
            texts: LogoutTexts::of(Language::English),
            name: "<script>alert(1)</script>",
            action: "/x?\"><script>".to_owned(),
            form_token: "\"><script>",
            is_repeated: true,
            is_everything: true,
        };
        assert!(!page.render().unwrap().contains("<script>"));
    }
}
