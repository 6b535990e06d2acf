use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::basic::{BasicReadings, read_basic};
use super::form::Form;
use super::reading::ClientReading;

/// The only `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client authenticates; nothing of it is checked yet.
pub enum PresentedClient<'a> {
    /// By its id and its secret.
    Secret(PresentedSecret<'a>),
    /// By a JWT that it has signed (RFC 7523 §2.2).
    Assertion {
        /// The JWT.
        assertion: &'a str,
        /// `client_id` of the body, which an assertion may do without.
        client_id: Option<&'a str>,
    },
    /// Not at all.
    None,
}

/// A client id and a secret, in each way that they can be read.
pub struct PresentedSecret<'a> {
    first: ClientReading<'a>,
    second: Option<ClientReading<'a>>,
    is_basic: bool,
}

/// Why a request has no credentials that can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthenticationError {
    /// The request has credentials in two places, or the two places name two clients: `invalid_request`.
    SeveralCredentials,
    /// A parameter of the credentials is there twice: `invalid_request`.
    RepeatedParameter,
    /// `client_assertion` has no `client_assertion_type`, or the other way round: `invalid_request`.
    IncompleteAssertion,
    /// The type of the assertion is not RFC 7523's: `invalid_client`.
    UnknownAssertionType,
    /// The `Authorization` header has another scheme than Basic, or no readable credentials: `invalid_client`.
    UnreadableHeader,
}

impl PresentedClient<'_> {
    /// Whether the client used the `Authorization` header: then a refusal needs a challenge (RFC 6749 §5.2).
    #[must_use]
    pub const fn is_basic(&self) -> bool {
        matches!(self, Self::Secret(PresentedSecret { is_basic: true, .. }))
    }
}

impl<'a> PresentedSecret<'a> {
    /// The readings, in the order in which they are tried: form-encoded first (RFC 6749 §2.3.1), then as they are.
    pub(super) fn readings(&self) -> impl Iterator<Item = &ClientReading<'a>> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

impl ClientAuthenticationError {
    /// Whether the answer is 400 `invalid_request`; else it is 401 `invalid_client`.
    #[must_use]
    pub const fn is_invalid_request(self) -> bool {
        match self {
            Self::SeveralCredentials | Self::RepeatedParameter | Self::IncompleteAssertion => true,
            Self::UnknownAssertionType | Self::UnreadableHeader => false,
        }
    }

    /// The name of the check in the operator's log.
    #[must_use]
    pub const fn check(self) -> &'static str {
        match self {
            Self::SeveralCredentials => "client_credentials_several",
            Self::RepeatedParameter => "client_credentials_repeated",
            Self::IncompleteAssertion => "client_assertion_incomplete",
            Self::UnknownAssertionType => "client_assertion_type",
            Self::UnreadableHeader => "client_header",
        }
    }
}

/// Reads the credentials of the client from the `Authorization` header and from the body (RFC 6749 §2.3). The body may repeat
/// the `client_id` of the header.
///
/// # Errors
/// [`ClientAuthenticationError`]. No value of the request is part of it.
pub fn read_client<'a>(
    headers: &HeaderMap,
    form: &'a Form<'_>,
) -> Result<PresentedClient<'a>, ClientAuthenticationError> {
    let names = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
    if names.iter().any(|name| form.is_repeated(name)) {
        return Err(ClientAuthenticationError::RepeatedParameter);
    }
    let basic = read_header(headers)?;
    let [client_id, secret, assertion, assertion_type] = names.map(|name| form.find(name));
    let places = [basic.is_some(), secret.is_some(), assertion.is_some()];
    if places.into_iter().filter(|is_used| *is_used).count() > 1 {
        return Err(ClientAuthenticationError::SeveralCredentials);
    }
    match (assertion, assertion_type) {
        (Some(assertion), Some(JWT_BEARER)) => return Ok(PresentedClient::Assertion { assertion, client_id }),
        (Some(_), Some(_)) => return Err(ClientAuthenticationError::UnknownAssertionType),
        (Some(_), None) | (None, Some(_)) => return Err(ClientAuthenticationError::IncompleteAssertion),
        (None, None) => {}
    }
    if let Some(BasicReadings { decoded, raw }) = basic {
        return choose_readings(decoded, raw, client_id).map(PresentedClient::Secret);
    }
    Ok(match (client_id, secret) {
        (Some(client_id), Some(secret)) => {
            let first = ClientReading { client_id: client_id.into(), secret: secret.into() };
            PresentedClient::Secret(PresentedSecret { first, second: None, is_basic: false })
        }
        _ => PresentedClient::None,
    })
}

