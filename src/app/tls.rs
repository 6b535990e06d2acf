use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsPair;

/// The server's certificate, which can be replaced while the server runs.
#[derive(Debug)]
pub(super) struct RenewableCertificate {
    pair: TlsPair,
    current: ArcSwap<CertifiedKey>,
}

impl RenewableCertificate {
    pub(super) fn load(pair: &TlsPair) -> Result<Self, String> {
        Ok(Self { pair: pair.clone(), current: ArcSwap::from_pointee(load_pair(pair)?) })
    }

    /// Reads the files again. Connections that are opened from now on get the new certificate.
    pub(super) fn renew(&self) -> Result<(), String> {
        self.current.store(Arc::new(load_pair(&self.pair)?));
        Ok(())
    }

    pub(super) fn server_config(self: &Arc<Self>) -> Result<ServerConfig, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let resolver: Arc<dyn ResolvesServerCert> = self.clone();
        Ok(versions.map_err(|error| error.to_string())?.with_no_client_auth().with_cert_resolver(resolver))
    }
}

impl ResolvesServerCert for RenewableCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn load_pair(pair: &TlsPair) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&pair.certificate_file)
        .map_err(|error| format!("certificate_file: {error}"))?
        .collect();
    let chain = chain.map_err(|error| format!("certificate_file: {error}"))?;
    let key = PrivateKeyDer::from_pem_file(&pair.key_file).map_err(|error| format!("key_file: {error}"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("the pair cannot be used: {error}"))
}
