//! Credentials: which are accepted, which are problems, and which endpoints issue the applications' tokens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::test_samples::{CLIENT_CERTIFICATE, CLIENT_KEY, MINIMAL, SECRET_LINE, directory, private};
use crate::config::{Configuration, CredentialSection, Environment, IdentityEndpointSection, Problems, parse_in};

const PKCS1_KEY: &str = include_str!("../../../fixtures/credentials/client-key-pkcs1.pem");
const IDENTITY: &str = "66666666-6666-4666-8666-666666666666";
const BOT_ID: &str = "11111111-1111-4111-8111-111111111111";

/// The minimal sample with these lines in the place of the connection's secret, read in `directory`.
fn read_in(directory: &Path, lines: &str) -> Result<Configuration, Problems> {
    parse_in(directory, &MINIMAL.replace(SECRET_LINE, lines), &environment())
}

fn environment() -> Environment {
    Environment::of([("GRAPH_CLIENT_SECRET", "hunter2")])
}

fn read(lines: &str) -> Result<Configuration, Problems> {
    read_in(directory().path(), lines)
}

#[track_caller]
fn problem_of(outcome: Result<Configuration, Problems>) -> String {
    let problems = outcome.unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    problems.to_string()
}

/// The one problem of a list of credentials with this one in it.
#[track_caller]
fn expect_problem(credential: &str, start: &str) {
    let problem = problem_of(read(&format!("credentials = [{credential}]")));
    assert!(problem.starts_with(start), "{problem}\nshould start\n{start}");
}

#[test]
fn a_connection_has_either_one_secret_or_a_list() {
    let neither = problem_of(read(""));
    assert!(neither.starts_with("connections.graph.client_secret: is missing: write { env = "), "{neither}");
    assert!(neither.contains("credentials = ["), "{neither}");
    let both =
        problem_of(read(&format!("{SECRET_LINE}\ncredentials = [{{ secret = {{ env = \"GRAPH_CLIENT_SECRET\" }} }}]")));
    assert!(
        both.starts_with("connections.graph.credentials: stands beside client_secret: write one of them"),
        "{both}"
    );
    let empty = problem_of(read("credentials = []"));
    assert!(empty.starts_with("connections.graph.credentials: is empty"), "{empty}");
}

#[test]
fn an_entry_is_exactly_one_credential_and_secrets_stay_references() {
    for wrong in ["{}", "{ assertion_file = \"assertion.jwt\", managed_identity = {} }"] {
        expect_problem(
            wrong,
            "connections.graph.credentials[0]: is not a credential: write exactly one of secret, certificate,",
        );
    }
    expect_problem(
        "{ certifcate = {} }",
        "connections.graph.credentials[0].certifcate: unknown key \"certifcate\": did you",
    );
    expect_problem("{ secret = \"hunter2\" }", "connections.graph.credentials[0].secret: a secret is never written");
    expect_problem("{ assertion_file = \"nowhere.jwt\" }", "connections.graph.credentials[0].assertion_file: ");
    let order =
        "credentials = [{ assertion_file = \"assertion.jwt\" }, { secret = { env = \"GRAPH_CLIENT_SECRET\" } }]";
    let configuration = read(order).unwrap();
    let [CredentialSection::AssertionFile(_), CredentialSection::Secret(secret)] =
        configuration.connections[0].credentials.as_slice()
    else {
        panic!("in this order")
    };
    assert_eq!(secret.expose(), "hunter2");
    assert!(!format!("{configuration:?}").contains("hunter2"));
}

/// A certificate and a key in files of these names, and the problems with them.
fn read_pair(certificate: &str, key: &str) -> Result<Configuration, Problems> {
    let directory = directory();
    std::fs::write(directory.path().join("c.pem"), certificate).unwrap();
    private(&directory.path().join("k.pem"), key);
    let lines = "credentials = [{ certificate = { file = \"c.pem\", key_file = \"k.pem\" } }]";
    read_in(directory.path(), lines)
}

