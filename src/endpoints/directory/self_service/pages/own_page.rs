use askama::Template;

use super::fields::Field;
use crate::pages::PageFrame;

/// A page of a user's own, with a form perhaps. It works without scripts.
#[derive(Template)]
#[template(path = "own_page.html")]
pub(super) struct OwnPage<'a> {
    pub(super) frame: PageFrame,
    /// The tag for the attribute `lang`.
    pub(super) tag: &'static str,
    pub(super) content: &'a PageContent,
    /// What is wrong with what the user has typed.
    pub(super) fault: Option<&'a str>,
    pub(super) form: Option<PageForm<'a>>,
}

/// What a page says.
pub(super) struct PageContent {
    pub(super) title: &'static str,
    /// Its paragraphs.
    pub(super) lines: Vec<String>,
    /// Where else the user can go.
    pub(super) links: Vec<PageLink>,
}

/// A link of a page.
pub(super) struct PageLink {
    pub(super) id: &'static str,
    pub(super) address: String,
    pub(super) text: String,
}

/// A form of a page.
pub(super) struct PageForm<'a> {
    /// Where it goes.
    pub(super) action: &'a str,
    pub(super) token: &'a str,
    pub(super) fields: &'a [Field],
    /// The text of its button.
    pub(super) submit: &'static str,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::fields::FieldKind;
    use super::*;

    #[test]
    fn what_users_and_applications_write_is_escaped() {
        let fields =
            [Field { value: "\" onfocus=\"alert(1)".to_owned(), ..Field::new("email", FieldKind::Email, "E-mail") }];
        let link = PageLink { id: "app", address: "/x?\"><script>".to_owned(), text: "<b>app</b>".to_owned() };
        let content = PageContent { title: "Title", lines: vec!["<b>name</b>".to_owned()], links: vec![link] };
        let form = PageForm { action: "/y?\"><script>", token: "\"><script>", fields: &fields, submit: "Save" };
        let frame = PageFrame { nonce: "n".to_owned() };
        let page = OwnPage { frame, tag: "ja", content: &content, fault: Some("<i>wrong</i>"), form: Some(form) };
        let page = page.render().unwrap();
        for bad in ["<script>", "<b>", "<i>", "\" onfocus"] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert!(page.contains("<html lang=\"ja\">"), "{page}");
    }
}
