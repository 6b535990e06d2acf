//! Reading what a token endpoint answers, whatever it is (entra-obo §8). Nothing here fails: an answer is a token, a
//! refusal, or nonsense.

mod style;

use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

pub(super) use style::{SecretMethod, TokenEndpointStyle};

use crate::domain::{Secret, Timestamp, any_byte};
use crate::outbound::HttpAnswer;

/// The policy's cap of a token's life, whatever `expires_in` says: that of Entra's continuous-access tokens, the longest
/// there are (entra-obo §4).
const LONGEST_LIFE: Duration = Duration::from_hours(28);
/// Where `expires_in` is absent or makes no sense: the shortest life that an Entra token-lifetime policy can give, so
/// that we never hand out a token believing it alive when it is not.
const ASSUMED_LIFE: Duration = Duration::from_mins(10);
const LONGEST_ACCESS_TOKEN: usize = 16 * 1024;
const LONGEST_REFRESH_TOKEN: usize = 16 * 1024;
/// What `token_validation` takes at most.
const LONGEST_ID_TOKEN: usize = 16 * 1024;
const LONGEST_CLAIMS: usize = 8 * 1024;
/// How much of a body that is not JSON is searched for a number.
const SEARCHED_TEXT: usize = 64 * 1024;
const MOST_CODES: usize = 8;

/// What an answer is.
#[derive(Debug)]
pub(super) enum TokenAnswer {
    Token(GrantedToken),
    Refusal(Box<EndpointRefusal>),
    /// A success that holds nothing usable; says what is wrong.
    Nonsense(&'static str),
}

#[derive(Debug)]
pub(super) struct GrantedToken {
    pub(super) access_token: Secret,
    pub(super) lifetime: Duration,
    pub(super) scope: Option<String>,
    pub(super) refresh_token: Option<Secret>,
    /// Less than `lifetime`.
    pub(super) refresh_in: Option<Duration>,
    pub(super) id_token: Option<Secret>,
}

/// A refusal, reduced to what classification and the operator's log need. No free text survives.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointRefusal {
    pub(super) status: u16,
    pub(super) error: Option<String>,
    pub(super) suberror: Option<String>,
    /// A claims challenge, verbatim.
    pub(super) claims: Option<String>,
    /// AADSTS numbers, outermost first.
    pub(super) codes: Vec<u32>,
    pub(super) trace_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    /// `WWW-Authenticate: PKeyAuth`: the endpoint wants a device certificate.
    pub(super) device_challenge: bool,
}

/// Reads an answer that came at `now`.
pub(super) fn read(answer: &HttpAnswer, now: Timestamp) -> TokenAnswer {
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    let object = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    };
    if (200..300).contains(&answer.status) {
        return granted(object.as_ref(), now);
    }
    TokenAnswer::Refusal(Box::new(refused(answer, object.as_ref(), body, now)))
}

