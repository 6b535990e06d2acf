use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::assertion::AssertionChecks;
use crate::dev::addresses::Transport;
use crate::dev::admission::host_header;
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::directory::{App, Directory};
use crate::dev::tenant::form::Form;
use crate::dev::tenant::refusal::EntraRefusal;

/// A client that is authenticated, and how it proved its identity.
pub(in crate::dev) struct AuthenticatedClient<'a> {
    pub(in crate::dev) app: &'a App,
    pub(in crate::dev) proof: ClientProof,
}

/// The client credentials in a token request, before they are checked.
struct PresentedCredentials<'f> {
    client_id: String,
    secret: Option<String>,
    assertion: Option<&'f str>,
}

/// Authenticates the clients of the token endpoint.
pub(in crate::dev) struct ClientAuthenticator {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) assertions: AssertionChecks,
}

impl ClientAuthenticator {
    /// Finds the client and checks its credentials. `tenant` is the first segment of the request's path.
    pub(in crate::dev) fn authenticate(
        &self,
        request: &HttpRequest,
        form: &Form,
        tenant: &str,
    ) -> Result<AuthenticatedClient<'_>, EntraRefusal> {
        let presented = read_credentials(request, form)?;
        let app = self.directory.find_app(&presented.client_id).ok_or_else(|| {
            let text = format!("Application with identifier '{}' was not found in the directory.", presented.client_id);
            EntraRefusal::bad_request("unauthorized_client", 700_016, text)
        })?;
        if app.blueprint.is_some() {
            self.assertions.federation.check_agent_identity(app, presented.assertion, tenant)?;
            return Ok(AuthenticatedClient { app, proof: ClientProof::Blueprint });
        }
        let proof = match (app.secret, &presented.secret, presented.assertion) {
            (None, None, None) => ClientProof::Public,
            (None, _, _) => {
                return Err(EntraRefusal::invalid_client(
                    700_025,
                    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                ));
            }
            (Some(_), _, Some(assertion)) => {
                self.assertions.check(app, form, assertion, &token_url(request, tenant))?
            }
            (Some(known), Some(given), None) => {
                check_secret(app, known, given)?;
                ClientProof::Secret
            }
            (Some(_), None, None) => {
                return Err(EntraRefusal::invalid_client(
                    7_000_218,
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                ));
            }
        };
        Ok(AuthenticatedClient { app, proof })
    }
}

/// The URL to which the request was posted, with the host as the client wrote it. Entra accepts an assertion only if its
/// audience is exactly this URL.
fn token_url(request: &HttpRequest, tenant: &str) -> String {
    let scheme = Transport::of(request).scheme();
    format!("{scheme}://{}/{tenant}/oauth2/v2.0/token", host_header(request.headers()))
}

fn check_secret(app: &App, known: &str, given: &str) -> Result<(), EntraRefusal> {
    if bool::from(known.as_bytes().ct_eq(given.as_bytes())) {
        return Ok(());
    }
    let text = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
         client secret ID, for a secret added to app '{}'.",
        app.client_id
    );
    Err(EntraRefusal::invalid_client(7_000_215, text))
}

fn read_credentials<'f>(request: &HttpRequest, form: &'f Form) -> Result<PresentedCredentials<'f>, EntraRefusal> {
    let assertion = form.find("client_assertion");
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(basic) = header.and_then(|value| value.strip_prefix("Basic ")) {
        let (client_id, secret) = basic_credentials(basic)
            .ok_or_else(|| EntraRefusal::invalid_client(70_002, "The Basic authorization header is malformed."))?;
        if form.find("client_id").is_some_and(|other| !other.eq_ignore_ascii_case(&client_id)) {
            return Err(EntraRefusal::invalid_client(70_002, "The client_id of the header and of the body differ."));
        }
        return Ok(PresentedCredentials { client_id, secret: Some(secret), assertion });
    }
    Ok(PresentedCredentials {
        client_id: form.get("client_id")?.to_owned(),
        secret: form.find("client_secret").map(str::to_owned),
        assertion,
    })
}

/// Decodes the credentials of a Basic header: id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic_credentials(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((form_decode(client_id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}
