use std::path::Path;

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::config::review::{Place, Review};

/// RSA (RFC 3279 §2.3.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Elliptic curves (RFC 5480 §2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curve P-256 (RFC 5480 §2.1.1.1), the only one whose signatures assertions may have.
const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// The least length in bytes of an RSA public key whose modulus has 2048 bits.
const MIN_RSA_BYTES: usize = 266;

/// Reads the public key in the PEM file `path`, by which an application signs assertions.
pub(super) fn assertion_key(path: &Path, review: &mut Review<'_>, place: &Place) -> Option<String> {
    review.refuse_binary_form(path, place)?;
    let text = review.public_file(path, place).and_then(|content| String::from_utf8(content).ok());
    if review.is_reported(place) {
        return None;
    }
    let text = text.unwrap_or_default();
    let message = if text.contains("PRIVATE KEY") {
        "holds a private key, which the application alone may have: write the file with the public key (openssl pkey -in \
         key.pem -pubout), and give the application a new pair if others could read this file"
    } else {
        match SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()) {
            Ok(key) if is_usable(&key) => return Some(text),
            Ok(_) => "holds no key that assertions are checked with: write RSA of 2048 bits or more, or EC on P-256",
            Err(_) => "holds no public key: write a PEM file that begins with -----BEGIN PUBLIC KEY-----",
        }
    };
    review.report(place, message.to_owned());
    None
}

fn is_usable(key: &SubjectPublicKeyInfoDer<'_>) -> bool {
    let Ok(info) = SubjectPublicKeyInfoRef::from_der(key) else { return false };
    match info.algorithm.oid {
        RSA => info.subject_public_key.raw_bytes().len() >= MIN_RSA_BYTES,
        EC => info.algorithm.parameters_oid().is_ok_and(|curve| curve == P_256),
        _ => false,
    }
}
