//! The program accepts the samples in `fixtures/config/`, and reads the values that they write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::domain::{ContinuationMode, ProviderKind, SignInInvoke, TenantPolicy, VerifiedUserIds};

use super::test_samples::{FULL, MINIMAL, directory, secret_of};
use super::{AuditSection, CredentialSection, Environment, KeySource, LogFormat, StoreDurability, parse_in};

/// The variables that the full sample names.
pub(in crate::config) fn environment() -> Environment {
    Environment::of([
        ("GRAPH_CLIENT_SECRET", "from the environment"),
        ("MAIL_CLIENT_SECRET", "also from there"),
        ("TICKETS_CLIENT_SECRET", "and this"),
        ("FILES_SECRET", "of an add-in"),
        ("NOTES_SECRET", "of another add-in"),
        ("ADMIN_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("METRICS_TOKEN", "fedcba9876543210fedcba9876543210"),
        ("READ_TOKEN", "00112233445566778899aabbccddeeff"),
        ("SMTP_PASSWORD", "of the mail server"),
        ("OTLP_AUTHORIZATION", "Bearer of the collector"),
    ])
}

#[test]
fn the_full_sample_loads_with_the_written_values() {
    let directory = directory();
    let configuration = parse_in(directory.path(), FULL, &environment()).unwrap();
    assert_eq!(configuration.warnings, []);
    assert_eq!(configuration.server.listen.len(), 2);
    assert_eq!(configuration.server.tls.unwrap().key_file, directory.path().join("certificate.key"));
    assert!(matches!(configuration.channels.keys, KeySource::Jwks(_)), "jwks_url wins");
    let entra = &configuration.identity_providers["entra"];
    assert_eq!(entra.issuer, "https://login.microsoftonline.com/{tenantid}/v2.0");
    assert_eq!(entra.token_endpoint, "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    let [calendar, graph, mail, reports, tickets, ..] = configuration.connections.as_slice() else {
        panic!("five connections, and those of add-ins, back ends and apps")
    };
    let CredentialSection::Certificate(assertions) = &reports.credentials[0] else { panic!("a certificate") };
    assert_eq!(
        (assertions.audience.as_ref(), assertions.key_id.as_deref()),
        (Some(&configuration.openid_providers["keycloak"].issuer), Some("key-1"))
    );
    let options = &tickets.openid;
    assert_eq!(
        (options.prompt.as_deref(), options.authorize_params.len()),
        (Some("login"), 3),
        "its own, and its provider's"
    );
    assert_eq!(tickets.connection.provider_kind, ProviderKind::OpenIdConnect);
    assert_eq!(tickets.connection.client_id, "help-desk-bot");
    let keycloak = &configuration.openid_providers["keycloak"];
    assert_eq!(keycloak.metadata_url.as_str(), format!("{}/.well-known/openid-configuration", keycloak.issuer));
    assert_eq!(secret_of(calendar), "from a file");
    assert_eq!(calendar.connection.client_id, configuration.bots[0].app_id);
    assert_eq!(configuration.bots[0].sign_in_invokes, [SignInInvoke::AdaptiveCard]);
    assert_eq!(calendar.connection.exchange.tenants, TenantPolicy::AnyOrganization);
    assert_eq!(secret_of(graph), "from the environment");
    let [
        CredentialSection::Certificate(certificate),
        CredentialSection::AssertionFile(file),
        CredentialSection::FederatedIdentity { identity, audience },
        CredentialSection::Secret(_),
    ] = mail.credentials.as_slice()
    else {
        panic!("{:?}", mail.credentials)
    };
    assert_eq!((certificate.chain.len(), certificate.send_chain, certificate.rs256), (1, false, false));
    assert_eq!(file, &directory.path().join("assertion.jwt"));
    assert_eq!(identity.client_id, "66666666-6666-4666-8666-666666666666");
    assert_eq!(*audience, "api://AzureADTokenExchange");
    let [CredentialSection::ManagedIdentity(itself)] = configuration.bot_credentials[0].credentials.as_slice() else {
        panic!("{:?}", configuration.bot_credentials)
    };
    assert_eq!(itself.client_id, configuration.bots[0].app_id);
    assert_eq!(graph.connection.client_id, "55555555-5555-4555-8555-555555555555");
    assert!(graph.connection.asks_offline_access() && graph.connection.continuous_access);
    assert!(!calendar.connection.asks_offline_access() && !calendar.connection.continuous_access);
    let operations = configuration.operations.unwrap();
    assert_eq!(operations.listen.to_string(), "127.0.0.1:3981");
    assert_eq!(operations.health_listen.unwrap().to_string(), "127.0.0.1:3982");
    assert!(operations.health_metrics && operations.metrics_token.is_some());
    let traces = configuration.traces.unwrap();
    assert_eq!(traces.endpoint.as_str(), "https://otel.example.com:4318/v1/traces");
    assert_eq!(traces.headers["authorization"].expose(), "Bearer of the collector");
    assert_eq!(configuration.audit, Some(AuditSection::File(directory.path().join("audit.jsonl"))));
}

#[test]
fn the_minimal_sample_loads_with_the_defaults() {
    let directory = directory();
    let configuration = parse_in(directory.path(), MINIMAL, &environment()).unwrap();
    assert_eq!(configuration.server.listen[0].to_string(), "127.0.0.1:3978");
    assert_eq!(configuration.server.body_limit_bytes, 524_288);
    assert_eq!(configuration.channels.issuer, "https://api.botframework.com");
    assert_eq!(configuration.token_service.audiences, ["https://api.botframework.com"]);
    assert_eq!(configuration.token_service.tenants, ["d6d49420-f39b-4df7-a1dc-d59a935871db"]);
    let entra = &configuration.identity_providers["entra"];
    assert_eq!(
        entra.keys.address().as_str(),
        "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
    );
    let bot = &configuration.bots[0];
    assert_eq!(bot.continuation, ContinuationMode::Notify);
    assert!(bot.sign_in_invokes.is_empty());
    assert_eq!(bot.identity.verified_user_ids, VerifiedUserIds::Prefixes(vec!["dl_".to_owned()]));
    assert_eq!(configuration.connections[0].connection.exchange.required_scopes, ["access_as_user"]);
    assert!(configuration.operations.is_none() && configuration.audit.is_none());
    let file = configuration.store.file().unwrap();
    assert_eq!((&file.path, file.durability), (&directory.path().join("bot-sso.db"), StoreDurability::Full));
    assert_eq!(configuration.logging.format, LogFormat::Json);
    assert_eq!(configuration.literal_hosts(), ["127.0.0.1"], "defaults are not literally written");
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1"]);
}
