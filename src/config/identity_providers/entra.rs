use url::Url;

use crate::config::review::{
    CloudDefaults, KeySource, Place, PlainHttp, Proposal, Review, WrittenKeys, find_host_name, metadata_at,
};

use super::raw::RawIdentityProvider;

/// A Microsoft Entra cloud, or a service that imitates one, where users sign in.
#[derive(Clone, Debug)]
pub struct EntraSection {
    /// The provider's name in the configuration.
    pub name: String,
    /// The login host, without a trailing slash.
    pub authority: String,
    /// `iss` of v2.0 tokens, with the placeholder `{tenantid}`.
    pub issuer: String,
    /// `iss` of v1.0 tokens, with the placeholder `{tenantid}`.
    pub v1_issuer: String,
    /// The source of the keys that sign its tokens.
    pub keys: KeySource,
    /// Where grants are redeemed, with the placeholder `{tenant}`.
    pub token_endpoint: String,
    /// Where browsers are sent to sign in, with the placeholder `{tenant}`.
    pub authorization_endpoint: String,
    /// Whether its app tokens authenticate callers: parent bots, bots at the Token Service, the emulator.
    pub authenticates_callers: bool,
}

impl EntraSection {
    /// The token endpoint of `tenant`, a GUID or a domain. The template was checked with a GUID in the tenant's place;
    /// a domain is a valid path segment as well.
    pub(in crate::config) fn build_token_endpoint(&self, tenant: &str) -> Option<Url> {
        Url::parse(&self.token_endpoint.replace("{tenant}", tenant)).ok()
    }
}

/// Whether the provider is the cloud's own.
pub(super) fn is_clouds_own(raw: &RawIdentityProvider, cloud: &CloudDefaults) -> bool {
    raw.authority.as_deref().is_none_or(|authority| authority.trim_end_matches('/') == cloud.authority)
}

/// A provider of kind `entra`.
pub(super) fn validate(
    raw: RawIdentityProvider,
    name: &str,
    cloud: &CloudDefaults,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<EntraSection> {
    refuse_openid_keys(&raw, review, place);
    let plain = PlainHttp::of_section(raw.allow_insecure_http);
    let authority = authority(raw.authority, cloud, plain, review, &place.key("authority"))?;
    let with_authority = |text: String| text.replace("{authority}", &authority);
    let mut issuer = |written: Option<String>, default: &str, key: &str| {
        let written = written.unwrap_or_else(|| default.to_owned());
        let issuer = with_authority(written.clone());
        check_slash(&written, &issuer, review, &place.key(key));
        review.issuer_template(&issuer, "tenantid", &place.key(key))
    };
    let v1_issuer = issuer(raw.v1_issuer, cloud.v1_issuer, "v1_issuer");
    let issuer = issuer(raw.issuer, "{authority}/{tenantid}/v2.0", "issuer");
    let written =
        WrittenKeys { metadata_url: raw.metadata_url.map(with_authority), jwks_url: raw.jwks_url.map(with_authority) };
    // The v2.0 discovery document that serves every tenant (docs/protocols/entra-obo.md §1 rule 9).
    let default_keys = metadata_at(&format!("{authority}/common/v2.0/.well-known/openid-configuration"));
    let keys = written.validate_or_default(default_keys, plain, review, place);
    let mut endpoint = |written: Option<String>, key: &str, last: &str| {
        let Some(written) = written.map(with_authority) else {
            return Some(format!("{authority}/{{tenant}}/oauth2/v2.0/{last}"));
        };
        review.address_template(&written, "tenant", plain, &place.key(key))
    };
    let token_endpoint = endpoint(raw.token_endpoint, "token_endpoint", "token");
    let authorization_endpoint = endpoint(raw.authorization_endpoint, "authorization_endpoint", "authorize");
    Some(EntraSection {
        name: name.to_owned(),
        issuer: issuer?,
        v1_issuer: v1_issuer?,
        keys: keys?,
        token_endpoint: token_endpoint?,
        authorization_endpoint: authorization_endpoint?,
        authority,
        authenticates_callers: raw.authenticates_callers == Some(true),
    })
}

fn refuse_openid_keys(raw: &RawIdentityProvider, review: &mut Review<'_>, place: &Place) {
    let of_openid = [
        ("userinfo_endpoint", raw.userinfo_endpoint.is_some()),
        ("revocation_endpoint", raw.revocation_endpoint.is_some()),
        ("authorize_params", raw.authorize_params.is_some()),
        ("prompt", raw.prompt.is_some()),
        ("client_auth", raw.client_auth.is_some()),
    ];
    for (key, _) in of_openid.iter().filter(|(_, is_written)| *is_written) {
        review.report(&place.key(key), "belongs to providers of kind \"oidc\" alone: leave it out".to_owned());
    }
}

/// Reports an issuer of Microsoft's own hosts that has a slash at its end or lacks one. Tokens of version 2.0 have none
/// there and those of version 1.0 have one, and both are compared exactly. Issuers of other hosts, such as those of Azure
/// AD B2C, may end in either way.
fn check_slash(written: &str, issuer: &str, review: &mut Review<'_>, place: &Place) {
    let host = issuer.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let (has_slash, is_second) = (issuer.ends_with('/'), issuer.trim_end_matches('/').ends_with("/v2.0"));
    let is_first = is_first_issuer(&host);
    if is_login_host(&host) && is_second && has_slash {
        let complaint = format!("{written:?} has a slash at its end, and the issuer of tokens of version 2.0 has none");
        review.propose(place, complaint, Proposal::text(place, written.trim_end_matches('/')));
    } else if is_first && !is_second && !has_slash {
        let complaint = format!("{written:?} lacks the slash at the end of the issuer of tokens of version 1.0");
        review.propose(place, complaint, Proposal::text(place, format!("{written}/")));
    }
}

/// Whether `host`, in lower case, is where users of Microsoft's clouds sign in.
fn is_login_host(host: &str) -> bool {
    let is_former = matches!(host, "login.windows.net" | "login.microsoft.com" | "login.chinacloudapi.cn");
    is_former || host.starts_with("login.") && host.contains("microsoftonline.") || host.ends_with(".ciamlogin.com")
}

/// Whether `host`, in lower case, is that of the issuer of tokens of version 1.0.
fn is_first_issuer(host: &str) -> bool {
    matches!(host, "sts.windows.net" | "sts.chinacloudapi.cn")
}

/// The login host. On Microsoft's own hosts every path is a tenant's or an endpoint's; a service that imitates Entra may
/// have a path in front of the tenant.
fn authority(
    written: Option<String>,
    cloud: &CloudDefaults,
    plain: PlainHttp,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<String> {
    let Some(text) = written else { return Some(cloud.authority.to_owned()) };
    let url = review.address(&text, plain, place)?;
    let names_tenant = |segment: &str| {
        matches!(segment.to_ascii_lowercase().as_str(), "common" | "organizations" | "consumers")
            || uuid::Uuid::try_parse(segment).is_ok()
    };
    let host = find_host_name(&url);
    let is_microsofts = is_login_host(&host) || is_first_issuer(&host);
    let has_path = is_microsofts && url.path() != "/";
    if url.query().is_some() || has_path || url.path().split('/').any(names_tenant) {
        let proposal = Proposal::text(place, url.origin().ascii_serialization());
        review.propose(place, format!("{text:?} names a tenant or a path, and stands for the host alone"), proposal);
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}