#[test]
fn a_certificate_comes_with_its_rsa_key_in_one_file_or_in_two() {
    for key in [CLIENT_KEY, PKCS1_KEY] {
        assert!(read_pair(CLIENT_CERTIFICATE, key).unwrap().warnings.is_empty());
    }
    let directory = directory();
    let both = "credentials = [{ certificate = { file = \"both.pem\", algorithm = \"RS256\", send_chain = true } }]";
    for text in [format!("{CLIENT_CERTIFICATE}{CLIENT_KEY}"), format!("{CLIENT_KEY}{CLIENT_CERTIFICATE}")] {
        private(&directory.path().join("both.pem"), &text);
        let configuration = read_in(directory.path(), both).unwrap();
        let [CredentialSection::Certificate(section)] = configuration.connections[0].credentials.as_slice() else {
            panic!("a certificate")
        };
        assert!(section.rs256 && section.send_chain);
        assert!(!format!("{configuration:?}").contains(CLIENT_KEY.lines().nth(3).unwrap()));
    }
    std::fs::set_permissions(directory.path().join("both.pem"), Permissions::from_mode(0o644)).unwrap();
    let problem = problem_of(read_in(directory.path(), both));
    assert!(problem.starts_with("connections.graph.credentials[0].certificate.file: "), "{problem}");
    assert!(problem.contains("chmod 600"), "{problem}");
    std::fs::write(directory.path().join("k.pem"), CLIENT_KEY).unwrap();
    let two = "credentials = [{ certificate = { file = \"client-certificate.pem\", key_file = \"k.pem\" } }]";
    let problem = problem_of(read_in(directory.path(), two));
    assert!(problem.starts_with("connections.graph.credentials[0].certificate.key_file: "), "{problem}");
    assert!(problem.contains("chmod 600"), "{problem}");
}

#[test]
fn an_unusable_certificate_is_a_problem() {
    let elliptic = rcgen::generate_simple_self_signed(vec![]).unwrap();
    let key_of_another = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    let cases = [
        (CLIENT_CERTIFICATE.to_owned(), key_of_another, "key_file: holds another key than the certificate is for"),
        (elliptic.cert.pem(), elliptic.signing_key.serialize_pem(), "key_file: holds no RSA key"),
        (elliptic.cert.pem(), CLIENT_KEY.to_owned(), "key_file: holds another key"),
        (CLIENT_KEY.to_owned(), CLIENT_KEY.to_owned(), "file: holds no certificate"),
        (CLIENT_CERTIFICATE.to_owned(), CLIENT_CERTIFICATE.to_owned(), "key_file: holds no private key"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            CLIENT_KEY.to_owned(),
            "file: holds a certificate that cannot be read",
        ),
    ];
    for (certificate, key, message) in cases {
        let problem = problem_of(read_pair(&certificate, &key));
        assert!(problem.starts_with(&format!("connections.graph.credentials[0].certificate.{message}")), "{problem}");
    }
    expect_problem(
        "{ certificate = {} }",
        "connections.graph.credentials[0].certificate.file: is missing: write the path",
    );
    expect_problem(
        "{ certificate = { file = \"client-certificate.pem\", key_file = \"client-key.pem\", algorithm = \"ES256\" } }",
        "connections.graph.credentials[0].certificate.algorithm: unknown word \"ES256\"",
    );
}

