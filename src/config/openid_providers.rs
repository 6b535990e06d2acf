use url::Url;

use super::addresses::{KeySource, PlainHttp};
use super::channels::WrittenKeys;
use super::identity_providers::RawIdentityProvider;
use super::problems::Place;
use super::review::Review;

/// Any `OpenID` Connect provider that users sign in to.
#[derive(Clone, Debug)]
pub struct OpenIdSection {
    /// Its name in configuration.
    pub name: String,
    /// `iss`, letter by letter.
    pub issuer: String,
    /// Where its discovery document is.
    pub metadata_url: Url,
    /// Where its keys are.
    pub keys: KeySource,
    /// Where browsers are sent, if that is not left to the document.
    pub authorization_endpoint: Option<Url>,
    /// Where grants are redeemed, if that is not left to the document.
    pub token_endpoint: Option<Url>,
}

impl RawIdentityProvider {
    /// As one of kind `oidc`.
    pub(super) fn validate_openid(self, name: &str, review: &mut Review<'_>, place: &Place) -> Option<OpenIdSection> {
        let of_entra = [
            ("authority", self.authority.is_some(), "write issuer"),
            ("v1_issuer", self.v1_issuer.is_some(), "leave it out"),
            ("authenticates_callers", self.authenticates_callers.is_some(), "bots get their tokens from Entra"),
        ];
        for (key, _, instead) in of_entra.iter().filter(|(_, is_written, _)| *is_written) {
            review.report(&place.key(key), format!("belongs to providers of kind \"entra\" alone: {instead}"));
        }
        let plain = match self.allow_insecure_http {
            Some(true) => PlainHttp::Allowed,
            _ => PlainHttp::Loopback,
        };
        let at = place.key("issuer");
        let issuer = review.required(self.issuer, &at, "the provider's issuer, as \"https://login.example.com/realm\"");
        let issuer = issuer.filter(|text| issuer_is_in_order(text, plain, review, &at));
        let mut address = |text: Option<String>, key: &str| match text {
            Some(text) => review.address(&text, plain, &place.key(key)).map(Some),
            None => Some(None),
        };
        let authorization_endpoint = address(self.authorization_endpoint, "authorization_endpoint");
        let token_endpoint = address(self.token_endpoint, "token_endpoint");
        let metadata_url = address(self.metadata_url.clone(), "metadata_url");
        let issuer = issuer?;
        let metadata_url = match metadata_url? {
            Some(written) => written,
            None => Url::parse(&discovery_document_of(&issuer)).ok()?,
        };
        let written = WrittenKeys { metadata_url: self.metadata_url, jwks_url: self.jwks_url };
        let keys = written.validate_or(Some(KeySource::Metadata(metadata_url.clone())), plain, review, place);
        Some(OpenIdSection {
            name: name.to_owned(),
            issuer,
            metadata_url,
            keys: keys?,
            authorization_endpoint: authorization_endpoint?,
            token_endpoint: token_endpoint?,
        })
    }
}

fn issuer_is_in_order(text: &str, plain: PlainHttp, review: &mut Review<'_>, place: &Place) -> bool {
    let Some(url) = review.address(text, plain, place) else { return false };
    if url.query().is_some() || text.contains("/.well-known/") {
        review.report(place, format!("{text:?} is no issuer: write what the provider's document calls \"issuer\""));
        return false;
    }
    true
}

/// `OpenID` Connect Discovery §4.1: a slash at the end goes.
fn discovery_document_of(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}
