use askama::Template;

use super::own_page_links::OwnPageLinks;
use super::provider_links::ProviderLink;
use crate::endpoints::directory::languages::PageTexts;
use crate::pages::PageFrame;

/// The page on which a user types name and password. It works without scripts.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
    pub(super) frame: PageFrame,
    pub(super) texts: &'static PageTexts,
    /// The application's name.
    pub(super) application: &'a str,
    /// Where the form goes.
    pub(super) action: String,
    pub(super) form_token: &'a str,
    pub(super) name_label: &'static str,
    /// Whether users sign in by an e-mail address.
    pub(super) is_email: bool,
    /// The name in the field.
    pub(super) name: &'a str,
    pub(super) error: Option<&'static str>,
    /// Whether the error is about what the user has typed.
    pub(super) is_invalid: bool,
    pub(super) own_pages: OwnPageLinks,
    pub(super) providers: Vec<ProviderLink>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::endpoints::directory::languages::Language;

    #[test]
    fn what_users_and_applications_write_is_escaped() {
        for language in [Language::English, Language::Japanese, Language::German] {
            let page = LoginPage {
                frame: PageFrame { nonce: "n".to_owned() },
                texts: language.texts(),
                application: "<b>app</b>",
                action: "/login?state=\"><script>".to_owned(),
                form_token: "\"><i>",
                name_label: "E-mail address",
                is_email: true,
                name: "\" onfocus=\"alert(1)",
                error: Some("wrong"),
                is_invalid: true,
                own_pages: OwnPageLinks { sign_up: Some("/up?\"><script>".to_owned()), ..OwnPageLinks::default() },
                providers: vec![ProviderLink { address: "/p?\"><script>".to_owned(), label: "<b>x".to_owned() }],
            };
            let page = page.render().unwrap();
            for bad in ["<b>", "\"><script>", "\"><i>", "\" onfocus"] {
                assert!(!page.contains(bad), "{bad} in {page}");
            }
            assert!(page.contains(&format!("<html lang=\"{}\">", language.texts().tag)), "{page}");
        }
    }
}
