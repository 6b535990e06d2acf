use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::certificate::RegisteredCertificate;
use super::federation::FederationChecks;
use crate::dev::jwt::{number_member, signed_claims, text_member};
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::directory::App;
use crate::dev::tenant::form::Form;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::domain::SharedClock;

/// The difference between the clocks of client and tenant that is tolerated, in seconds.
const ALLOWED_CLOCK_SKEW: f64 = 300.0;
/// The only `client_assertion_type` (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Checks client assertions.
pub(in crate::dev) struct AssertionChecks {
    /// The certificate that every confidential app has registered.
    pub(in crate::dev) certificate: RegisteredCertificate,
    pub(in crate::dev) federation: FederationChecks,
    pub(in crate::dev) clock: SharedClock,
}

impl AssertionChecks {
    /// Checks a client assertion that was posted to `endpoint`. If its issuer is a URL, it is a token of another issuer;
    /// otherwise the app signed it itself.
    pub(in crate::dev) fn check(
        &self,
        app: &App,
        form: &Form,
        assertion: &str,
        endpoint: &str,
    ) -> Result<ClientProof, EntraRefusal> {
        if form.find("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(EntraRefusal::missing_parameter("client_assertion_type"));
        }
        let malformed = |_| EntraRefusal::invalid_client(50_027, "JWT token is invalid or malformed.");
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(assertion).map_err(malformed)?.claims;
        if text_member(&claims, "iss").is_some_and(|issuer| issuer.contains("://")) {
            self.federation.check(app, assertion, &claims)?;
            self.check_times(&claims)?;
            return Ok(ClientProof::Federation);
        }
        self.check_own_assertion(app, assertion, endpoint)?;
        Ok(ClientProof::Certificate)
    }

    /// Checks `private_key_jwt` as Entra does. Thumbprints may be padded and times may be floats, because MSAL for Python
    /// writes them so.
    fn check_own_assertion(&self, app: &App, assertion: &str, endpoint: &str) -> Result<(), EntraRefusal> {
        let malformed = |_| EntraRefusal::invalid_client(50_027, "JWT token is invalid or malformed.");
        let header = jsonwebtoken::decode_header(assertion).map_err(malformed)?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256) {
            return Err(EntraRefusal::invalid_client(
                50_012,
                "Client assertion is signed with an algorithm that is not allowed.",
            ));
        }
        let known = &self.certificate;
        let same = |given: Option<&String>, own: &str| given.is_some_and(|text| text.trim_end_matches('=') == own);
        if !same(header.x5t_s256.as_ref(), &known.thumbprint_sha256)
            && !same(header.x5t.as_ref(), &known.thumbprint_sha1)
        {
            return Err(EntraRefusal::invalid_client(
                700_027,
                "The certificate with identifier used to sign the client assertion is not registered on application. \
                 [Reason - The key was not found.]",
            ));
        }
        let claims = signed_claims(assertion, &known.verification, &[header.alg])
            .map_err(|_| EntraRefusal::invalid_client(50_012, "Client assertion contains an invalid signature."))?;
        let names_app = |claim| text_member(&claims, claim).is_some_and(|id| id.eq_ignore_ascii_case(app.client_id));
        if !names_app("iss") || !names_app("sub") {
            return Err(EntraRefusal::invalid_client(
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
        self.check_times(&claims)?;
        if text_member(&claims, "aud") == Some(endpoint) {
            Ok(())
        } else {
            Err(EntraRefusal::invalid_client(700_023, "Client assertion audience claim does not match Realm issuer."))
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are small enough for a float to hold exactly")]
    fn check_times(&self, claims: &Value) -> Result<(), EntraRefusal> {
        let now = self.clock.now().unix_seconds() as f64;
        let expiry = number_member(claims, "exp");
        let not_before = number_member(claims, "nbf").unwrap_or(now);
        if expiry.is_some_and(|expiry| expiry + ALLOWED_CLOCK_SKEW > now) && not_before - ALLOWED_CLOCK_SKEW <= now {
            Ok(())
        } else {
            Err(EntraRefusal::invalid_client(
                700_024,
                "Client assertion is not within its valid time range. Current time and assertion times differ.",
            ))
        }
    }
}
