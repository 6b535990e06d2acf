use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::{OutboundError, OutboundSettings};

/// The TLS of all clients: the system's certificates are read once, and a session with a host is resumed by every client. The
/// operator's certificates are trusted in addition to the system's.
pub(super) fn build(settings: &OutboundSettings) -> Result<ClientConfig, OutboundError> {
    let provider = Arc::new(default_provider());
    let operators = read_certificates(settings)?;
    let verifier = if operators.is_empty() {
        Verifier::new(Arc::clone(&provider))
    } else {
        Verifier::new_with_extra_roots(operators, Arc::clone(&provider))
    };
    let unusable =
        |_| OutboundError::Settings("the TLS client could not be set up; are CA certificates installed?".into());
    let verifier = Arc::new(verifier.map_err(unusable)?);
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config =
        versions.map_err(unusable)?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn read_certificates(settings: &OutboundSettings) -> Result<Vec<CertificateDer<'static>>, OutboundError> {
    let mut certificates = Vec::new();
    for pem in &settings.ca_certificates_pem {
        let bundle: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| OutboundError::Settings("a CA file is not a PEM bundle of certificates".into()))?;
        if bundle.is_empty() {
            return Err(OutboundError::Settings("a CA file holds no certificate".into()));
        }
        certificates.extend(bundle);
    }
    Ok(certificates)
}
