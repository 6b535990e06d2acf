use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm};

/// The algorithms that ID tokens of providers of kind `oidc` may be signed with: all asymmetric ones of RFC 7518 §3.1
/// and RFC 8037 that the JWT crate verifies, by the names of headers, of the crate, and of keys. It knows no `ES512`. A symmetric algorithm would make every public key a
/// signing key (RFC 8725 §3.1).
const ASYMMETRIC: [(&str, Algorithm, KeyAlgorithm); 9] = [
    ("RS256", Algorithm::RS256, KeyAlgorithm::RS256),
    ("RS384", Algorithm::RS384, KeyAlgorithm::RS384),
    ("RS512", Algorithm::RS512, KeyAlgorithm::RS512),
    ("PS256", Algorithm::PS256, KeyAlgorithm::PS256),
    ("PS384", Algorithm::PS384, KeyAlgorithm::PS384),
    ("PS512", Algorithm::PS512, KeyAlgorithm::PS512),
    ("ES256", Algorithm::ES256, KeyAlgorithm::ES256),
    ("ES384", Algorithm::ES384, KeyAlgorithm::ES384),
    ("EdDSA", Algorithm::EdDSA, KeyAlgorithm::EdDSA),
];

/// Which tokens and keys of an issuer are considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignaturePolicy {
    /// RS256 with a named key: what Entra and the Bot Framework use. A short list leaves no room for a confusion of
    /// algorithms.
    Rs256WithKeyId,
    /// Any asymmetric algorithm that the issuer announces. A token may leave its key unnamed if only one key fits.
    AnnouncedAsymmetric,
    /// As `AnnouncedAsymmetric`, for the JWTs by which clients authenticate.
    ClientAssertion,
    /// As `AnnouncedAsymmetric`, for the logout tokens of providers.
    LogoutToken,
}

impl SignaturePolicy {
    /// The algorithm that a token's header calls `name`, if this policy considers it.
    pub(super) fn find(self, name: &str) -> Option<Algorithm> {
        match self {
            Self::Rs256WithKeyId => (name == "RS256").then_some(Algorithm::RS256),
            Self::AnnouncedAsymmetric | Self::ClientAssertion | Self::LogoutToken => find_asymmetric(name),
        }
    }

    /// Whether a token of this policy may state the type `typ`, without a leading `application/`. A JWT by which a client
    /// authenticates, or a logout token, is never an access token.
    pub(super) fn admits_type(self, typ: &str) -> bool {
        let of_kind = match self {
            Self::Rs256WithKeyId | Self::AnnouncedAsymmetric => "at+jwt",
            Self::ClientAssertion => "client-authentication+jwt",
            Self::LogoutToken => "logout+jwt",
        };
        ["JWT", of_kind].iter().any(|admitted| typ.eq_ignore_ascii_case(admitted))
    }

    pub(super) fn needs_key_id(self) -> bool {
        self == Self::Rs256WithKeyId
    }

    /// The algorithms that `key` may verify: those of its type and curve, cut to its `alg` if it has one. A key never
    /// verifies an algorithm of another type, whatever a token's header says.
    pub(super) fn algorithms_of(self, key: &Jwk) -> Vec<Algorithm> {
        let named = key.common.key_algorithm;
        let fits = |algorithm: &Algorithm| is_for_type(&key.algorithm, *algorithm);
        let considered = ASYMMETRIC
            .iter()
            .filter(|(name, _, of_key)| self.find(name).is_some() && named.is_none_or(|named| named == *of_key));
        considered.map(|(_, algorithm, _)| *algorithm).filter(fits).collect()
    }
}

/// The name of an asymmetric algorithm in headers and announcements.
pub(super) fn name_asymmetric(algorithm: Algorithm) -> Option<&'static str> {
    ASYMMETRIC.iter().find(|(_, known, _)| *known == algorithm).map(|(name, ..)| *name)
}

/// The algorithms among `announced` (`id_token_signing_alg_values_supported`) that may be used. `None` if nothing was
/// announced, although providers must (`OpenID` Connect Discovery §3): then each key's own algorithms count.
pub(super) fn read_announced(announced: Option<&[String]>) -> Option<Vec<Algorithm>> {
    announced.map(|names| names.iter().filter_map(|name| find_asymmetric(name)).collect())
}

fn find_asymmetric(name: &str) -> Option<Algorithm> {
    ASYMMETRIC.iter().find(|(known, ..)| *known == name).map(|(_, algorithm, _)| *algorithm)
}

fn is_for_type(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match key {
        AlgorithmParameters::RSA(_) => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => algorithm == ES256,
            EllipticCurve::P384 => algorithm == ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(parameters) => {
            parameters.curve == EllipticCurve::Ed25519 && algorithm == EdDSA
        }
        _ => false,
    }
}
