use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::EncodingKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::config::review::{Place, Review, read_private};
use crate::domain::{Clock as _, CredentialEnd, SystemClock, Timestamp};

use super::owner::CredentialOwner;

/// A certificate with which an application authenticates. The key is an RSA key and belongs to the certificate.
#[derive(Clone)]
pub struct CertificateSection {
    /// The private key.
    pub key: EncodingKey,
    /// The certificates in DER form, the application's own first; never empty.
    pub chain: Vec<Vec<u8>>,
    /// Whether every assertion includes the chain (`x5c`).
    pub send_chain: bool,
    /// Whether assertions are signed with RS256 and carry `x5t`, instead of PS256.
    pub rs256: bool,
    /// `aud` of every assertion; `None` for the address of the token endpoint.
    pub audience: Option<String>,
    /// `kid` of every assertion, if the provider knows the key by a name.
    pub key_id: Option<String>,
}

// The certificates are public, but too long for a log line.
impl fmt::Debug for CertificateSection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CertificateSection({} certificates)", self.chain.len())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawCertificate {
    file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    send_chain: bool,
    algorithm: RawAlgorithm,
    audience: Option<String>,
    kid: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum RawAlgorithm {
    #[default]
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "RS256")]
    Rs256,
}

impl RawCertificate {
    pub(super) fn validate(
        self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<CertificateSection> {
        let audience = self.assertion_audience(owner, review, place);
        let key_id = self.kid.clone();
        let at = place.key("file");
        let write = "the path of a PEM file with the certificate (and, without key_file, its private key)";
        let file = review.required(self.file, &at, write)?;
        let key_place = place.key("key_file");
        let file_is_text = review.refuse_binary_form(&file, &at);
        let key_is_text = self.key_file.as_ref().map_or(Some(()), |path| review.refuse_binary_form(path, &key_place));
        file_is_text.and(key_is_text)?;
        let (chain, key) = if let Some(key_file) = &self.key_file {
            let chain = review.public_file(&file, &at).and_then(|pem| read_chain(&pem, review, &at));
            let key = private_text(key_file, review, &key_place).and_then(|pem| read_key(&pem, review, &key_place));
            (chain, key)
        } else {
            let both = private_text(&file, review, &at)?;
            (read_chain(both.as_bytes(), review, &at), read_key(&both, review, &at))
        };
        let (chain, key) = (chain?, key?);
        let key_place = if self.key_file.is_some() { &key_place } else { &at };
        let certificate = read_certificate(chain.first()?, review, &at)?;
        check_key(&certificate, &key, review, key_place)?;
        warn_about_dates(&certificate, review, &at);
        review.note_end(place, read_end(&certificate));
        let rs256 = self.algorithm == RawAlgorithm::Rs256;
        Some(CertificateSection { key: key.signing, chain, send_chain: self.send_chain, rs256, audience, key_id })
    }

    /// `aud` of assertions, and the checks of `audience` and `kid`. Entra requires its token endpoint as the audience
    /// and finds the key by the certificate's thumbprint.
    fn assertion_audience(
        &self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<String> {
        for (key, written) in [("audience", &self.audience), ("kid", &self.kid)] {
            let Some(written) = written else { continue };
            if owner.openid_issuer.is_none() {
                let message = "belongs to certificates at providers of kind \"oidc\" alone: leave it out";
                review.report(&place.key(key), message.to_owned());
            } else if written.is_empty() || written.chars().any(char::is_control) {
                review.report(&place.key(key), format!("is no {key}: write it as the provider expects it"));
            }
        }
        match self.audience.as_deref()? {
            "token_endpoint" => None,
            "issuer" => owner.openid_issuer.map(str::to_owned),
            other => Some(other.to_owned()),
        }
    }
}

fn private_text(path: &Path, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let path = review.resolve(path);
    read_private(&path).map_err(|message| review.report(place, message)).ok()
}

fn read_chain(pem: &[u8], review: &mut Review<'_>, place: &Place) -> Option<Vec<Vec<u8>>> {
    let chain: Option<Vec<_>> =
        CertificateDer::pem_slice_iter(pem).map(|found| found.ok().map(|der| der.to_vec())).collect();
    let chain = chain.filter(|chain| !chain.is_empty());
    if chain.is_none() {
        review.report(place, "holds no certificate: write a PEM file with BEGIN CERTIFICATE in it".to_owned());
    }
    chain
}

/// A private key and its public half.
struct RsaKey {
    signing: EncodingKey,
    /// In DER form (PKCS#1).
    public: Vec<u8>,
}

fn read_key(pem: &str, review: &mut Review<'_>, place: &Place) -> Option<RsaKey> {
    let Ok(der) = PrivateKeyDer::from_pem_slice(pem.as_bytes()) else {
        let message = "holds no private key: write a PEM file with BEGIN PRIVATE KEY in it, not encrypted";
        review.report(place, message.to_owned());
        return None;
    };
    let (pair, label) = match &der {
        PrivateKeyDer::Pkcs1(key) => (RsaKeyPair::from_der(key.secret_pkcs1_der()).ok(), "RSA PRIVATE KEY"),
        PrivateKeyDer::Pkcs8(key) => (RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok(), "PRIVATE KEY"),
        _ => (None, ""),
    };
    // The signing crate requires a PEM text with the key alone.
    let alone = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der.secret_der()));
    let key = EncodingKey::from_rsa_pem(alone.as_bytes()).ok();
    let (Some(pair), Some(key)) = (pair, key) else {
        let message = "holds no RSA key of 2048 bits or more, and Entra takes no other: make a new pair with openssl req \
                       -newkey rsa:2048";
        review.report(place, message.to_owned());
        return None;
    };
    Some(RsaKey { signing: key, public: pair.public_key().as_ref().to_vec() })
}