fn choose_readings<'a>(
    decoded: Option<ClientReading<'static>>,
    raw: ClientReading<'static>,
    client_id: Option<&str>,
) -> Result<PresentedSecret<'a>, ClientAuthenticationError> {
    let is_named = |reading: &ClientReading<'_>| client_id.is_none_or(|named| named == reading.client_id);
    let mut readings = [decoded, Some(raw)].into_iter().flatten().filter(is_named);
    let first = readings.next().ok_or(ClientAuthenticationError::SeveralCredentials)?;
    Ok(PresentedSecret { first, second: readings.next(), is_basic: true })
}

fn read_header(headers: &HeaderMap) -> Result<Option<BasicReadings>, ClientAuthenticationError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ClientAuthenticationError::SeveralCredentials);
    }
    let text = value.to_str().map_err(|_| ClientAuthenticationError::UnreadableHeader)?;
    let (scheme, credentials) = text.split_once(' ').ok_or(ClientAuthenticationError::UnreadableHeader)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(ClientAuthenticationError::UnreadableHeader);
    }
    read_basic(credentials.trim()).map(Some).ok_or(ClientAuthenticationError::UnreadableHeader)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header::HeaderValue;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// What is read: each reading as `id:secret`, or the assertion.
    fn read(authorization: &[&str], body: &str) -> Result<Vec<String>, ClientAuthenticationError> {
        let form = Form::parse(body.as_bytes()).unwrap();
        Ok(match read_client(&headers(authorization), &form)? {
            PresentedClient::Secret(secret) => {
                secret.readings().map(|reading| format!("{}:{}", reading.client_id, reading.secret)).collect()
            }
            PresentedClient::Assertion { assertion, client_id } => vec![format!("{assertion} of {client_id:?}")],
            PresentedClient::None => Vec::new(),
        })
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn credentials_are_read_from_the_header_and_from_the_body() {
        assert_eq!(read(&[&basic("a:b")], "").unwrap(), ["a:b"]);
        assert_eq!(read(&[&basic("a:b").replace("Basic", "bASIC")], "client_id=a").unwrap(), ["a:b"]);
        assert_eq!(read(&[&basic("a%2Db:c")], "").unwrap(), ["a-b:c", "a%2Db:c"]);
        assert_eq!(read(&[&basic("a%2Db:c")], "client_id=a-b").unwrap(), ["a-b:c"]);
        assert_eq!(read(&[], "client_id=a&client_secret=b").unwrap(), ["a:b"]);
        assert!(read(&[], "client_id=a").unwrap().is_empty() && read(&[], "").unwrap().is_empty());
        let assertion = format!("client_assertion=x.y.z&client_assertion_type={JWT_BEARER}");
        assert_eq!(read(&[], &assertion).unwrap(), ["x.y.z of None"]);
    }

    #[test]
    fn credentials_in_two_places_or_twice_are_an_invalid_request() {
        let assertion = format!("client_assertion=x.y.z&client_assertion_type={JWT_BEARER}");
        let basic = basic("a:b");
        let bodies = [
            (vec![basic.as_str()], "client_id=a&client_secret=b".to_owned()),
            (vec![basic.as_str()], "client_secret=b".to_owned()),
            (vec![basic.as_str()], "client_id=other".to_owned()),
            (vec![basic.as_str()], assertion.clone()),
            (vec![basic.as_str(), basic.as_str()], String::new()),
            (vec![], format!("client_id=a&client_secret=b&{assertion}")),
            (vec![], "client_id=a&client_id=a&client_secret=b".to_owned()),
            (vec![], "client_id=a&client_secret=b&client_secret=b".to_owned()),
            (vec![], "client_assertion=x.y.z".to_owned()),
            (vec![], format!("client_assertion_type={JWT_BEARER}")),
        ];
        for (authorization, body) in bodies {
            let error = read(&authorization, &body).unwrap_err();
            assert!(error.is_invalid_request(), "{authorization:?} {body}: {error:?}");
        }
    }

    #[test]
    fn credentials_that_cannot_be_read_are_an_invalid_client() {
        for authorization in ["Bearer abc", "Basic", "Basic *", "Basic YWJj", "abc"] {
            let error = read(&[authorization], "").unwrap_err();
            assert!(!error.is_invalid_request(), "{authorization}: {error:?}");
        }
        let error = read(&[], "client_assertion=x&client_assertion_type=saml").unwrap_err();
        assert_eq!(error, ClientAuthenticationError::UnknownAssertionType);
    }
}
