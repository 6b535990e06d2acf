use std::borrow::Cow;
use std::fmt;

use actix_multipart::{Field, Multipart};
use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Payload;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::form::Form;
use super::form_type::{announces, announces_form};
use crate::inbound::body::{BodyLimits, read_body};
use crate::inbound::problem::Problem;

/// Why a body gives no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterBodyError {
    /// The body is too large or too slow, or the connection breaks.
    NotRead(Problem),
    /// The content type is none of the three.
    UnknownType,
    /// The body is not what its content type says, has too many parameters, a file, or a parameter that is no text.
    Malformed,
}

/// Reads the parameters of a request to an OAuth endpoint: of a form, of `multipart/form-data` with fields only, or of a JSON
/// object of texts. App ID's SDKs send all three (docs/protocols/app-id.md §Token endpoint).
///
/// # Errors
/// [`ParameterBodyError`].
pub async fn read_parameters(
    http: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<Form<'static>, ParameterBodyError> {
    let headers = http.headers();
    let is_multipart = announces(headers, "multipart/form-data");
    let is_json = announces(headers, "application/json");
    if !is_multipart && !is_json && !announces_form(headers) {
        return Err(ParameterBodyError::UnknownType);
    }
    // The whole body is bounded before any part of it is looked at.
    let body = read_body(http, payload, limits).await.map_err(ParameterBodyError::NotRead)?;
    let form = if is_multipart {
        read_multipart(headers, body).await
    } else if is_json {
        serde_json::from_slice(&body).ok().map(|JsonParameters(form)| form)
    } else {
        Form::parse(&body).ok().map(Form::into_owned)
    };
    form.ok_or(ParameterBodyError::Malformed)
}

async fn read_multipart(headers: &HeaderMap, body: Bytes) -> Option<Form<'static>> {
    let mut fields = Multipart::new(headers, stream::iter([Ok(body)]));
    let mut form = Form::default();
    while let Some(field) = fields.next().await {
        let mut field = field.ok()?;
        let name = read_name(&field)?;
        let mut value = Vec::new();
        while let Some(chunk) = field.next().await {
            value.extend_from_slice(&chunk.ok()?);
        }
        form.add(Cow::Owned(name), Cow::Owned(String::from_utf8(value).ok()?)).ok()?;
    }
    Some(form)
}

/// The name of a field that is text; `None` for a file.
fn read_name(field: &Field) -> Option<String> {
    let disposition = field.content_disposition()?;
    let is_file = disposition.get_filename().is_some() || disposition.get_filename_ext().is_some();
    let is_text = field.content_type().is_none_or(|kind| kind.essence_str().eq_ignore_ascii_case("text/plain"));
    field.name().filter(|_| !is_file && is_text).map(str::to_owned)
}

/// The members of a JSON object, whose values are texts; `null` is the absence of a value. A repeated member is a repeated
/// parameter.
struct JsonParameters(Form<'static>);

impl<'de> Deserialize<'de> for JsonParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JsonParameterVisitor)
    }
}

struct JsonParameterVisitor;

impl<'de> Visitor<'de> for JsonParameterVisitor {
    type Value = JsonParameters;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<JsonParameters, A::Error> {
        let mut form = Form::default();
        while let Some((name, value)) = members.next_entry::<String, Option<String>>()? {
            form.add(Cow::Owned(name), Cow::Owned(value.unwrap_or_default())).map_err(A::Error::custom)?;
        }
        Ok(JsonParameters(form))
    }
}
