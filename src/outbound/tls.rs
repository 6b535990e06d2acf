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
    let verifier = Verifier::new_with_extra_roots(read_certificates(settings)?, Arc::clone(&provider));
    let verifier = verifier.map_err(|error| unusable(&error))?;
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let verifying =
        versions.map_err(|error| unusable(&error))?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = verifying.with_no_client_auth();
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

fn unusable(error: &rustls::Error) -> OutboundError {
    let text = match error {
        rustls::Error::InvalidCertificate(_) => "a CA file holds a certificate that cannot be read: replace it",
        _ => "the TLS client could not be set up: are CA certificates installed (the package ca-certificates)?",
    };
    OutboundError::Settings(text.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::net::TcpListener;
    use std::time::Duration;

    use actix_web::{App, HttpResponse, HttpServer, web};
    use tokio::time::Instant;
    use url::Url;

    use super::super::Outbound;
    use super::*;

    fn settings(ca_certificates_pem: Vec<Vec<u8>>) -> OutboundSettings {
        OutboundSettings {
            ca_certificates_pem,
            connect_timeout: Duration::from_secs(2),
            private_hosts: vec!["localhost".into()],
            ..OutboundSettings::default()
        }
    }

    #[actix_web::test]
    async fn self_signed_certificate_is_trusted_only_when_it_is_configured() {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = key.cert.pem().into_bytes();
        let private = rustls::pki_types::PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
        let tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
        let server = HttpServer::new(|| App::new().route("/", web::to(HttpResponse::ImATeapot))).workers(1);
        tokio::spawn(server.listen_rustls_0_23(listener, tls).unwrap().disable_signals().run());

        let deadline = Instant::now() + Duration::from_secs(5);
        let stranger = Outbound::new(&settings(Vec::new())).unwrap();
        assert_eq!(stranger.get(&url, deadline, 10).await, Err(OutboundError::Unreachable));
        let trusting = Outbound::new(&settings(vec![pem])).unwrap();
        assert_eq!(trusting.get(&url, deadline, 10).await.unwrap().status, 418);
    }

    #[test]
    fn a_ca_file_that_cannot_be_used_is_refused_by_what_is_wrong_with_it() {
        let cases = [
            ("not a certificate", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "not a PEM bundle"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        ];
        for (pem, reason) in cases {
            match Outbound::new(&settings(vec![pem.into()])) {
                Err(OutboundError::Settings(text)) => assert!(text.contains(reason), "{text}"),
                other => panic!("{pem}: {other:?}"),
            }
        }
    }
}
