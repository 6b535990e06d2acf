use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;

use super::refusal::EntraRefusal;

/// A body of type `application/x-www-form-urlencoded`. Each name occurs at most once.
#[derive(Debug)]
pub(in crate::dev) struct Form(BTreeMap<String, String>);

impl Form {
    /// Parses the body of a token request.
    pub(in crate::dev) fn parse(request: &HttpRequest, body: &[u8]) -> Result<Self, EntraRefusal> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if !media_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(EntraRefusal::missing_parameter("grant_type"));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if fields.insert(name.to_string(), value.into_owned()).is_some() {
                let text = format!("The request is not properly formatted. The parameter '{name}' is duplicated.");
                return Err(EntraRefusal::bad_request("invalid_request", 9_000_411, text));
            }
        }
        Ok(Self(fields))
    }

    /// The value of `name`. An empty value counts as absent.
    pub(in crate::dev) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether `name` is there without a value.
    pub(in crate::dev) fn is_empty(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(String::is_empty)
    }

    /// The value of `name`, or a refusal that names the missing parameter.
    pub(in crate::dev) fn get(&self, name: &str) -> Result<&str, EntraRefusal> {
        self.find(name).ok_or_else(|| EntraRefusal::missing_parameter(name))
    }
}
