//! Reads the JSON bodies of the management API.

use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::refusal::Refused;
use crate::domain::{is_object_text, read_bounded_object};
use crate::inbound::{BodyLimits, Problem, read_body, require_plain_utf8};

/// The longest path of a member in an error.
const MAX_PATH: usize = 100;

/// Reads the body of `http`, a JSON object. Members that the type does not know are ignored, because SCIM clients send many;
/// one that it knows must be there once and have its type.
pub(super) async fn read_json<T: DeserializeOwned>(
    http: &HttpRequest,
    payload: web::Payload,
    limits: BodyLimits,
) -> Result<T, Refused> {
    require_plain_utf8(http.headers()).map_err(Refused::Problem)?;
    let body = read_body(http, payload, limits).await.map_err(|problem| match problem {
        Problem::BadArgument => Refused::Syntax("The body did not arrive.".into()),
        other => Refused::Problem(other),
    })?;
    read_bounded_object(&body).map_err(|_| Refused::Syntax(describe::<T>(&body).into()))
}

/// Reads a member that may be `null`. Together with `#[serde(default)]` it tells a member that is `null` (`Some(None)`) from one that
/// is absent (`None`).
#[allow(clippy::option_option, reason = "a member that is absent, and one that is null")]
pub(super) fn read_present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// What is wrong with `body`. The text names members, and repeats no value: it may be a password in the wrong place.
fn describe<T: DeserializeOwned>(body: &[u8]) -> String {
    const NO_OBJECT: &str = "The body must be a JSON object.";
    if !is_object_text(body) {
        return NO_OBJECT.to_owned();
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) else { return NO_OBJECT.to_owned() };
    if !error.inner().is_data() {
        return NO_OBJECT.to_owned();
    }
    let path = error.path().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'[' | b']');
    let path = if path.len() <= MAX_PATH && path.bytes().all(is_plain) { path } else { String::from("?") };
    let message = error.inner().to_string();
    let known = ["missing field `", "duplicate field `"].iter().find_map(|cause| {
        let field = message.strip_prefix(cause)?.split('`').next()?;
        let cause = if cause.starts_with("missing") { "is missing" } else { "is stated twice" };
        Some(format!("The member {field} {cause}."))
    });
    known.unwrap_or_else(|| format!("The member {path} does not have the type that it must have."))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::describe;

    #[derive(Deserialize)]
    struct Outer {
        #[allow(dead_code, reason = "read by the derived reader")]
        list: Vec<Inner>,
    }

    #[derive(Deserialize)]
    struct Inner {
        #[allow(dead_code, reason = "read by the derived reader")]
        number: u8,
    }

    #[test]
    fn a_body_that_is_refused_is_described_without_its_values() {
        let of = |body: &str| describe::<Outer>(body.as_bytes());
        assert_eq!(of("[]"), "The body must be a JSON object.");
        assert_eq!(of("{"), "The body must be a JSON object.");
        assert_eq!(of("{}"), "The member list is missing.");
        assert_eq!(of(r#"{"list":[],"list":[]}"#), "The member list is stated twice.");
        assert_eq!(
            of(r#"{"list":[{"number":1},{"number":"s3cret"}]}"#),
            "The member list[1].number does not have the type that it must have."
        );
    }
}
