use url::Url;

use crate::domain::any_byte;

/// A header that a request carries.
#[derive(Clone, Copy)]
pub struct RequestHeader<'a> {
    /// The name, in any letter case.
    pub name: &'a str,
    /// The value's bytes.
    pub value: &'a [u8],
}

impl<'a> RequestHeader<'a> {
    /// Creates a header whose value is text.
    #[must_use]
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value: value.as_bytes() }
    }
}

/// A field of a form, before form encoding.
#[derive(Clone, Copy)]
pub struct FormField<'a> {
    /// The name, not encoded.
    pub name: &'a str,
    /// The value, not encoded.
    pub value: &'a str,
}

impl<'a> FormField<'a> {
    /// Creates a field.
    #[must_use]
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value }
    }
}

/// Builds the POST request of a form with `headers`.
pub(super) fn build_form(
    client: &reqwest::Client,
    url: &Url,
    headers: &[RequestHeader<'_>],
    form: &[FormField<'_>],
) -> reqwest::RequestBuilder {
    let request = client.post(url.clone()).header("content-type", "application/x-www-form-urlencoded");
    headers.iter().fold(request, |request, header| request.header(header.name, header.value)).body(encode_form(form))
}

/// Encodes a form as `application/x-www-form-urlencoded`. Text without characters to escape, such as an assertion, is
/// copied as a whole; the library's encoder would process it byte by byte.
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