#[test]
fn an_expiring_or_expired_certificate_is_a_warning() {
    let key = rcgen::KeyPair::from_pem(CLIENT_KEY).unwrap();
    let now = time::OffsetDateTime::from_unix_timestamp(
        crate::domain::Clock::now(&crate::domain::SystemClock).unix_seconds(),
    )
    .unwrap();
    let day = time::Duration::DAY;
    let cases = [
        (now - day * 9, now - day, Some("has expired")),
        (now - day * 9, now + day * 28, Some("expires soon")),
        (now + day, now + day * 99, Some("is not valid yet")),
        (now - day, now + day * 99, None),
    ];
    for (not_before, not_after, warning) in cases {
        let mut params = rcgen::CertificateParams::default();
        (params.not_before, params.not_after) = (not_before, not_after);
        let configuration = read_pair(&params.self_signed(&key).unwrap().pem(), CLIENT_KEY).unwrap();
        let end = &configuration.credential_ends[0];
        assert_eq!(end.place, "connections.graph.credentials[0].certificate");
        assert_eq!(end.ends.unix_seconds(), not_after.unix_timestamp());
        let warnings: Vec<String> = configuration.warnings.iter().map(ToString::to_string).collect();
        match warning {
            None => assert!(warnings.is_empty(), "{warnings:?}"),
            Some(text) => {
                let start = format!("connections.graph.credentials[0].certificate.file: {text}");
                assert!(warnings[0].starts_with(&start), "{warnings:?}");
            }
        }
    }
}

#[test]
fn a_managed_identity_is_federated_for_a_connection_and_may_be_the_bot_itself() {
    let at = "connections.graph.credentials[0].managed_identity";
    expect_problem(
        "{ managed_identity = {} }",
        &format!("{at}.client_id: is missing: write the client id of a user-assigned"),
    );
    expect_problem("{ managed_identity = { client_id = \"x\" } }", &format!("{at}.client_id: \"x\" is not a GUID"));
    expect_problem(
        &format!("{{ managed_identity = {{ client_id = \"{BOT_ID}\" }} }}"),
        &format!("{at}.client_id: is the connection's own client_id, but a managed identity cannot exchange"),
    );
    let bot = |written: &str| {
        let line = format!("app_id = \"{BOT_ID}\"");
        let text = MINIMAL.replace(&line, &format!("{line}\ncredentials = [{{ managed_identity = {written} }}]"));
        parse_in(directory().path(), &text, &environment()).unwrap().bot_credentials[0].credentials[0].clone()
    };
    for itself in ["{}".to_owned(), format!("{{ client_id = \"{BOT_ID}\" }}")] {
        assert!(matches!(bot(&itself), CredentialSection::ManagedIdentity(_)), "{itself}");
    }
    let other = bot(&format!("{{ client_id = \"{IDENTITY}\" }}"));
    assert!(matches!(other, CredentialSection::FederatedIdentity { .. }), "{other:?}");
}

#[test]
fn the_identity_endpoint_comes_from_the_environment_and_other_calls_to_it_stay_refused() {
    let lines = format!("credentials = [{{ managed_identity = {{ client_id = \"{IDENTITY}\" }} }}]");
    let text = MINIMAL.replace(SECRET_LINE, &lines);
    let with = |variables: &[(&str, &str)]| {
        let variables = variables.iter().copied().chain([("GRAPH_CLIENT_SECRET", "hunter2")]);
        parse_in(directory().path(), &text, &Environment::of(variables))
    };
    let endpoint = |variables: &[(&str, &str)]| {
        let configuration = with(variables).unwrap();
        let [CredentialSection::FederatedIdentity { identity, .. }] =
            configuration.connections[0].credentials.as_slice()
        else {
            panic!("federated")
        };
        assert!(!configuration.literal_hosts().contains(&"169.254.169.254".to_owned()));
        assert!(!configuration.literal_hosts().contains(&"169.254.130.2".to_owned()));
        identity.endpoint.clone()
    };
    let service = ("IDENTITY_ENDPOINT", "http://169.254.130.2:8081/msi/token");
    let IdentityEndpointSection::AppService { url, header } = endpoint(&[service, ("IDENTITY_HEADER", "let me in")])
    else {
        panic!("both are set")
    };
    assert_eq!((url.as_str(), header.expose()), (service.1, "let me in"));
    for incomplete in [&[][..], &[service]] {
        let IdentityEndpointSection::InstanceMetadata { url } = endpoint(incomplete) else { panic!("{incomplete:?}") };
        assert_eq!(url.as_str(), "http://169.254.169.254/metadata/identity/oauth2/token");
    }
    let broken = [("IDENTITY_ENDPOINT", "ftp://x"), ("IDENTITY_HEADER", "y")];
    let problem = problem_of(with(&broken));
    assert!(problem.contains("\"ftp://x\" is not an http(s) address"), "{problem}");
}

