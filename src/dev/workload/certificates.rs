use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, PublicKeyData,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::dev::error::StageError;
use crate::dev::private_file::write_private_file;
use crate::dev::tenant::RegisteredCertificate;

/// The certificates of the TLS listener, and the client certificate of the apps.
pub(in crate::dev) struct StageCertificates {
    pub(in crate::dev) ca_file: PathBuf,
    pub(in crate::dev) tls: ServerConfig,
    pub(in crate::dev) client: RegisteredCertificate,
}

/// Generates a CA, a certificate for `localhost` and `127.0.0.1`, and a client certificate. Writes the CA certificate and
/// the client certificate with its key into `directory`. Blocks for about 100 ms.
///
/// # Errors
/// When a key cannot be generated or a file cannot be written.
pub(in crate::dev) fn make_certificates(directory: &Path) -> Result<StageCertificates, StageError> {
    fs::create_dir_all(directory).map_err(|source| StageError::File { path: directory.to_owned(), source })?;
    let ca_file = directory.join("stage-ca.pem");
    let ca_key = KeyPair::generate().map_err(StageError::key_material)?;
    let ca_params = ca_params()?;
    let ca = ca_params.self_signed(&ca_key).map_err(StageError::key_material)?;
    write_file(&ca_file, &ca.pem())?;

    let leaf_key = KeyPair::generate().map_err(StageError::key_material)?;
    let issuer = Issuer::new(ca_params, ca_key);
    let leaf = leaf_params()?.signed_by(&leaf_key, &issuer).map_err(StageError::key_material)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der())),
        )?;
    Ok(StageCertificates { ca_file, tls, client: client_certificate(directory)? })
}

fn client_certificate(directory: &Path) -> Result<RegisteredCertificate, StageError> {
    // MSAL signs client assertions with RSA only.
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(StageError::key_material)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "bot-sso stage client");
    let certificate = params.self_signed(&key).map_err(StageError::key_material)?;
    let thumbprint = |algorithm| URL_SAFE_NO_PAD.encode(digest::digest(algorithm, certificate.der()).as_ref());
    let made = RegisteredCertificate {
        certificate_file: directory.join("stage-client-certificate.pem"),
        key_file: directory.join("stage-client-key.pem"),
        thumbprint_sha1: thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        thumbprint_sha256: thumbprint(&digest::SHA256),
        verification: DecodingKey::from_rsa_der(key.der_bytes()),
    };
    write_file(&made.certificate_file, &certificate.pem())?;
    write_private_file(&made.key_file, &key.serialize_pem())?;
    Ok(made)
}

fn ca_params() -> Result<CertificateParams, StageError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(StageError::key_material)?;
    params.distinguished_name.push(DnType::CommonName, "bot-sso local stage CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params() -> Result<CertificateParams, StageError> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).map_err(StageError::key_material)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers (Python 3.13 and later) refuse a certificate without this extension.
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn write_file(path: &Path, text: &str) -> Result<(), StageError> {
    fs::write(path, text).map_err(|source| StageError::File { path: path.to_owned(), source })
}
