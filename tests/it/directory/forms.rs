//! The forms of a page, as a browser reads them.

/// A form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent to; empty for the page's own address.
    pub action: String,
    /// The fields in their order, with the values that the page gives them.
    pub fields: Vec<Field>,
}

/// A field of a form, or a button with a name.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub value: String,
    /// `hidden`, `text`, `password`, `submit` and so on.
    pub kind: String,
}

/// The forms of the page `html`.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut rest = html;
    while let Some(begin) = rest.find('<') {
        rest = &rest[begin + 1..];
        let (tag, after) = split_tag(rest);
        rest = after;
        let name = tag.split([' ', '\n', '\t', '\r', '/']).next().unwrap_or_default().to_ascii_lowercase();
        let field = |kind: &str| Field {
            name: attribute(tag, "name").unwrap_or_default(),
            value: attribute(tag, "value").unwrap_or_default(),
            kind: attribute(tag, "type").unwrap_or_else(|| kind.to_owned()),
        };
        match (name.as_str(), forms.last_mut()) {
            ("form", _) => {
                forms.push(Form { action: attribute(tag, "action").unwrap_or_default(), fields: Vec::new() });
            }
            ("input", Some(form)) => form.fields.push(field("text")),
            ("button", Some(form)) => form.fields.push(field("submit")),
            _ => {}
        }
    }
    for form in &mut forms {
        form.fields.retain(|field| !field.name.is_empty());
    }
    forms
}

impl Form {
    /// The name of the first field that a person types a name or an address into.
    pub fn login_field(&self) -> &str {
        self.first(|kind| matches!(kind, "text" | "email"))
    }

    /// The name of the field for the password.
    pub fn password_field(&self) -> &str {
        self.first(|kind| kind == "password")
    }

    /// The value that the page gives the field `name`.
    pub fn value(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|field| field.name == name);
        &field.unwrap_or_else(|| panic!("no field {name}: {:?}", self.names())).value
    }

    /// What a browser sends when a person has typed `typed`, and presses the button that `typed` names, if it names one.
    pub fn filled<'f>(&'f self, typed: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
        let is_typed = |name: &str| typed.iter().any(|(other, _)| *other == name);
        let kept = self.fields.iter().filter(|field| field.kind != "submit" && field.kind != "checkbox");
        let kept = kept.filter(|field| !is_typed(&field.name));
        kept.map(|field| (field.name.as_str(), field.value.as_str())).chain(typed.iter().copied()).collect()
    }

    fn first(&self, is_wanted: impl Fn(&str) -> bool) -> &str {
        let field = self.fields.iter().find(|field| is_wanted(&field.kind));
        &field.unwrap_or_else(|| panic!("no such field: {:?}", self.names())).name
    }

    fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name.as_str()).collect()
    }
}

/// The text of a tag up to its `>`, which an attribute in quotes may contain, and what follows.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('>', None) => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag
        .match_indices(name)
        .find(|(at, _)| tag[..*at].ends_with([' ', '\n', '\t', '\r']) && tag[at + name.len()..].starts_with("=\""))?;
    let value = &tag[at.0 + name.len() + 2..];
    value.split('"').next().map(unescaped)
}

fn unescaped(text: &str) -> String {
    let named = [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&#60;", "<")];
    let plain = named.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain));
    plain.replace("&gt;", ">").replace("&#62;", ">").replace("&#38;", "&").replace("&amp;", "&")
}
