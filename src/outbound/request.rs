use crate::domain::any_byte;

/// A header that a request carries.
#[derive(Clone, Copy)]
pub struct RequestHeader<'a> {
    /// Its name, in any letter case.
    pub name: &'a str,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> RequestHeader<'a> {
    /// A header of text.
    #[must_use]
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value: value.as_bytes() }
    }
}

/// A field of a form, not encoded yet.
#[derive(Clone, Copy)]
pub struct FormField<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
}

impl<'a> FormField<'a> {
    /// A field.
    #[must_use]
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value }
    }
}

/// `application/x-www-form-urlencoded`. Assertions, which have nothing to escape, are copied as they stand; the library
/// looks at one byte after the other.
pub(super) fn encode_form(fields: &[FormField<'_>]) -> String {
    let mut form = String::with_capacity(fields.iter().map(|field| field.name.len() + field.value.len() + 16).sum());
    for field in fields {
        if !form.is_empty() {
            form.push('&');
        }
        append_encoded(&mut form, field.name);
        form.push('=');
        append_encoded(&mut form, field.value);
    }
    form
}

fn append_encoded(form: &mut String, text: &str) {
    let is_escaped = |byte: u8| {
        let letter = u8::from((byte | 0x20).wrapping_sub(b'a') < 26);
        let digit = u8::from(byte.wrapping_sub(b'0') < 10);
        let mark = u8::from(byte == b'-') | u8::from(byte == b'.') | u8::from(byte == b'_');
        1 ^ (letter | digit | mark)
    };
    if any_byte(text.as_bytes(), is_escaped) {
        form.extend(url::form_urlencoded::byte_serialize(text.as_bytes()));
    } else {
        form.push_str(text);
    }
}
