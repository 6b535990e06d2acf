use askama::Template;

use crate::endpoints::directory::languages::ProviderTexts;
use crate::pages::PageFrame;

/// The page on which a user links the account at a provider, or removes that link. It works without scripts.
#[derive(Template)]
#[template(path = "link_provider.html")]
pub(super) struct LinkPage<'a> {
    pub(super) frame: PageFrame,
    /// The tag for the attribute `lang`.
    pub(super) language: &'static str,
    pub(super) texts: &'static ProviderTexts,
    /// The label of the provider.
    pub(super) provider: &'a str,
    /// The name of the user.
    pub(super) account: &'a str,
    pub(super) is_linked: bool,
    pub(super) link_action: String,
    pub(super) link_token: &'a str,
    pub(super) unlink_action: String,
    pub(super) unlink_token: &'a str,
    pub(super) account_page: String,
}

/// Asks before an account at a provider is linked.
#[derive(Template)]
#[template(path = "link_confirm.html")]
pub(super) struct ConfirmLinkPage<'a> {
    pub(super) frame: PageFrame,
    /// The tag for the attribute `lang`.
    pub(super) language: &'static str,
    pub(super) texts: &'static ProviderTexts,
    /// The label of the provider.
    pub(super) provider: &'a str,
    /// The name of the user.
    pub(super) account: &'a str,
    /// The name of the account at the provider.
    pub(super) other_account: &'a str,
    pub(super) action: String,
    pub(super) form_token: &'a str,
    /// The handle of the sign-in at the provider.
    pub(super) handle: &'a str,
    pub(super) account_page: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::endpoints::directory::languages::Language;

    #[test]
    fn names_of_users_and_of_providers_are_escaped() {
        for language in [Language::English, Language::Japanese, Language::German] {
            let texts = &language.texts().providers;
            let frame = || PageFrame { nonce: "n".to_owned() };
            let page = ConfirmLinkPage {
                frame: frame(),
                language: language.texts().tag,
                texts,
                provider: "<b>p</b>",
                account: "<b>a</b>",
                other_account: "<script>alert(1)</script>",
                action: "/x?\"><script>".to_owned(),
                form_token: "\"><i>",
                handle: "\"><i>",
                account_page: "/y?\"><script>".to_owned(),
            };
            let link = LinkPage {
                frame: frame(),
                language: language.texts().tag,
                texts,
                provider: "<b>p</b>",
                account: "<b>a</b>",
                is_linked: language == Language::German,
                link_action: "/x?\"><script>".to_owned(),
                link_token: "\"><i>",
                unlink_action: "/x?\"><script>".to_owned(),
                unlink_token: "\"><i>",
                account_page: "/y?\"><script>".to_owned(),
            };
            for page in [page.render().unwrap(), link.render().unwrap()] {
                for bad in ["<b>", "\"><script>", "\"><i>", "<script>alert"] {
                    assert!(!page.contains(bad), "{bad} in {page}");
                }
            }
        }
    }
}
