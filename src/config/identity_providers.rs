use std::collections::BTreeMap;

use serde::Deserialize;

use super::addresses::{KeySource, PlainHttp};
use super::channels::{WrittenKeys, metadata_at};
use super::cloud::CloudDefaults;
use super::openid_providers::OpenIdSection;
use super::problems::Place;
use super::review::Review;

/// What the one provider is called when none is configured.
const DEFAULT_NAME: &str = "entra";

/// A Microsoft Entra (or a stand-in for it) that users sign in to.
#[derive(Clone, Debug)]
pub struct EntraSection {
    /// Its name in configuration.
    pub name: String,
    /// The login host, without a trailing slash.
    pub authority: String,
    /// `iss` of v2.0 tokens; holds `{tenantid}`.
    pub issuer: String,
    /// `iss` of v1.0 tokens; holds `{tenantid}`.
    pub v1_issuer: String,
    /// Where its keys are.
    pub keys: KeySource,
    /// Where grants are redeemed; holds `{tenant}`.
    pub token_endpoint: String,
    /// Where browsers are sent; holds `{tenant}`.
    pub authorization_endpoint: String,
    /// Whether its app tokens prove who calls: parent bots, the bots at the Token Service, the emulator.
    pub authenticates_callers: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    #[default]
    Entra,
    Oidc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawIdentityProvider {
    pub(super) kind: Kind,
    pub(super) authority: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) v1_issuer: Option<String>,
    pub(super) metadata_url: Option<String>,
    pub(super) jwks_url: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) allow_insecure_http: Option<bool>,
    pub(super) authenticates_callers: Option<bool>,
}

/// Where no provider of kind `entra` is written there is one, with the cloud's defaults: bots get their tokens there,
/// wherever else users sign in.
pub(super) fn complete(raw: &mut BTreeMap<String, RawIdentityProvider>) {
    if raw.values().all(|provider| provider.kind != Kind::Entra) {
        raw.entry(DEFAULT_NAME.to_owned()).or_default();
    }
}

/// The configured providers, each kind by itself.
pub(super) struct ValidatedProviders {
    pub(super) entra: BTreeMap<String, EntraSection>,
    pub(super) openid: BTreeMap<String, OpenIdSection>,
}

/// The names that are written, whether or not the rest of their section is in order.
pub(super) fn names_of(raw: &BTreeMap<String, RawIdentityProvider>, kind: Kind) -> Vec<String> {
    raw.iter().filter(|(_, provider)| provider.kind == kind).map(|(name, _)| name.clone()).collect()
}

pub(super) fn validate(
    raw: BTreeMap<String, RawIdentityProvider>,
    defaults: &CloudDefaults,
    review: &mut Review<'_>,
) -> ValidatedProviders {
    let is_only_one = names_of(&raw, Kind::Entra).len() == 1;
    let mut validated = ValidatedProviders { entra: BTreeMap::new(), openid: BTreeMap::new() };
    for (name, mut provider) in raw {
        let place = Place::section("identity_providers").key(&name);
        if provider.kind == Kind::Oidc {
            validated.openid.extend(provider.validate_openid(&name, review, &place).map(|section| (name, section)));
            continue;
        }
        // Whoever runs an authority of its own could else pose as any bot: only the cloud's is believed unasked.
        let is_clouds_own =
            provider.authority.as_deref().is_none_or(|it| it.trim_end_matches('/') == defaults.authority);
        provider.authenticates_callers.get_or_insert(is_only_one || is_clouds_own);
        let section = provider.validate(name.clone(), defaults, review, &place);
        validated.entra.extend(section.map(|section| (name, section)));
    }
    let some_in_order = !validated.entra.is_empty() || !validated.openid.is_empty();
    if some_in_order && !validated.entra.values().any(|provider| provider.authenticates_callers) {
        let message = "has none that authenticates callers, so that no bot can call the Token Service: write \
                       authenticates_callers = true in the one that issues your bots' tokens (of kind \"entra\")";
        review.warn(&Place::section("identity_providers"), message.to_owned());
    }
    validated
}

impl RawIdentityProvider {
    fn validate(
        self,
        name: String,
        defaults: &CloudDefaults,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<EntraSection> {
        let plain = PlainHttp::of_section(self.allow_insecure_http);
        let authority = authority(self.authority, defaults, plain, review, &place.key("authority"))?;
        let with_authority = |text: String| text.replace("{authority}", &authority);
        let issuer = with_authority(self.issuer.unwrap_or_else(|| "{authority}/{tenantid}/v2.0".to_owned()));
        let issuer = review.issuer_template(&issuer, "tenantid", &place.key("issuer"));
        let v1_issuer = with_authority(self.v1_issuer.unwrap_or_else(|| defaults.v1_issuer.to_owned()));
        let v1_issuer = review.issuer_template(&v1_issuer, "tenantid", &place.key("v1_issuer"));
        let written = WrittenKeys {
            metadata_url: self.metadata_url.map(with_authority),
            jwks_url: self.jwks_url.map(with_authority),
        };
        // The v2.0 discovery document that serves every tenant (entra-obo §1 rule 9).
        let default_keys = metadata_at(&format!("{authority}/common/v2.0/.well-known/openid-configuration"));
        let keys = written.validate_or(default_keys, plain, review, place);
        let mut endpoint = |written: Option<String>, key: &str, last: &str| {
            let Some(written) = written.map(with_authority) else {
                return Some(format!("{authority}/{{tenant}}/oauth2/v2.0/{last}"));
            };
            review.address_template(&written, "tenant", plain, &place.key(key))
        };
        let token_endpoint = endpoint(self.token_endpoint, "token_endpoint", "token");
        let authorization_endpoint = endpoint(self.authorization_endpoint, "authorization_endpoint", "authorize");
        Some(EntraSection {
            name,
            issuer: issuer?,
            v1_issuer: v1_issuer?,
            keys: keys?,
            token_endpoint: token_endpoint?,
            authorization_endpoint: authorization_endpoint?,
            authority,
            authenticates_callers: self.authenticates_callers == Some(true),
        })
    }
}

fn authority(
    written: Option<String>,
    defaults: &CloudDefaults,
    plain: PlainHttp,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<String> {
    let Some(text) = written else { return Some(defaults.authority.to_owned()) };
    let url = review.address(&text, plain, place)?;
    let last = url.path_segments().and_then(|mut segments| segments.rfind(|segment| !segment.is_empty()));
    let names_tenant = |segment: &str| {
        matches!(segment, "common" | "organizations" | "consumers") || uuid::Uuid::try_parse(segment).is_ok()
    };
    if url.query().is_some() || last.is_some_and(names_tenant) {
        review.report(place, format!("{text:?} names a tenant: write the host alone, as {:?}", defaults.authority));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}
