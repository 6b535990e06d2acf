use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Algorithm as Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{ProofRequest, unusable_credential};
use crate::domain::Secret;
use crate::identity_provider::classification::Classification;

/// The lifetime of an assertion. Entra accepts at most 10 minutes (docs/protocols/entra-obo.md §2).
const ASSERTION_LIFETIME: Duration = Duration::from_mins(10);

/// The signature algorithm of a client assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAlgorithm {
    /// RSASSA-PSS with SHA-256, which Microsoft recommends.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for issuers that require `x5t` (AD FS) or do not support PSS.
    Rs256,
}

/// A certificate that is registered for the application, and its RSA key.
pub struct ClientCertificate {
    key: EncodingKey,
    header: Header,
    /// `aud` of the assertions; `None` for the token endpoint.
    audience: Option<String>,
}

impl ClientCertificate {
    /// Builds the credential. `chain` holds the certificates in DER, the client's own certificate first. `send_chain`
    /// puts the chain into each assertion (`x5c`); registrations need it that trust a subject name and issuer instead
    /// of a certificate.
    #[must_use]
    pub fn new(key: EncodingKey, chain: &[Vec<u8>], send_chain: bool, algorithm: AssertionAlgorithm) -> Self {
        let own = chain.first().map(Vec::as_slice).unwrap_or_default();
        let thumbprint = |kind: &'static Digest| Some(URL_SAFE_NO_PAD.encode(digest(kind, own).as_ref()));
        let mut header = Header::new(match algorithm {
            AssertionAlgorithm::Ps256 => Algorithm::PS256,
            AssertionAlgorithm::Rs256 => Algorithm::RS256,
        });
        header.x5t_s256 = thumbprint(&SHA256);
        if algorithm == AssertionAlgorithm::Rs256 {
            header.x5t = thumbprint(&SHA1_FOR_LEGACY_USE_ONLY);
        }
        // RFC 7515 §4.1.6: `x5c` uses standard base64, not base64url.
        header.x5c = send_chain.then(|| chain.iter().map(|der| STANDARD.encode(der)).collect());
        Self { key, header, audience: None }
    }

    /// The same certificate with another audience than the token endpoint. Providers differ in what they accept
    /// (RFC 7523 §3 rule 3): some require their issuer.
    #[must_use]
    pub fn with_audience(self, audience: Option<String>) -> Self {
        Self { audience, ..self }
    }

    /// The same certificate with the name by which the issuer knows its key (`kid`, RFC 7515 §4.1.4).
    #[must_use]
    pub fn with_key_id(mut self, key_id: Option<String>) -> Self {
        self.header.kid = key_id;
        self
    }

    /// Signs a new assertion for one try. Signing takes about a millisecond, so it runs outside the async threads.
    pub(super) async fn sign(self: &Arc<Self>, request: &ProofRequest<'_>) -> Result<Secret, Classification> {
        let now = request.clock.now();
        let claims = json!({
            "aud": self.audience.as_deref().unwrap_or(request.token_endpoint.as_str()),
            "iss": request.client_id,
            "sub": request.client_id,
            "jti": request.entropy.uuid(),
            "nbf": now.unix_seconds(),
            "iat": now.unix_seconds(),
            "exp": now.plus(ASSERTION_LIFETIME).unix_seconds(),
        });
        let certificate = Arc::clone(self);
        let sign = move || jsonwebtoken::encode(&certificate.header, &claims, &certificate.key);
        match tokio::task::spawn_blocking(sign).await {
            Ok(Ok(assertion)) => Ok(Secret::new(assertion)),
            _ => Err(unusable_credential("the certificate's key cannot sign: check the key file")),
        }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientCertificate({:?})", self.header.x5t_s256)
    }
}
