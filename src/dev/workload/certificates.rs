use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, PublicKeyData,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use crate::dev::error::StageError;
use crate::dev::private_file::write_private_file;
use crate::dev::tenant::RegisteredCertificate;

/// The certificates of the TLS listener, and the client certificate of the apps.
pub(in crate::dev) struct StageCertificates {
    pub(in crate::dev) ca_file: PathBuf,
    pub(in crate::dev) tls: ServerConfig,
    pub(in crate::dev) client: RegisteredCertificate,
    pub(in crate::dev) back_end_key: BackEndKey,
}

/// The key with which the stage's back ends sign their assertions.
pub(in crate::dev) struct BackEndKey {
    pub(in crate::dev) kid: String,
    /// The private key (PKCS#8).
    pub(in crate::dev) private_key_pem: String,
    /// The file with the public key (JWKS).
    pub(in crate::dev) key_set_file: PathBuf,
}

/// Generates a CA, a certificate for `localhost` and `127.0.0.1`, and a client certificate. Writes the CA certificate,
/// the client certificate with its key, and the key set of the back ends into `directory`. Blocks for about 100 ms.
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
    // MSAL signs client assertions with RSA only.
    let client_key = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(StageError::key_material)?;
    let client = client_certificate(directory, &client_key)?;
    let back_end_key = back_end_key(directory, &client_key, &client.thumbprint_sha256)?;
    Ok(StageCertificates { ca_file, tls, client, back_end_key })
}

/// The back ends sign with the key of the client certificate: an RSA key takes long to generate.
fn back_end_key(directory: &Path, key: &KeyPair, kid: &str) -> Result<BackEndKey, StageError> {
    let pair = RsaKeyPair::from_pkcs8(&key.serialize_der()).map_err(StageError::key_material)?;
    let public = pair.public_key();
    let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
    let key_set = json!({"keys": [{
        "kty": "RSA",
        "use": "sig",
        "kid": kid,
        "n": encode(public.modulus().big_endian_without_leading_zero()),
        "e": encode(public.exponent().big_endian_without_leading_zero()),
    }]});
    let key_set_file = directory.join("stage-back-end-keys.json");
    write_file(&key_set_file, &key_set.to_string())?;
    Ok(BackEndKey { kid: kid.to_owned(), private_key_pem: key.serialize_pem(), key_set_file })
}

fn client_certificate(directory: &Path, key: &KeyPair) -> Result<RegisteredCertificate, StageError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "bot-sso stage client");
    let certificate = params.self_signed(key).map_err(StageError::key_material)?;
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
