use askama::Template;

use super::rows::{ApplicationRow, HolderRow, ProviderRow, SessionRow};
use super::texts::AccountTexts;
use crate::pages::PageFrame;

/// Where the user is signed in.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage<'a> {
    pub(super) frame: PageFrame,
    /// The tag for the attribute `lang`.
    pub(super) language: &'static str,
    pub(super) texts: &'static AccountTexts,
    /// The name of the user.
    pub(super) name: &'a str,
    /// Where the form goes.
    pub(super) action: &'a str,
    pub(super) form_token: &'a str,
    /// What was done, or why nothing was; empty for nothing.
    pub(super) message: &'static str,
    /// The page that ends everything.
    pub(super) sign_out: &'a str,
    /// The paths of the user's own changes: what each does, and where it is done.
    pub(super) changes: Vec<ChangeLink>,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) applications: Vec<ApplicationRow>,
    pub(super) holders: Vec<HolderRow>,
    pub(super) providers: Vec<ProviderRow>,
    /// The address below which the pages of the providers are.
    pub(super) provider_pages: &'a str,
}

/// A link to another page of the user.
pub(super) struct ChangeLink {
    pub(super) text: &'static str,
    pub(super) address: String,
}

/// Asks whether everything is to end.
#[derive(Template)]
#[template(path = "account_sign_out.html")]
pub(super) struct SignOutPage<'a> {
    pub(super) frame: PageFrame,
    /// The tag for the attribute `lang`.
    pub(super) language: &'static str,
    pub(super) texts: &'static AccountTexts,
    /// The name of the user.
    pub(super) name: &'a str,
    /// Where the form goes.
    pub(super) action: &'a str,
    pub(super) form_token: &'a str,
    /// The page where the user is signed in.
    pub(super) back: &'a str,
    /// Whether the form has come and was not this browser's.
    pub(super) is_repeated: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{Timestamp, UserKey};
    use crate::endpoints::directory::account::overview::GrantedApplication;
    use crate::endpoints::directory::languages::Language;

    #[test]
    fn what_others_write_is_escaped_in_every_language() {
        let at = Timestamp::from_unix_seconds(0);
        let bad = "\"><script>alert(1)</script>";
        for language in [Language::English, Language::Japanese, Language::German] {
            let granted =
                GrantedApplication { client_id: bad.to_owned(), name: bad.to_owned(), begun_at: at, last_used_at: at };
            let linked = Some(UserKey::from_parts("https://issuer.example", bad).to_string());
            let page = AccountPage {
                frame: PageFrame { nonce: "n".to_owned() },
                language: language.texts().tag,
                texts: AccountTexts::of(language),
                name: bad,
                action: "/account",
                form_token: bad,
                message: "",
                sign_out: "/account/sign-out",
                changes: Vec::new(),
                sessions: Vec::new(),
                applications: vec![ApplicationRow::of(&granted)],
                holders: Vec::new(),
                providers: vec![ProviderRow { name: "x".to_owned(), label: bad.to_owned(), linked }],
                provider_pages: "/providers",
            };
            let page = page.render().unwrap();
            assert!(!page.contains("<script>"), "{page}");
            assert!(page.contains(&format!("<html lang=\"{}\">", language.texts().tag)), "{page}");
            let question = SignOutPage {
                frame: PageFrame { nonce: "n".to_owned() },
                language: language.texts().tag,
                texts: AccountTexts::of(language),
                name: bad,
                action: "/account/sign-out",
                form_token: bad,
                back: "/account",
                is_repeated: true,
            };
            assert!(!question.render().unwrap().contains("<script>"));
        }
    }
}
