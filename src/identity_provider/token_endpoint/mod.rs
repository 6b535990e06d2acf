//! Parses responses of token endpoints (docs/protocols/entra-obo.md §8). Parsing never fails: a response is a token, an
//! error response, or unusable.

mod members;
mod style;

use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

pub use style::SecretMethod;
pub(super) use style::TokenEndpointStyle;

use self::members::{Member, TokenMembers};
use super::RedeemFailure;
use crate::domain::{Secret, Timestamp, any_byte, read_bounded_json};
use crate::outbound::HttpAnswer;

/// The cap of a token's lifetime. It is the lifetime of Entra's continuous-access tokens, which live longest
/// (docs/protocols/entra-obo.md §4).
const MAX_TOKEN_LIFETIME: Duration = Duration::from_hours(28);
/// The assumed lifetime if `expires_in` is absent or invalid. It is the shortest lifetime that an Entra policy can set,
/// so that no expired token is given out as valid.
const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_mins(10);
const MAX_ACCESS_TOKEN_BYTES: usize = 16 * 1024;
const MAX_REFRESH_TOKEN_BYTES: usize = 16 * 1024;
const MAX_CLAIMS_BYTES: usize = 8 * 1024;
/// The longest `error` that counts as a word, in bytes and in parts between spaces. Longer ones are sentences.
const MAX_ERROR_BYTES: usize = 64;
const MAX_ERROR_PARTS: usize = 3;
/// How many bytes of a body that is not JSON are searched for AADSTS numbers.
const MAX_SEARCHED_BYTES: usize = 64 * 1024;
const MAX_CODES: usize = 8;
/// What the token types of RFC 8693 §3 begin with.
const TOKEN_TYPE_PREFIX: &str = "urn:ietf:params:oauth:token-type:";

/// A parsed response.
#[derive(Debug)]
pub(super) enum TokenAnswer {
    Token(GrantedToken),
    Refusal(Box<EndpointRefusal>),
    /// A response with a success status that holds no usable token. The text is a hint for the operator.
    Unusable(&'static str),
    /// A success whose token is none that a bot could send to a resource, because of what was requested (RFC 8693 §2.2.1).
    /// The text is a hint for the operator.
    NoAccessToken(&'static str),
}

#[derive(Debug)]
pub(super) struct GrantedToken {
    pub(super) access_token: Secret,
    pub(super) lifetime: Duration,
    pub(super) scope: Option<String>,
    pub(super) refresh_token: Option<Secret>,
    /// The recommended time of a refresh. It is less than `lifetime`.
    pub(super) refresh_in: Option<Duration>,
    pub(super) id_token: Option<Secret>,
}

/// The members of an error response that classification and the operator's log need. Free text is dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointRefusal {
    pub(super) status: u16,
    /// `error` as it came, if it is a word.
    pub(super) error: Option<String>,
    pub(super) suberror: Option<String>,
    /// A claims challenge, verbatim.
    pub(super) claims: Option<String>,
    /// AADSTS numbers, outermost first.
    pub(super) codes: Vec<u32>,
    pub(super) trace_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    /// Whether the response has `WWW-Authenticate: PKeyAuth`: the endpoint requires a device certificate.
    pub(super) device_challenge: bool,
}

impl EndpointRefusal {
    /// Whether the status says that the server, or a proxy before it, has a fault.
    pub(super) const fn is_server_fault(&self) -> bool {
        self.status >= 500 || self.status == 408
    }

    /// `error`, if the response has the form of RFC 6749 §5.2, or that form at a status that says success or leads
    /// elsewhere, as some providers send it. At any other status something else responds in the endpoint's place, such as
    /// a proxy, and an outage must not sign users out (docs/architecture.md §An outage is not a sign-out).
    pub(super) fn oauth_error(&self) -> Option<&str> {
        self.error.as_deref().filter(|_| matches!(self.status, 200..=399 | 400 | 401 | 403))
    }

    /// `error` as [`EndpointRefusal::oauth_error`], if even a word that no table knows is the endpoint's own. A redirect
    /// may be a proxy's.
    pub(super) fn own_error(&self) -> Option<&str> {
        self.oauth_error().filter(|_| !matches!(self.status, 300..=399))
    }

