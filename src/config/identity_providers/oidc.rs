use url::Url;

use crate::config::review::{KeySource, Place, PlainHttp, Review, WrittenKeys};

use super::raw::RawIdentityProvider;

/// An `OpenID` Connect provider where users sign in.
#[derive(Clone, Debug)]
pub struct OpenIdSection {
    /// The provider's name in the configuration.
    pub name: String,
    /// `iss` of its tokens, compared exactly.
    pub issuer: String,
    /// The address of its discovery document.
    pub metadata_url: Url,
    /// The source of the keys that sign its tokens.
    pub keys: KeySource,
    /// Where browsers are sent to sign in; `None` to use the discovery document's address.
    pub authorization_endpoint: Option<Url>,
    /// Where grants are redeemed; `None` to use the discovery document's address.
    pub token_endpoint: Option<Url>,
    /// Where users' names are asked for; `None` to use the discovery document's address.
    pub userinfo_endpoint: Option<Url>,
    /// Where tokens are revoked; `None` to use the discovery document's address.
    pub revocation_endpoint: Option<Url>,
}

/// A provider of kind `oidc`.
pub(super) fn validate(
    raw: RawIdentityProvider,
    name: &str,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<OpenIdSection> {
    refuse_entra_keys(&raw, review, place);
    raw.options().validate(review, place);
    let plain = match raw.allow_insecure_http {
        Some(true) => PlainHttp::Allowed,
        _ => PlainHttp::Loopback,
    };
    let at = place.key("issuer");
    let issuer = review.required(raw.issuer, &at, "the provider's issuer, as \"https://login.example.com/realm\"");
    let issuer = issuer.filter(|text| issuer_is_in_order(text, plain, review, &at));
    let mut address = |text: Option<String>, key: &str| match text {
        Some(text) => review.address(&text, plain, &place.key(key)).map(Some),
        None => Some(None),
    };
    let authorization_endpoint = address(raw.authorization_endpoint, "authorization_endpoint");
    let token_endpoint = address(raw.token_endpoint, "token_endpoint");
    let userinfo_endpoint = address(raw.userinfo_endpoint, "userinfo_endpoint");
    let revocation_endpoint = address(raw.revocation_endpoint, "revocation_endpoint");
    let metadata_url = address(raw.metadata_url.clone(), "metadata_url");
    let issuer = issuer?;
    let metadata_url = match metadata_url? {
        Some(written) => written,
        None => Url::parse(&build_discovery_url(&issuer)).ok()?,
    };
    let written = WrittenKeys { metadata_url: raw.metadata_url, jwks_url: raw.jwks_url };
    let keys = written.validate_or_default(Some(KeySource::Metadata(metadata_url.clone())), plain, review, place);
    Some(OpenIdSection {
        name: name.to_owned(),
        issuer,
        metadata_url,
        keys: keys?,
        authorization_endpoint: authorization_endpoint?,
        token_endpoint: token_endpoint?,
        userinfo_endpoint: userinfo_endpoint?,
        revocation_endpoint: revocation_endpoint?,
    })
}

fn refuse_entra_keys(raw: &RawIdentityProvider, review: &mut Review<'_>, place: &Place) {
    let of_entra = [
        ("authority", raw.authority.is_some(), "write issuer"),
        ("v1_issuer", raw.v1_issuer.is_some(), "leave it out"),
        ("authenticates_callers", raw.authenticates_callers.is_some(), "bots get their tokens from Entra"),
    ];
    for (key, _, instead) in of_entra.iter().filter(|(_, is_written, _)| *is_written) {
        review.report(&place.key(key), format!("belongs to providers of kind \"entra\" alone: {instead}"));
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

/// `OpenID` Connect Discovery §4.1 removes a slash at the issuer's end.
fn build_discovery_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}
