use std::path::PathBuf;

use jsonwebtoken::DecodingKey;

/// A self-signed certificate, registered for every app that has a secret. Apps authenticate with it by `private_key_jwt`.
#[derive(Clone)]
pub struct RegisteredCertificate {
    /// PEM file of the certificate.
    pub certificate_file: PathBuf,
    /// PEM file of the private key (PKCS#8).
    pub key_file: PathBuf,
    /// SHA-1 of the DER, base64url without padding (`x5t`).
    pub thumbprint_sha1: String,
    /// SHA-256 of the DER, base64url without padding (`x5t#S256`).
    pub thumbprint_sha256: String,
    pub(in crate::dev) verification: DecodingKey,
}