    /// The failure of an endpoint that has a fault.
    pub(super) fn fault(&self) -> RedeemFailure {
        self.retry_after.map_or(RedeemFailure::Transient, |retry_after| RedeemFailure::Unavailable { retry_after })
    }
}

/// Parses a response that was received at `now`.
pub(super) fn read(answer: &HttpAnswer, now: Timestamp) -> TokenAnswer {
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    if (200..300).contains(&answer.status) {
        let members = TokenMembers::read(body);
        if !members.as_ref().is_some_and(is_refusal) {
            return granted(members.as_ref(), now);
        }
    }
    let object = match read_bounded_json::<Value>(body) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    };
    TokenAnswer::Refusal(Box::new(read_refusal(answer, object.as_ref(), body, now)))
}

/// Whether a response with a success status says `error` and holds no access token. Some providers answer refusals so,
/// against RFC 6749 §5.2.
fn is_refusal(members: &TokenMembers<'_>) -> bool {
    members.error.text().is_some() && members.access_token.is_blank()
}

fn granted(members: Option<&TokenMembers<'_>>, now: Timestamp) -> TokenAnswer {
    let Some(members) = members else {
        return TokenAnswer::Unusable("success without a JSON object: check the token endpoint's address");
    };
    if let Err(hint) = check_issued_type(members) {
        return TokenAnswer::NoAccessToken(hint);
    }
    // Bots send the token in an HTTP header, so it may hold only visible ASCII (RFC 6750 §2.1).
    let is_refused = |byte: u8| u8::from(!byte.is_ascii_graphic());
    let usable = |token: &&str| token.len() <= MAX_ACCESS_TOKEN_BYTES && !any_byte(token.as_bytes(), is_refused);
    let Some(access_token) = members.access_token.text().filter(usable) else {
        return TokenAnswer::Unusable("success without a usable access_token");
    };
    // `pop` and `mtls_pop` tokens are bound to a key that the bot does not have.
    let is_bearer = |kind: &str| kind.eq_ignore_ascii_case("bearer");
    if members.token_type != Member::Absent && !members.token_type.text().is_some_and(is_bearer) {
        return TokenAnswer::Unusable("success with a token_type other than Bearer");
    }
    let lifetime = lifetime(members, now);
    let refresh_token = members.refresh_token.text().filter(|token| token.len() <= MAX_REFRESH_TOKEN_BYTES);
    TokenAnswer::Token(GrantedToken {
        access_token: Secret::from(access_token),
        lifetime,
        scope: members.scope.text().map(str::to_owned),
        refresh_token: refresh_token.map(Secret::from),
        refresh_in: members.refresh_in.seconds().filter(|span| *span < lifetime),
        // Its length is checked by `token_validation`, which can say that it is too long.
        id_token: members.id_token.text().map(Secret::from),
    })
}

