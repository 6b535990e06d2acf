use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

/// A number: JSON bodies have it as a number or as text, form bodies as text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum NumberOrText {
    Number(u64),
    Text(String),
}

impl NumberOrText {
    fn into_number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The number as a `T`; `None` if it is absent, not a number or too large.
    pub(super) fn parse<T: TryFrom<u64>>(value: Option<Self>) -> Option<T> {
        value.and_then(Self::into_number).and_then(|number| T::try_from(number).ok())
    }
}

/// Parses a body that is JSON or a form; `None` if it does not fit `T`.
pub(super) fn parse_body<T: serde::de::DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Option<T> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if media_type.starts_with("application/json") {
        return serde_json::from_slice(body).ok();
    }
    let members =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    serde_json::from_value(Value::Object(members.collect())).ok()
}

/// The 400 answer to a command, with a message that says what is wrong with it.
pub(super) fn bad_argument(problem: &'static str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": {"code": "BadArgument", "message": problem}}))
}
