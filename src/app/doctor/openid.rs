use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::{DoctorCheck, Finding, QUESTION_TIMEOUT, report_refusal};
use crate::app::BuildError;
use crate::app::credentials::CredentialBuilder;
use crate::app::providers::{build_discoveries, build_openid_client};
use crate::config::{Configuration, ConnectionSection};
use crate::domain::{ClockAndEntropy, Secret};
use crate::identity_provider::{
    Attempt, Discovery, Grant, IdentityProvider, RedeemError, RedeemingClient, TokenClientParts,
};

/// A code that no provider has issued.
const NO_CODE: &str = "a-code-that-is-none";
/// The account under which a throttled check would be remembered; it is never sent.
const NO_USER: &str = "check";

/// Asks the providers of kind `oidc`: for each the discovery document, and for each credential of each connection to it
/// whether the credential is accepted.
pub(super) async fn check(config: &Configuration, parts: &TokenClientParts) -> Result<Vec<Finding>, BuildError> {
    let ambient = ClockAndEntropy { clock: parts.clock.clone(), entropy: parts.entropy.clone() };
    let discoveries = build_discoveries(config, &parts.outbound, &ambient);
    let mut credentials = CredentialBuilder::new(parts.clock.clone(), config.outbound.connect_timeout);
    let mut discovered = HashMap::new();
    let mut checks = Vec::new();
    for section in config.connections_by_client() {
        let name = &section.connection.identity_provider;
        let Some(discovery) = discoveries.get(name) else { continue };
        for (index, credential) in credentials.build_all(&section.credentials)?.into_iter().enumerate() {
            let subject = format!("{} credentials[{index}] ({})", section.client_place(), credential.kind());
            let client =
                RedeemingClient { client_id: section.connection.client_id.clone(), credentials: vec![credential] };
            let provider = build_openid_client(discovery, section, client, parts);
            if !discovered.contains_key(name) {
                let check = check_discovery(name, config, provider.as_ref()).await;
                discovered.insert(name.clone(), !check.has_failed());
                checks.push(check);
            }
            checks.push(if discovered.get(name) == Some(&true) {
                check_credential(subject, section, provider.as_ref(), config, parts).await
            } else {
                Finding::failed(
                    DoctorCheck::Credential,
                    subject,
                    "unknown: the provider's discovery document cannot be used",
                )
            });
        }
    }
    checks.extend(check_unused(&discoveries, &discovered, config));
    Ok(checks)
}

/// A provider without a connection has nothing to ask with.
fn check_unused(
    discoveries: &HashMap<String, Arc<Discovery>>,
    discovered: &HashMap<String, bool>,
    config: &Configuration,
) -> Vec<Finding> {
    let unused = config.openid_providers.keys().filter(|name| discoveries.contains_key(*name));
    let unused = unused.filter(|name| !discovered.contains_key(*name));
    let line = |name: &String| format!("identity_providers.{name} discovery");
    unused
        .map(|name| Finding::skipped(DoctorCheck::Keys, line(name), "not checked: no connection uses this provider"))
        .collect()
}

/// The document is read as a callback without `iss` needs it: its issuer and its endpoints are checked.
async fn check_discovery(name: &str, config: &Configuration, provider: &dyn IdentityProvider) -> Finding {
    let issuer = config.openid_providers.get(name).map_or("", |section| section.issuer.as_str());
    let subject = format!("identity_providers.{name} discovery (issuer {issuer})");
    match timeout(QUESTION_TIMEOUT, provider.admits_issuer(None)).await {
        Ok(Ok(_)) => Finding::ok(DoctorCheck::Keys, subject, "usable"),
        Ok(Err(error)) => report_refusal(DoctorCheck::Keys, subject, &error),
        Err(_) => Finding::failed(DoctorCheck::Keys, subject, "unknown: the provider does not answer in time"),
    }
}

/// Redeems a code that is none. A provider authenticates the client first (RFC 6749 §5.2), so `invalid_grant` means that
/// the credential is accepted.
async fn check_credential(
    subject: String,
    section: &ConnectionSection,
    provider: &dyn IdentityProvider,
    config: &Configuration,
    parts: &TokenClientParts,
) -> Finding {
    let (code, code_verifier) = (Secret::from(NO_CODE), Secret::new(parts.entropy.hex_id().repeat(2)));
    let Ok(redirect_uri) = config.server.public_url.join("/.auth/web/redirect") else {
        return Finding::failed(
            DoctorCheck::Credential,
            subject,
            "not checked: server.public_url has no redirect address",
        );
    };
    let grant = Grant::AuthorizationCode {
        tenant: None,
        code: &code,
        code_verifier: &code_verifier,
        redirect_uri: &redirect_uri,
        throttled_as: NO_USER,
    };
    let attempt =
        Attempt { correlation_id: parts.entropy.uuid(), deadline: Instant::now() + QUESTION_TIMEOUT, claims: None };
    match provider.redeem(&section.connection, grant, attempt).await {
        // A provider that redeems any code has asked for no credential, either.
        Ok(_) => {
            Finding::failed(DoctorCheck::Credential, subject, "unknown: the token endpoint redeems a code that is none")
        }
        Err(error) if shows_accepted_credential(&error) => Finding::ok(DoctorCheck::Credential, subject, "accepted"),
        Err(error) => judge_refusal(subject, &error),
    }
}

/// Whether the provider refused only the made-up code, which shows that it accepted the client's credential.
fn shows_accepted_credential(error: &RedeemError) -> bool {
    error.diagnostics.has_error("invalid_grant") && error.diagnostics.http_status != Some(401)
}

/// A 401 is about the client, whatever its body says (RFC 6749 §5.2).
fn judge_refusal(subject: String, error: &RedeemError) -> Finding {
    if error.diagnostics.http_status == Some(401) {
        let word = error.diagnostics.error.as_ref().map(|word| format!(", error {word}")).unwrap_or_default();
        let seen = format!("refused: the provider rejects the client's credential (status 401{word})");
        return Finding::failed(DoctorCheck::Credential, subject, seen).advise("check client_id and the credential");
    }
    report_refusal(DoctorCheck::Credential, subject, error)
}
