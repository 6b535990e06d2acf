use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use subtle::ConstantTimeEq;

use super::directory::App;
use super::form::Form;
use super::refusal::Refusal;
use super::state::State;
use super::verification::{number_claim, signed_claims, text_claim};

/// Seconds of clock difference that a client assertion may show.
const ASSERTION_SKEW: f64 = 300.0;
/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How the client of a token request proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientProof {
    /// Nothing: a public client.
    Public,
    /// A secret, in the body or in a Basic header.
    Secret,
    /// A signed assertion.
    Certificate,
}

impl ClientProof {
    /// `azpacr` / `appidacr`.
    pub(super) const fn strength(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret => "1",
            Self::Certificate => "2",
        }
    }

    /// The word for it in the call log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Public => "none",
            Self::Secret => "secret",
            Self::Certificate => "certificate",
        }
    }
}

/// What a request presents as client credentials.
struct Presented<'f> {
    client_id: String,
    secret: Option<String>,
    assertion: Option<&'f str>,
}

impl State {
    /// Finds the client and checks what it presents. `tenant` is the path segment the request was posted to.
    pub(super) fn authenticate_client(
        &self,
        request: &HttpRequest,
        form: &Form,
        tenant: &str,
    ) -> Result<(&App, ClientProof), Refusal> {
        let presented = presented(request, form)?;
        let app = self.directory.find_app(&presented.client_id).ok_or_else(|| {
            let text = format!("Application with identifier '{}' was not found in the directory.", presented.client_id);
            Refusal::bad_request("unauthorized_client", 700_016, text)
        })?;
        let proof = match (app.secret, &presented.secret, presented.assertion) {
            (None, None, None) => ClientProof::Public,
            (None, _, _) => {
                return Err(Refusal::client(
                    700_025,
                    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                ));
            }
            (Some(_), _, Some(assertion)) => {
                self.check_assertion(app, form, assertion, tenant)?;
                ClientProof::Certificate
            }
            (Some(known), Some(given), None) => {
                check_secret(app, known, given)?;
                ClientProof::Secret
            }
            (Some(_), None, None) => {
                return Err(Refusal::client(
                    7_000_218,
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                ));
            }
        };
        Ok((app, proof))
    }

    /// `private_key_jwt` as Entra checks it. Python's MSAL pads the thumbprint and writes float times.
    fn check_assertion(&self, app: &App, form: &Form, assertion: &str, tenant: &str) -> Result<(), Refusal> {
        if form.find("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(Refusal::missing("client_assertion_type"));
        }
        let malformed = || Refusal::client(50_027, "JWT token is invalid or malformed.");
        let header = jsonwebtoken::decode_header(assertion).map_err(|_| malformed())?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256) {
            return Err(Refusal::client(50_012, "Client assertion is signed with an algorithm that is not allowed."));
        }
        let known = &self.client_certificate;
        let same = |given: Option<&String>, own: &str| given.is_some_and(|text| text.trim_end_matches('=') == own);
        if !same(header.x5t_s256.as_ref(), &known.thumbprint_sha256)
            && !same(header.x5t.as_ref(), &known.thumbprint_sha1)
        {
            return Err(Refusal::client(
                700_027,
                "The certificate with identifier used to sign the client assertion is not registered on application. \
                 [Reason - The key was not found.]",
            ));
        }
        let claims = signed_claims(assertion, &known.verification, &[header.alg])
            .map_err(|_| Refusal::client(50_012, "Client assertion contains an invalid signature."))?;
        let names_app = |claim| text_claim(&claims, claim).is_some_and(|id| id.eq_ignore_ascii_case(app.client_id));
        if !names_app("iss") || !names_app("sub") {
            return Err(Refusal::client(
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
        self.check_assertion_times(&claims)?;
        let audience = text_claim(&claims, "aud").unwrap_or_default();
        let endpoint = format!("/{tenant}/oauth2/v2.0/token");
        if self.own_origins().iter().any(|origin| audience.strip_prefix(origin.as_str()) == Some(endpoint.as_str())) {
            Ok(())
        } else {
            Err(Refusal::client(700_023, "Client assertion audience claim does not match Realm issuer."))
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float's mantissa for ages")]
    fn check_assertion_times(&self, claims: &serde_json::Value) -> Result<(), Refusal> {
        let now = self.now_seconds() as f64;
        let expiry = number_claim(claims, "exp");
        let not_before = number_claim(claims, "nbf").unwrap_or(now);
        if expiry.is_some_and(|expiry| expiry + ASSERTION_SKEW > now) && not_before - ASSERTION_SKEW <= now {
            Ok(())
        } else {
            Err(Refusal::client(
                700_024,
                "Client assertion is not within its valid time range. Current time and assertion times differ.",
            ))
        }
    }
}

fn check_secret(app: &App, known: &str, given: &str) -> Result<(), Refusal> {
    if bool::from(known.as_bytes().ct_eq(given.as_bytes())) {
        return Ok(());
    }
    let text = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
         client secret ID, for a secret added to app '{}'.",
        app.client_id
    );
    Err(Refusal::client(7_000_215, text))
}

fn presented<'f>(request: &HttpRequest, form: &'f Form) -> Result<Presented<'f>, Refusal> {
    let assertion = form.find("client_assertion");
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(basic) = header.and_then(|value| value.strip_prefix("Basic ")) {
        let (client_id, secret) = basic_credentials(basic)
            .ok_or_else(|| Refusal::client(70_002, "The Basic authorization header is malformed."))?;
        if form.find("client_id").is_some_and(|other| !other.eq_ignore_ascii_case(&client_id)) {
            return Err(Refusal::client(70_002, "The client_id of the header and of the body differ."));
        }
        return Ok(Presented { client_id, secret: Some(secret), assertion });
    }
    Ok(Presented {
        client_id: form.get("client_id")?.to_owned(),
        secret: form.find("client_secret").map(str::to_owned),
        assertion,
    })
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic_credentials(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((form_decoded(client_id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}
