use url::Url;

use super::addresses::PlainHttp;
use super::findings::Review;
use super::place::Place;

/// The document from which an issuer's keys are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A JSON Web Key Set.
    Jwks(Url),
    /// An `OpenID` discovery document that names the key set.
    Metadata(Url),
}

impl KeySource {
    /// The address that is fetched first.
    #[must_use]
    pub fn address(&self) -> &Url {
        match self {
            Self::Jwks(address) | Self::Metadata(address) => address,
        }
    }
}

/// The keys `metadata_url` and `jwks_url` of a section, as written. `jwks_url` takes precedence.
pub(in crate::config) struct WrittenKeys {
    pub(in crate::config) metadata_url: Option<String>,
    pub(in crate::config) jwks_url: Option<String>,
}

impl WrittenKeys {
    /// The source that the keys name, or `default` if both are missing.
    pub(in crate::config) fn validate_or_default(
        self,
        default: Option<KeySource>,
        plain: PlainHttp,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<KeySource> {
        if self.metadata_url.is_none() && self.jwks_url.is_none() {
            return default;
        }
        let metadata = self.metadata_url.map(|text| review.address(&text, plain, &place.key("metadata_url")));
        let jwks = self.jwks_url.map(|text| review.address(&text, plain, &place.key("jwks_url")));
        let metadata = metadata.flatten().map(KeySource::Metadata);
        jwks.map_or(metadata, |address| address.map(KeySource::Jwks))
    }
}

/// The key set that the metadata document at `address`, a default of bot-sso, names.
pub(in crate::config) fn metadata_at(address: &str) -> Option<KeySource> {
    Url::parse(address).ok().map(KeySource::Metadata)
}