#[test]
fn every_cloud_has_its_own_addresses() {
    let lines = format!("credentials = [{{ managed_identity = {{ client_id = \"{IDENTITY}\" }} }}]");
    let other = "[bots.other]\napp_id = \"77777777-7777-4777-8777-777777777777\"\n\
                 endpoint = \"http://127.0.0.1:3980/api/messages\"\n\
                 credentials = [{ secret = { env = \"GRAPH_CLIENT_SECRET\" } }]\n";
    let clouds = [
        (
            "public",
            "https://api.botframework.com",
            "https://login.botframework.com/v1/.well-known/openidconfiguration",
            "https://login.microsoftonline.com",
            "botframework.com",
            "api://AzureADTokenExchange",
            Some("urn:botframework:azure"),
        ),
        (
            "us_gov",
            "https://api.botframework.us",
            "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            "https://login.microsoftonline.us",
            "MicrosoftServices.onmicrosoft.us",
            "api://AzureADTokenExchangeUSGov",
            Some("urn:botframework:azureusgov"),
        ),
        (
            "china",
            "https://api.botframework.azure.cn",
            "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
            "https://login.partner.microsoftonline.cn",
            "microsoftservices.partner.onmschina.cn",
            "api://AzureADTokenExchangeChina",
            None,
        ),
    ];
    for (cloud, connector, metadata, login, tenant, exchange_audience, caller_id) in clouds {
        let text = format!("{}\n{other}[channels]\ncloud = \"{cloud}\"\n", MINIMAL.replace(SECRET_LINE, &lines));
        let configuration =
            parse_in(directory().path(), &text, &environment()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((configuration.channels.issuer.as_str(), configuration.channels.caller_id), (connector, caller_id));
        assert_eq!(configuration.channels.keys.address().as_str(), metadata);
        assert_eq!(configuration.token_service.audiences, [connector]);
        assert_eq!(configuration.identity_providers["entra"].issuer, format!("{login}/{{tenantid}}/v2.0"));
        let identities = configuration.app_identities();
        let [connection, bot] = identities.as_slice() else { panic!("{identities:?}") };
        let listed = "22222222-2222-4222-8222-222222222222";
        assert_eq!(connection.place, "connections.graph");
        assert_eq!(connection.token_endpoint.as_str(), format!("{login}/{listed}/oauth2/v2.0/token"));
        assert_eq!(connection.scope.as_str(), format!("{BOT_ID}/.default"));
        assert_eq!((bot.place.as_str(), bot.tenant.as_deref()), ("bots.other", Some(tenant)));
        assert_eq!(bot.token_endpoint.as_str(), format!("{login}/{tenant}/oauth2/v2.0/token"));
        assert_eq!(bot.scope.as_str(), format!("{connector}/.default"));
        let CredentialSection::FederatedIdentity { audience, .. } = &connection.credentials[0] else {
            panic!("federated")
        };
        assert_eq!(*audience, exchange_audience);
    }
}

#[test]
fn a_bots_identity_provider_needs_credentials() {
    let line = format!("app_id = \"{BOT_ID}\"");
    let text = MINIMAL.replace(&line, &format!("{line}\nidentity_provider = \"entra\""));
    let problem = problem_of(parse_in(directory().path(), &text, &environment()));
    assert!(problem.contains("identity_provider: is used with credentials alone"), "{problem}");
}