fn granted(object: Option<&Map<String, Value>>, now: Timestamp) -> TokenAnswer {
    let Some(object) = object else {
        return TokenAnswer::Nonsense("success without a JSON object: is the token endpoint's address right?");
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    // It becomes a header value at the bot: nothing but visible ASCII may be in it (RFC 6750 §2.1).
    let is_refused = |byte: u8| u8::from(!byte.is_ascii_graphic());
    let usable = |token: &&str| token.len() <= LONGEST_ACCESS_TOKEN && !any_byte(token.as_bytes(), is_refused);
    let Some(access_token) = text("access_token").filter(usable) else {
        return TokenAnswer::Nonsense("success without a usable access_token");
    };
    // `pop` and `mtls_pop` tokens are bound to a key that the bot does not have.
    if object.get("token_type").is_some_and(|kind| !kind.as_str().unwrap_or("").eq_ignore_ascii_case("bearer")) {
        return TokenAnswer::Nonsense("success with a token_type other than Bearer");
    }
    let lifetime = lifetime(object, now);
    TokenAnswer::Token(GrantedToken {
        access_token: Secret::from(access_token),
        lifetime,
        scope: text("scope").map(str::to_owned),
        refresh_token: text("refresh_token").filter(|token| token.len() <= LONGEST_REFRESH_TOKEN).map(Secret::from),
        refresh_in: object.get("refresh_in").and_then(seconds).filter(|span| *span < lifetime),
        id_token: text("id_token").filter(|token| token.len() <= LONGEST_ID_TOKEN).map(Secret::from),
    })
}

/// `expires_in` as number, float or numeric string; else `expires_on`, a moment; else an assumption.
fn lifetime(object: &Map<String, Value>, now: Timestamp) -> Duration {
    let relative = object.get("expires_in").and_then(seconds);
    let absolute = || {
        let since_epoch = object.get("expires_on").and_then(seconds)?;
        let life = now.until(Timestamp::from_unix_millis(0).plus(since_epoch));
        (!life.is_zero()).then_some(life)
    };
    relative.or_else(absolute).unwrap_or(ASSUMED_LIFE).min(LONGEST_LIFE)
}

/// A positive count of seconds. Zero and less are no lifetime of a token that was issued a moment ago.
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    if number.is_nan() || number <= 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

fn refused(answer: &HttpAnswer, object: Option<&Map<String, Value>>, body: &[u8], now: Timestamp) -> EndpointRefusal {
    let member = |name: &str| object.and_then(|object| object.get(name));
    let identifier =
        |name: &str| member(name).and_then(Value::as_str).filter(|text| is_identifier(text)).map(str::to_owned);
    let searched = match member("error_description") {
        Some(Value::String(text)) => text.as_bytes(),
        _ if object.is_none() => body.get(..SEARCHED_TEXT).unwrap_or(body),
        _ => b"",
    };
    let mut codes = member("error_codes").map(listed_codes).unwrap_or_default();
    if codes.is_empty() {
        codes = codes_in_text(searched);
    }
    EndpointRefusal {
        status: answer.status,
        error: identifier("error"),
        suberror: identifier("suberror"),
        claims: member("claims").and_then(challenge),
        codes,
        trace_id: identifier("trace_id"),
        retry_after: answer.header("retry-after").and_then(|value| retry_after(value, now)),
        device_challenge: answer.header("www-authenticate").is_some_and(|value| value.starts_with("PKeyAuth")),
    }
}

/// Short and without anything that could carry prose or a token's dots and slashes into a log line.
fn is_identifier(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// `claims` is a string that holds a JSON object, which must reach the client verbatim; some answers hold the object
/// itself. Anything else is no challenge.
fn challenge(claims: &Value) -> Option<String> {
    let text = match claims {
        Value::String(text) => text.clone(),
        Value::Object(_) => claims.to_string(),
        _ => return None,
    };
    let is_challenge = text.len() <= LONGEST_CLAIMS
        && serde_json::from_str::<Value>(&text)
            .is_ok_and(|value| value.as_object().is_some_and(|object| !object.is_empty()));
    is_challenge.then_some(text)
}

/// `[50076]`, `["50076"]`, `"[500011]"`, `50076`.
fn listed_codes(codes: &Value) -> Vec<u32> {
    let one = |value: &Value| match value {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match codes {
        Value::Array(items) => items.iter().filter_map(one).take(MOST_CODES).collect(),
        Value::String(text) => text
            .trim_matches(['[', ']'])
            .split(',')
            .filter_map(|part| part.trim().parse().ok())
            .take(MOST_CODES)
            .collect(),
        other => one(other).into_iter().collect(),
    }
}

/// The numbers after `AADSTS` in free text.
fn codes_in_text(text: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(text);
    text.split("AADSTS")
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        })
        .take(MOST_CODES)
        .collect()
}

/// Seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = OffsetDateTime::parse(value, &Rfc2822).ok()?;
    Some(now.until(Timestamp::from_unix_seconds(date.unix_timestamp())))
}

#[cfg(test)]
mod tests;
