use super::texts::SelfServiceTexts;
use crate::domain::{PasswordPolicy, Secret};
use crate::inbound::Form;

/// The longest entry that is read, in bytes. What is longer is no name and no password.
const MAX_BYTES: usize = 1024;

/// A field of a form.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: FieldKind,
    pub(super) label: &'static str,
    /// What the user has typed, or what is known. Passwords are never shown again.
    pub(super) value: String,
    /// What the browser may fill in: a word of HTML's autofill.
    pub(super) autocomplete: &'static str,
    pub(super) is_required: bool,
    /// The text below the field.
    pub(super) hint: Option<String>,
}

/// What is typed into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// A name for people.
    Prose,
    /// A name by which the user signs in.
    Name,
    /// An e-mail address.
    Email,
    /// A password.
    Password,
}

impl Field {
    /// A field that must be filled in.
    pub(super) const fn new(name: &'static str, kind: FieldKind, label: &'static str) -> Self {
        let autocomplete = match kind {
            FieldKind::Prose => "name",
            FieldKind::Name => "username",
            FieldKind::Email => "email",
            FieldKind::Password => "new-password",
        };
        Self { name, kind, label, value: String::new(), autocomplete, is_required: true, hint: None }
    }

    /// The field with `value` in it, unless it is for a password.
    pub(super) fn filled(self, value: &str) -> Self {
        if self.kind == FieldKind::Password { self } else { Self { value: value.to_owned(), ..self } }
    }

    /// The same field, which may stay empty.
    pub(super) fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// The ids of what describes the field.
    pub(super) fn describe(&self, has_fault: bool) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let ids: Vec<_> = has_fault.then(|| "error".to_owned()).into_iter().chain(hint).collect();
        Some(ids.join(" ")).filter(|ids| !ids.is_empty())
    }

    /// Whether it is the first of `fields` that the user has to fill in.
    pub(super) fn is_first_to_fill(&self, fields: &[Self]) -> bool {
        let first = fields.iter().find(|field| field.is_required && field.value.is_empty());
        first.is_some_and(|first| first.name == self.name)
    }
}

/// A field for a new password, with the directory's rule below it.
pub(super) fn new_password_field(
    name: &'static str,
    label: &'static str,
    policy: &PasswordPolicy,
    texts: &SelfServiceTexts,
) -> Field {
    let hint = match &policy.pattern {
        None => Some(texts.password.rule.to_owned()),
        Some(pattern) => pattern.message.clone(),
    };
    Field { hint, ..Field::new(name, FieldKind::Password, label) }
}

impl FieldKind {
    pub(super) const fn input_type(self) -> &'static str {
        match self {
            // Browsers check a field of the type `email` by a rule of their own, and say so in their own language.
            Self::Prose | Self::Name | Self::Email => "text",
            Self::Password => "password",
        }
    }

    /// Which keyboard a telephone shows.
    pub(super) const fn input_mode(self) -> &'static str {
        if matches!(self, Self::Email) { "email" } else { "text" }
    }

    pub(super) const fn is_prose(self) -> bool {
        matches!(self, Self::Prose)
    }
}

/// What a user has typed into a form.
#[derive(Default)]
pub(super) struct Entries<'b> {
    form: Option<Form<'b>>,
}

impl<'b> Entries<'b> {
    /// Reads a form. One that cannot be read has nothing.
    pub(super) fn read(body: &'b [u8]) -> Self {
        Self { form: Form::parse(body).ok() }
    }

    /// The text of a field without spaces at its ends, which keyboards of telephones add to what they complete. A field that
    /// stands there twice, or with a text that is too long, is empty.
    pub(super) fn text(&self, name: &str) -> &str {
        self.find(name).trim()
    }

    /// The password in a field; `None` if the field is empty.
    pub(super) fn password(&self, name: &str) -> Option<Secret> {
        Some(self.find(name)).filter(|text| !text.is_empty()).map(Secret::from)
    }

    fn find(&self, name: &str) -> &str {
        let form = self.form.as_ref().filter(|form| !form.is_repeated(name));
        form.and_then(|form| form.find(name)).filter(|text| text.len() <= MAX_BYTES).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_field_that_is_there_twice_or_is_too_long_is_empty() {
        let long = format!("name=+Ada+&old=+a+&email=a&email=b&new={}", "x".repeat(MAX_BYTES + 1));
        let entries = Entries::read(long.as_bytes());
        assert_eq!(entries.text("name"), "Ada");
        assert_eq!(entries.password("old").unwrap().expose(), " a ", "a password keeps its spaces");
        assert_eq!(entries.text("email"), "");
        assert!(entries.password("new").is_none());
        assert_eq!(Entries::read(b"name=%ff").text("name"), "");
    }

    #[test]
    fn the_first_empty_field_that_is_required_gets_the_focus_and_no_password_is_shown_again() {
        let fields = [
            Field::new("email", FieldKind::Email, "E-mail").filled("ada@x"),
            Field::new("name", FieldKind::Prose, "Name").optional(),
            Field::new("new", FieldKind::Password, "Password").filled("secret"),
        ];
        let focused: Vec<_> =
            fields.iter().filter(|field| field.is_first_to_fill(&fields)).map(|field| field.name).collect();
        assert_eq!(focused, ["new"]);
        assert!(fields.iter().all(|field| field.value != "secret"));
    }
}
