use serde::Deserialize;

use crate::config::connections::ConnectionSection;
use crate::config::credentials::AppIdentitySection;
use crate::config::review::{Place, Proposal, Review};
use crate::domain::{AppScope, PERSONAL_ACCOUNTS_TENANT, TenantPolicy};

use super::exchange::Sources;

/// The end of every scope of the client credentials grant.
const DEFAULT_SCOPE: &str = "/.default";

/// `app_token` of a back end, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawAppToken {
    scopes: Option<Vec<String>>,
    tenant: Option<String>,
}

/// The tokens that a back end may have as itself.
pub(super) struct ValidatedAppToken {
    pub(super) scopes: Vec<AppScope>,
    pub(super) client: AppIdentitySection,
}

impl RawAppToken {
    /// `connection` is the back end's, whose client requests the tokens.
    pub(super) fn validate(
        self,
        connection: &ConnectionSection,
        sources: &Sources<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ValidatedAppToken> {
        let scopes = app_scopes(self.scopes, review, &place.key("scopes"));
        let at = place.key("tenant");
        let written = self.tenant.map(|text| review.guid(&text, &at));
        let provider = &connection.connection.identity_provider;
        let Some(provider) = sources.others.entra.get(provider) else {
            if sources.context.is_oidc(provider) {
                let message = "is given by Entra alone, and the provider of exchange is of kind \"oidc\": leave it out";
                review.report(place, message.to_owned());
            }
            return None;
        };
        let write = "the tenant (a GUID) whose data the back end reads as itself";
        let tenant = written.unwrap_or_else(|| review.required(single_tenant(connection), &at, write))?;
        let token_endpoint = provider.build_token_endpoint(&tenant)?;
        let scopes = scopes?;
        let identity = connection.app_identity(provider)?;
        let scope = scopes.first()?.clone();
        let place = format!("{} app_token", connection.place());
        let client = AppIdentitySection { place, scope, tenant: Some(tenant), token_endpoint, ..identity };
        Some(ValidatedAppToken { scopes, client })
    }
}

/// The only organization that the connection accepts users of.
fn single_tenant(connection: &ConnectionSection) -> Option<String> {
    let TenantPolicy::Listed(tenants) = &connection.connection.exchange.tenants else { return None };
    let mut organizations = tenants.iter().filter(|tenant| *tenant != PERSONAL_ACCOUNTS_TENANT);
    organizations.next().filter(|_| organizations.next().is_none()).cloned()
}

fn app_scopes(written: Option<Vec<String>>, review: &mut Review<'_>, place: &Place) -> Option<Vec<AppScope>> {
    let write = "what it may get tokens for as itself, as [\"https://graph.microsoft.com/.default\"]";
    let texts = review.required(written, place, write)?;
    if texts.is_empty() {
        review.report(place, format!("is empty: write {write}, or leave app_token out"));
        return None;
    }
    let scopes = (0..texts.len()).map(|index| app_scope(&texts, index, review, place));
    scopes.collect::<Vec<_>>().into_iter().collect()
}

fn app_scope(texts: &[String], index: usize, review: &mut Review<'_>, place: &Place) -> Option<AppScope> {
    let (text, at) = (texts.get(index)?, place.index(index));
    if review.refuse_several(texts, index, place) {
        return None;
    }
    let resource = text.strip_suffix(DEFAULT_SCOPE).filter(|resource| !resource.is_empty());
    let Some(resource) = resource.filter(|_| !text.chars().any(char::is_whitespace)) else {
        let resource =
            text.rsplit_once('/').map(|(resource, _)| resource).filter(|it| it.contains("://") && !it.ends_with('/'));
        let proposal = resource.map(|resource| Proposal::text(&at, format!("{resource}{DEFAULT_SCOPE}")));
        let write = "the resource with /.default, as \"https://graph.microsoft.com/.default\"";
        let complaint = format!("{text:?} is no scope of an app, which gets all of its permissions at once");
        review.propose_or(&at, &complaint, proposal, write);
        return None;
    };
    Some(AppScope::configured_for(resource))
}
