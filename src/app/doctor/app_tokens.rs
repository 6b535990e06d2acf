use std::sync::Arc;

use tokio::time::Instant;

use super::{DoctorCheck, Finding, QUESTION_TIMEOUT, report_refusal};
use crate::app::BuildError;
use crate::app::credentials::CredentialBuilder;
use crate::bot_connector::AppTokens;
use crate::config::{AppIdentitySection, Configuration};
use crate::identity_provider::{
    AppClient, AppSettings, Attempt, ClientCredential, RedeemError, RedeemingClient, TokenClientParts,
};

/// Requests an app token from Entra with every configured credential, one for each skill of each bot, and one for each scope
/// that a back end may have tokens for as itself.
pub(super) async fn check(config: &Configuration, client_parts: &TokenClientParts) -> Result<Vec<Finding>, BuildError> {
    let mut credentials = CredentialBuilder::new(client_parts.clock.clone(), config.outbound.connect_timeout);
    let mut checks = Vec::new();
    for section in config.app_identities() {
        for (index, credential) in credentials.build_all(&section.credentials)?.into_iter().enumerate() {
            let subject = format!("{} credentials[{index}] ({})", section.place, credential.kind());
            let Some(tenant) = &section.tenant else {
                let answer = "not checked: the connection accepts users of any organization, so no tenant is known";
                checks.push(Finding::skipped(DoctorCheck::Credential, subject, answer));
                continue;
            };
            checks.push(match check_one(&section, tenant, vec![credential], client_parts.clone()).await {
                Ok(()) => Finding::ok(DoctorCheck::Credential, subject, "accepted"),
                Err(error) => report_refusal(DoctorCheck::Credential, subject, &error),
            });
        }
    }
    for section in config.skill_callers().into_iter().chain(config.app_token_clients()) {
        let all = credentials.build_all(&section.credentials)?;
        let Some(tenant) = &section.tenant else { continue };
        let subject = section.place.clone();
        checks.push(match check_one(&section, tenant, all, client_parts.clone()).await {
            Ok(()) => Finding::ok(DoctorCheck::Credential, subject, "issued"),
            Err(error) => report_refusal(DoctorCheck::Credential, subject, &error),
        });
    }
    Ok(checks)
}

async fn check_one(
    section: &AppIdentitySection,
    tenant: &str,
    credentials: Vec<ClientCredential>,
    client_parts: TokenClientParts,
) -> Result<(), RedeemError> {
    let settings = AppSettings {
        provider: section.identity_provider.clone(),
        token_endpoint: section.token_endpoint.clone(),
        tenant: tenant.to_owned(),
    };
    let client = RedeemingClient { client_id: section.client_id.clone(), credentials };
    let attempt = Attempt {
        correlation_id: client_parts.entropy.uuid(),
        deadline: Instant::now() + QUESTION_TIMEOUT,
        claims: None,
    };
    // Each check has its own token cache: a token that another credential obtained for the same client proves nothing
    // about this one.
    let tokens = AppTokens::new(client_parts.clock.clone());
    let client = Arc::new(AppClient::new(settings, client, client_parts));
    tokens.get(&client, &section.scope, &attempt).await.map(drop)
}
