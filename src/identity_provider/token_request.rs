use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Url, form_urlencoded};

use super::Attempt;
use super::client_auth::Proof;
use super::throttle::ThrottleKey;
use super::token_endpoint::TokenEndpointStyle;
use crate::domain::AppScope;
use crate::outbound::{FormField, FormHeaders, RequestHeader};

/// The `grant_type` of an exchange on behalf of a user (RFC 7523 §2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The same in RFC 8693 §2.1.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The client id, and the type and the text of an assertion.
const MAX_FIELDS_OF_CLIENT: usize = 3;

/// The headers of a request to a standard token endpoint.
static STANDARD_HEADERS: LazyLock<FormHeaders> =
    LazyLock::new(|| FormHeaders::default().with("accept", "application/json"));
/// The headers of a request to Entra.
static ENTRA_HEADERS: LazyLock<FormHeaders> = LazyLock::new(|| {
    STANDARD_HEADERS
        .clone()
        .with("x-client-sku", "bot-sso")
        .with("x-client-ver", env!("CARGO_PKG_VERSION"))
        // Without this header Entra refuses requests in a loop with `invalid_grant`, which would lead to a sign-in
        // card; with it Entra sends 429.
        .with("x-ms-lib-capability", "retry-after, h429")
});
/// The headers of a request to Entra with a `client-request-id`.
static TRACED_ENTRA_HEADERS: LazyLock<FormHeaders> =
    LazyLock::new(|| ENTRA_HEADERS.clone().with("return-client-request-id", "true"));

/// A token request before client authentication. All tries of one redemption share it.
pub(super) struct TokenRequest<'a> {
    pub(super) url: &'a Url,
    pub(super) style: TokenEndpointStyle,
    /// The form fields of the grant. [`TokenRequest::sign`] adds the client's fields.
    pub(super) fields: Vec<FormField<'a>>,
    pub(super) throttle_key: ThrottleKey<'a>,
    /// The value of `x-anchormailbox`, which routes the request to the user's region.
    pub(super) anchor: Option<String>,
    /// The scope, if the token is for the application itself and not for a user. An application that is a managed
    /// identity gets such a token from the machine's identity endpoint.
    pub(super) app_scope: Option<&'a AppScope>,
    /// Whether the request may be sent again after a failure that does not say whether it was processed. An
    /// authorization code may be used once: a second use may end every token of the first (RFC 6749 §4.1.2, RFC 9110
    /// §9.2.2).
    pub(super) is_repeatable: bool,
    pub(super) attempt: &'a Attempt,
}

/// A token request with the client's proof, ready to be sent.
pub(super) struct SignedForm<'a> {
    /// The headers that such requests have in common.
    pub(super) shared: &'static FormHeaders,
    pub(super) fields: Vec<FormField<'a>>,
    /// `Authorization`, if the proof is sent there.
    authorization: Option<String>,
    anchor: Option<&'a str>,
    client_request_id: Option<&'a str>,
    /// The same for other issuers.
    request_id: Option<&'a str>,
}

impl SignedForm<'_> {
    /// The headers of this request alone.
    pub(super) fn headers(&self) -> impl Iterator<Item = RequestHeader<'_>> {
        let own = [
            ("authorization", self.authorization.as_deref()),
            ("x-anchormailbox", self.anchor),
            ("client-request-id", self.client_request_id),
            ("x-request-id", self.request_id),
        ];
        own.into_iter().filter_map(|(name, value)| Some(RequestHeader::new(name, value?)))
    }
}

impl TokenRequest<'_> {
    /// The name of the grant, for an observer.
    pub(super) fn grant_name(&self) -> &str {
        let grant_type = self.fields.iter().find(|field| field.name == "grant_type").map(|field| field.value);
        match grant_type {
            Some(JWT_BEARER) => "on_behalf_of",
            Some(TOKEN_EXCHANGE) => "token_exchange",
            Some(grant_type) => grant_type,
            None => "revocation",
        }
    }

    /// Adds the client id and the client's proof.
    pub(super) fn sign<'a>(&'a self, client_id: &'a str, proof: &'a Proof) -> SignedForm<'a> {
        let mut fields = Vec::with_capacity(self.fields.len() + MAX_FIELDS_OF_CLIENT);
        fields.extend_from_slice(&self.fields);
        let in_header = self.style.sends_secret_in_header() && matches!(proof, Proof::Secret(_));
        let authorization = in_header.then(|| basic(client_id, proof));
        if !in_header {
            fields.push(FormField::new("client_id", client_id));
            fields.extend(proof.fields());
        }
        // If the id is not a valid header value, the header is left out and the exchange goes on.
        let id = Some(self.attempt.correlation_id.as_str()).filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()));
        if self.style != TokenEndpointStyle::Entra {
            let shared = &*STANDARD_HEADERS;
            return SignedForm { shared, fields, authorization, anchor: None, client_request_id: None, request_id: id };
        }
        let shared = if id.is_some() { &*TRACED_ENTRA_HEADERS } else { &*ENTRA_HEADERS };
        let anchor = self.anchor.as_deref();
        SignedForm { shared, fields, authorization, anchor, client_request_id: id, request_id: None }
    }
}

/// Builds the value of a Basic `Authorization` header. Both parts are form-encoded first (RFC 6749 §2.3.1), because
/// either may hold a colon or non-ASCII letters.
fn basic(client_id: &str, proof: &Proof) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let secret = proof.fields().first().map_or("", |field| field.value);
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    #[test]
    fn both_parts_of_basic_credentials_are_encoded_as_in_a_form() {
        // The example of RFC 6749 §2.3.1, then one that needs the encoding.
        let of = |id: &str, secret: &str| basic(id, &Proof::Secret(Secret::from(secret)));
        assert_eq!(of("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"), "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
        assert_eq!(of("a:b", "p +\u{e9}\n"), format!("Basic {}", STANDARD.encode("a%3Ab:p+%2B%C3%A9")));
    }
}
