//! The samples in `fixtures/config/` are what the program accepts, no less and no more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::{Table, Value};

use crate::domain::{ContinuationMode, ProviderKind, TenantPolicy, VerifiedUserIds};

use super::overlay::Overlay;
use super::problems::Place;
use super::review::Review;
use super::{ConnectionSection, CredentialSection, Environment, KeySource, LogFormat, StoreDurability, parse_in, read};

const FULL: &str = include_str!("../../fixtures/config/full.toml");
const MINIMAL: &str = include_str!("../../fixtures/config/minimal.toml");

/// Made with openssl; good for a hundred years.
pub(super) const CLIENT_CERTIFICATE: &str = include_str!("../../fixtures/credentials/client-certificate.pem");
pub(super) const CLIENT_KEY: &str = include_str!("../../fixtures/credentials/client-key.pem");

/// A key that nothing is called.
const STRANGER: &str = "zzzzzzzzzz";

fn private(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A directory with the files that the samples name.
pub(super) fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(vec!["sso.example.com".to_owned()]).unwrap();
    std::fs::write(directory.path().join("certificate.pem"), pair.cert.pem()).unwrap();
    std::fs::write(directory.path().join("ca.pem"), pair.cert.pem()).unwrap();
    private(&directory.path().join("certificate.key"), &pair.signing_key.serialize_pem());
    private(&directory.path().join("calendar.secret"), "from a file\n");
    std::fs::write(directory.path().join("client-certificate.pem"), CLIENT_CERTIFICATE).unwrap();
    private(&directory.path().join("client-key.pem"), CLIENT_KEY);
    std::fs::write(directory.path().join("assertion.jwt"), "read when it is used").unwrap();
    private(&directory.path().join("bot-sso.keys"), "keys are read elsewhere");
    directory
}

/// The one secret of a connection.
pub(super) fn secret_of(section: &ConnectionSection) -> &str {
    match section.credentials.as_slice() {
        [CredentialSection::Secret(secret)] => secret.expose(),
        other => panic!("{other:?}"),
    }
}

fn environment() -> Environment {
    Environment::of([
        ("GRAPH_CLIENT_SECRET", "from the environment"),
        ("MAIL_CLIENT_SECRET", "also from there"),
        ("TICKETS_CLIENT_SECRET", "and this"),
        ("ADMIN_TOKEN", "0123456789abcdef0123456789abcdef"),
    ])
}

#[test]
fn the_full_sample_loads_and_means_what_it_says() {
    let directory = directory();
    let configuration = parse_in(directory.path(), FULL, &environment()).unwrap();
    assert_eq!(configuration.warnings, []);
    assert_eq!(configuration.server.listen.len(), 2);
    assert_eq!(configuration.server.tls.unwrap().key_file, directory.path().join("certificate.key"));
    assert!(matches!(configuration.channels.keys, KeySource::Jwks(_)), "jwks_url wins");
    let entra = &configuration.identity_providers["entra"];
    assert_eq!(entra.issuer, "https://login.microsoftonline.com/{tenantid}/v2.0");
    assert_eq!(entra.token_endpoint, "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    let [calendar, graph, mail, tickets] = configuration.connections.as_slice() else { panic!("four connections") };
    assert_eq!(tickets.connection.provider_kind, ProviderKind::OpenIdConnect);
    assert_eq!(tickets.connection.client_id, "help-desk-bot");
    let keycloak = &configuration.openid_providers["keycloak"];
    assert_eq!(keycloak.metadata_url.as_str(), format!("{}/.well-known/openid-configuration", keycloak.issuer));
    assert_eq!(secret_of(calendar), "from a file");
    assert_eq!(calendar.connection.client_id, configuration.bots[0].app_id);
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
    assert_eq!(configuration.operations.unwrap().listen.to_string(), "127.0.0.1:3981");
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
    assert_eq!(bot.identity.verified_user_ids, VerifiedUserIds::Prefixes(vec!["dl_".to_owned()]));
    assert_eq!(configuration.connections[0].connection.exchange.required_scopes, ["access_as_user"]);
    assert!(configuration.operations.is_none());
    assert_eq!(configuration.store.path, directory.path().join("bot-sso.db"));
    assert_eq!(configuration.store.durability, StoreDurability::Full);
    assert_eq!(configuration.logging.format, LogFormat::Json);
    assert_eq!(configuration.literal_hosts(), ["127.0.0.1"], "defaults are not literally written");
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1"]);
}

/// Puts a stranger into every table; what the complaints list as known must be what the sample has.
#[test]
fn the_full_sample_has_every_key_that_the_program_knows() {
    let mut written = BTreeMap::new();
    let mut table: Table = FULL.parse().unwrap();
    plant_strangers(&mut table, &Place::root(), "", &mut written);
    let environment = environment();
    let mut review = Review::new(&environment, Path::new(""));
    read::read_raw(table, &mut Overlay::default(), &mut review);
    let mut compared = 0;
    for problem in &review.into_problems().0 {
        let Some((_, known)) = problem.message.split_once("(known keys: ") else { continue };
        let known: BTreeSet<String> = known.trim_end_matches(')').split(", ").map(str::to_owned).collect();
        let place = problem.path.strip_suffix(STRANGER).unwrap().trim_end_matches('.');
        let (kind, _) = written.iter().find(|(_, (places, _))| places.contains(place)).unwrap();
        assert_eq!(written[kind].1, known, "keys of [{kind}]");
        compared += 1;
    }
    assert_eq!(compared, 30, "every table was compared");
    assert!(FULL.contains("{ env = ") && FULL.contains("{ file = "), "both forms of a secret are shown");
}

type Written = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// Notes each table's keys under its kind (`bots.*` for `bots.help-desk`), and adds the stranger.
fn plant_strangers(table: &mut Table, place: &Place, kind: &str, written: &mut Written) {
    let named = ["bots", "connections", "identity_providers"].contains(&kind);
    // The credentials of bots and connections are written alike.
    let kind = kind.strip_prefix("bots.*.").filter(|rest| rest.starts_with("credentials")).unwrap_or(kind);
    let kind = kind.strip_prefix("connections.*.").unwrap_or(kind);
    if !named {
        let (places, keys) = written.entry(kind.to_owned()).or_default();
        places.insert(place.as_str().to_owned());
        keys.extend(table.keys().cloned());
    }
    let secrets = ["client_secret", "secret", "admin_token"];
    for (key, value) in table.iter_mut().filter(|(key, _)| !secrets.contains(&key.as_str())) {
        let step = if named { "*" } else { key };
        let kind = if kind.is_empty() { step.to_owned() } else { format!("{kind}.{step}") };
        match value {
            Value::Table(inner) => plant_strangers(inner, &place.key(key), &kind, written),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let Value::Table(inner) = item else { continue };
                    plant_strangers(inner, &place.key(key).index(index), &kind, written);
                }
            }
            _ => {}
        }
    }
    if !named {
        table.insert(STRANGER.to_owned(), Value::Boolean(true));
    }
}