/// Checks what the answer to a token exchange says that `access_token` is (RFC 8693 §2.2.1). Keycloak says `refresh_token` if
/// that was requested, and puts an access token beside it.
fn check_issued_type(members: &TokenMembers<'_>) -> Result<(), &'static str> {
    let kind = members.token_type.text().unwrap_or_default();
    if kind.eq_ignore_ascii_case("N_A") {
        return Err(
            "the provider issued something else than an access token (token_type N_A): write another requested_token_type in token_exchange",
        );
    }
    let refresh_token = members.refresh_token.text();
    let is_beside = refresh_token.is_some() && refresh_token != members.access_token.text();
    match members.issued_token_type.text().and_then(|issued| issued.strip_prefix(TOKEN_TYPE_PREFIX)) {
        Some("access_token" | "jwt") => Ok(()),
        Some("refresh_token") if is_beside => Ok(()),
        None if members.issued_token_type.is_none() => Ok(()),
        _ => Err(
            "the provider issued a token of another type than access_token (issued_token_type): write another requested_token_type in token_exchange",
        ),
    }
}

/// Reads `expires_in` as an integer, a float or a numeric string; otherwise `expires_on`, a point in time; otherwise
/// assumes a lifetime.
fn lifetime(members: &TokenMembers<'_>, now: Timestamp) -> Duration {
    let absolute = || {
        let since_epoch = members.expires_on.seconds()?;
        let life = now.until(Timestamp::from_unix_millis(0).plus(since_epoch));
        (!life.is_zero()).then_some(life)
    };
    members.expires_in.seconds().or_else(absolute).unwrap_or(DEFAULT_TOKEN_LIFETIME).min(MAX_TOKEN_LIFETIME)
}

fn read_refusal(
    answer: &HttpAnswer,
    object: Option<&Map<String, Value>>,
    body: &[u8],
    now: Timestamp,
) -> EndpointRefusal {
    let member = |name: &str| object.and_then(|object| object.get(name));
    let identifier =
        |name: &str| member(name).and_then(Value::as_str).filter(|text| is_identifier(text)).map(str::to_owned);
    let searched = match member("error_description") {
        Some(Value::String(text)) => text.as_bytes(),
        _ if object.is_none() => body.get(..MAX_SEARCHED_BYTES).unwrap_or(body),
        _ => b"",
    };
    let mut codes = member("error_codes").map(listed_codes).unwrap_or_default();
    if codes.is_empty() {
        codes = codes_in_text(searched, "AADSTS");
    }
    EndpointRefusal {
        status: answer.status,
        error: member("error").and_then(Value::as_str).and_then(read_error_word),
        suberror: identifier("suberror"),
        claims: member("claims").and_then(challenge),
        codes,
        trace_id: identifier("trace_id"),
        retry_after: answer.header("retry-after").and_then(|value| retry_after(value, now)),
        device_challenge: answer.header("www-authenticate").is_some_and(|value| value.starts_with("PKeyAuth")),
    }
}

/// Reads `error`: a short identifier, or one whose parts are apart by spaces ("Expired Token").
fn read_error_word(text: &str) -> Option<String> {
    let text = text.trim();
    let parts = text.split(' ').filter(|part| !part.is_empty());
    let is_word = text.len() <= MAX_ERROR_BYTES && (1..=MAX_ERROR_PARTS).contains(&parts.clone().count());
    (is_word && parts.clone().all(is_identifier)).then(|| text.to_owned())
}

/// Whether `text` is a short identifier that may be logged. It cannot hold free text or a token, because spaces, dots
/// and slashes are excluded.
fn is_identifier(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Reads a claims challenge. `claims` is a string that holds a JSON object, and it is kept verbatim; some responses
/// hold the object itself. Any other value is not a challenge.
fn challenge(claims: &Value) -> Option<String> {
    let text = match claims {
        Value::String(text) => text.clone(),
        Value::Object(_) => claims.to_string(),
        _ => return None,
    };
    let is_challenge = text.len() <= MAX_CLAIMS_BYTES
        && read_bounded_json::<Value>(text.as_bytes())
            .is_ok_and(|value| value.as_object().is_some_and(|object| !object.is_empty()));
    is_challenge.then_some(text)
}

/// Reads `error_codes` in all known forms: `[50076]`, `["50076"]`, `"[500011]"`, `50076`.
fn listed_codes(codes: &Value) -> Vec<u32> {
    let one = |value: &Value| match value {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match codes {
        Value::Array(items) => items.iter().filter_map(one).take(MAX_CODES).collect(),
        Value::String(text) => text
            .trim_matches(['[', ']'])
            .split(',')
            .filter_map(|part| part.trim().parse().ok())
            .take(MAX_CODES)
            .collect(),
        other => one(other).into_iter().collect(),
    }
}

/// Finds the numbers after `prefix` (`AADSTS`) in free text.
pub(super) fn codes_in_text(text: &[u8], prefix: &str) -> Vec<u32> {
    let text = String::from_utf8_lossy(text);
    text.split(prefix)
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        })
        .take(MAX_CODES)
        .collect()
}

/// Parses `Retry-After`, which holds seconds or a date (RFC 9110 §10.2.3).
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
