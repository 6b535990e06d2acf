//! What messages say, one catalogue a language.

mod english;
mod german;
mod japanese;

use super::template::MailTemplate;
use crate::endpoints::directory::languages::Language;

/// The texts of all messages in one language. A language without one of them does not compile. Texts have the places `{hello}`,
/// `{directory}` and `{link}`; the greeting has `{name}`.
pub(super) struct MailTexts {
    /// Greets a reader whose name is shown.
    hello_named: &'static str,
    /// Greets any other reader.
    hello: &'static str,
    user_verification: MailText,
    welcome: MailText,
    password_changed: MailText,
    reset_password: MailText,
    address_taken: MailText,
}

/// The texts of a message.
pub(super) struct MailText {
    pub(super) subject: &'static str,
    body: &'static str,
}

/// What is written into the places of a text.
pub(super) struct MailValues<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) directory: &'a str,
    pub(super) link: &'a str,
}

impl MailTexts {
    pub(super) const fn find(language: Language) -> &'static Self {
        match language {
            Language::English => &english::TEXTS,
            Language::Japanese => &japanese::TEXTS,
            Language::German => &german::TEXTS,
        }
    }

    pub(super) const fn find_text(&self, template: MailTemplate) -> &MailText {
        match template {
            MailTemplate::UserVerification => &self.user_verification,
            MailTemplate::Welcome => &self.welcome,
            MailTemplate::PasswordChanged => &self.password_changed,
            MailTemplate::ResetPassword => &self.reset_password,
            MailTemplate::AddressTaken => &self.address_taken,
        }
    }

    /// The body of `text` with `values` in its places. What is in a value stays as it is, even if it looks like a place.
    pub(super) fn fill(&self, text: &MailText, values: &MailValues<'_>) -> String {
        let hello = match values.name {
            Some(name) => fill_places(self.hello_named, |place| (place == "name").then_some(name)),
            None => self.hello.to_owned(),
        };
        fill_places(text.body, |place| match place {
            "hello" => Some(hello.as_str()),
            "directory" => Some(values.directory),
            "link" => Some(values.link),
            _ => None,
        })
    }
}

/// `text` with the value of each place `{…}` that `find` knows, in one pass.
fn fill_places<'v>(text: &str, find: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut parts = text.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}').and_then(|(place, rest)| Some((find(place)?, rest))) {
            Some((value, rest)) => filled.extend([value, rest]),
            None => filled.extend(["{", part]),
        }
    }
    filled
}