fn read_certificate(der: &[u8], review: &mut Review<'_>, place: &Place) -> Option<Certificate> {
    let certificate = Certificate::from_der(der);
    if certificate.is_err() {
        review.report(place, "holds a certificate that cannot be read: write it as the issuer gave it".to_owned());
    }
    certificate.ok()
}

/// Reports a key that does not belong to the certificate.
fn check_key(certificate: &Certificate, key: &RsaKey, review: &mut Review<'_>, place: &Place) -> Option<()> {
    let certified = &certificate.tbs_certificate().subject_public_key_info().subject_public_key;
    if certified.raw_bytes() == key.public {
        return Some(());
    }
    let message = "holds another key than the certificate is for: write the key that it was issued for (the \
                   application's own certificate comes first in its file)";
    review.report(place, message.to_owned());
    None
}

fn read_end(certificate: &Certificate) -> Timestamp {
    to_timestamp(certificate.tbs_certificate().validity().not_after)
}

fn to_timestamp(time: x509_cert::time::Time) -> Timestamp {
    Timestamp::from_unix_millis(0).plus(time.to_unix_duration())
}

fn warn_about_dates(certificate: &Certificate, review: &mut Review<'_>, place: &Place) {
    let validity = certificate.tbs_certificate().validity();
    let (now, begins) = (SystemClock.now(), to_timestamp(validity.not_before));
    let end = CredentialEnd { place: place.as_str().to_owned(), ends: read_end(certificate) };
    let date = validity.not_after.to_date_time();
    if end.ends <= now {
        review.warn(place, format!("has expired (on {date}): make a new certificate and upload it to the application"));
    } else if end.days_left(now) <= CredentialEnd::WARNING_DAYS {
        review
            .warn(place, format!("expires soon (on {date}): make a new certificate and upload it to the application"));
    } else if now < begins {
        review.warn(place, "is not valid yet: check its dates, and this machine's clock".to_owned());
    }
}
