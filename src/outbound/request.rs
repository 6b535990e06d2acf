use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::Request;
use url::Url;

use super::OutboundError;
use super::client::{RequestBody, build_request};
use crate::domain::any_byte;

/// The content type of [`FormHeaders`].
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

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

/// The headers that many posted forms have in common: the content type, and what is added. They are checked once; a request
/// takes a copy that shares their texts.
#[derive(Clone)]
pub struct FormHeaders(HeaderMap);

impl Default for FormHeaders {
    fn default() -> Self {
        Self(HeaderMap::from_iter([(CONTENT_TYPE, FORM)]))
    }
}

impl FormHeaders {
    /// The same headers and a further one. Both texts are constants of the program: a name in lower case and a valid value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.0.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
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

/// A form to post.
#[derive(Clone, Copy)]
pub struct FormPost<'a> {
    /// The URL that the form is posted to.
    pub url: &'a Url,
    /// The headers that the form has in common with others.
    pub shared: &'a FormHeaders,
    /// The other headers.
    pub headers: &'a [RequestHeader<'a>],
    /// The fields, in the order in which they are sent.
    pub fields: &'a [FormField<'a>],
}

impl FormPost<'_> {
    pub(super) fn build(&self) -> Result<Request, OutboundError> {
        let mut headers = self.shared.0.clone();
        append_headers(&mut headers, self.headers)?;
        let mut request =
            build_request(Method::POST, self.url.clone(), RequestBody::Whole(encode_form(self.fields).into()));
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// Builds a GET request with `headers`, or with a body a POST request.
pub(super) fn build(url: &Url, headers: &[RequestHeader<'_>], body: Option<Bytes>) -> Result<Request, OutboundError> {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = build_request(method, url.clone(), RequestBody::Whole(body.unwrap_or_default()));
    append_headers(request.headers_mut(), headers)?;
    Ok(request)
}

fn append_headers(map: &mut HeaderMap, headers: &[RequestHeader<'_>]) -> Result<(), OutboundError> {
    map.reserve(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| OutboundError::Broken)?;
        map.append(name, HeaderValue::from_bytes(header.value).map_err(|_| OutboundError::Broken)?);
    }
    Ok(())
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
