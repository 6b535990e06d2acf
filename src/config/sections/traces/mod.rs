//! The section `[traces]`.
//!
//! Owns the keys of the section and their checks. It deliberately does not know how a span is made or sent.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::config::review::{Place, PlainHttp, Proposal, Review, SecretReference};
use crate::domain::Secret;

/// The path of traces at a collector (OTLP §OTLP/HTTP Request).
const TRACES_PATH: &str = "/v1/traces";
/// The share of requests that are traced, unless the configuration states another one.
const DEFAULT_SAMPLE: f64 = 0.1;
/// Longest name and value of an attribute, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 256;
/// Headers that bot-sso or its HTTP client writes.
const OWN_HEADERS: [&str; 5] = ["content-type", "content-length", "host", "connection", "transfer-encoding"];

/// Where traces go.
#[derive(Clone, Debug)]
pub struct TracesSection {
    /// The URL to which spans are posted, as it is.
    pub endpoint: Url,
    /// The share of requests that are traced, from 0 to 1.
    pub sample: f64,
    /// Headers of the requests to the collector: names in lower case, and values.
    pub headers: BTreeMap<String, Secret>,
    /// The name of the service.
    pub service_name: String,
    /// Further attributes of the resource.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawTraces {
    endpoint: Option<String>,
    allow_insecure_http: Option<bool>,
    sample: Option<f64>,
    headers: BTreeMap<String, SecretReference>,
    service_name: Option<String>,
    attributes: BTreeMap<String, String>,
}

impl RawTraces {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<TracesSection> {
        let place = Place::section("traces");
        if !cfg!(feature = "traces") {
            let message =
                "this binary is built without traces: build it with the cargo feature traces, or leave the section out";
            review.report(&place, message.to_owned());
            return None;
        }
        let plain = if self.allow_insecure_http == Some(true) { PlainHttp::Allowed } else { PlainHttp::Loopback };
        let endpoint = validate_endpoint(self.endpoint, plain, review, &place.key("endpoint"));
        let sample = self.sample.unwrap_or(DEFAULT_SAMPLE);
        if !(0.0..=1.0).contains(&sample) {
            let message = format!("{sample} is no share of the requests: write a number from 0.0 to 1.0");
            review.report(&place.key("sample"), message);
        }
        let headers = validate_headers(self.headers, review, &place.key("headers"));
        let service_name = self.service_name.unwrap_or_else(|| "bot-sso".to_owned());
        check_attribute("service.name", &service_name, review, &place.key("service_name"));
        for (name, value) in &self.attributes {
            check_attribute(name, value, review, &place.key("attributes").key(name));
        }
        Some(TracesSection { endpoint: endpoint?, sample, headers, service_name, attributes: self.attributes })
    }
}

/// The endpoint is used as it is, as OTLP wants of an endpoint for one signal. An address without a path is refused, since it
/// is that of the collector, which takes traces at a path.
fn validate_endpoint(text: Option<String>, plain: PlainHttp, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    let write = "the URL at which the collector takes traces over HTTP, as \"https://otel.example.com:4318/v1/traces\"";
    let text = review.required(text, place, write)?;
    let url = review.unrecorded_address(&text, plain, place)?;
    if url.query().is_some() {
        review.report(
            place,
            "has a query, which is shown and logged: write what it proves as a header, in headers".to_owned(),
        );
        return None;
    }
    if url.path() == "/" {
        let proposal = Proposal::text(place, format!("{}{TRACES_PATH}", text.trim_end_matches('/')));
        review.propose(place, format!("{text:?} has no path"), proposal);
        return None;
    }
    Some(url)
}

fn validate_headers(
    references: BTreeMap<String, SecretReference>,
    review: &mut Review<'_>,
    place: &Place,
) -> BTreeMap<String, Secret> {
    let mut headers = BTreeMap::new();
    for (name, reference) in references {
        let at = place.key(&name);
        let lower = name.to_ascii_lowercase();
        let is_name = |text: &str| http::HeaderName::from_bytes(text.as_bytes()).is_ok();
        if !is_name(&lower) || OWN_HEADERS.contains(&lower.as_str()) {
            review.report(&at, "is no header that can be set: write another name".to_owned());
            continue;
        }
        let Some(value) = review.secret(&reference, &at) else { continue };
        if http::HeaderValue::from_str(value.expose()).is_err() {
            review.report(&at, "leads to a text that no header can have: set a value of one line".to_owned());
            continue;
        }
        headers.insert(lower, value);
    }
    headers
}

fn check_attribute(name: &str, value: &str, review: &mut Review<'_>, place: &Place) {
    let is_fit = |text: &str| {
        !text.trim().is_empty() && text.len() <= MAX_ATTRIBUTE_BYTES && !text.chars().any(char::is_control)
    };
    if !is_fit(name) || !is_fit(value) {
        let message =
            format!("name or value does not fit: write a text of 1 to {MAX_ATTRIBUTE_BYTES} bytes on one line");
        review.report(place, message);
    }
}
