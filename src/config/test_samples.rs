//! What the tests of the configuration share: the samples of `fixtures/config/`, the files that they name, and what is
//! wrong with a sample of which a piece is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Configuration, ConnectionSection, CredentialSection, Environment, Problems, parse_in};

pub(in crate::config) const FULL: &str = include_str!("../../fixtures/config/full.toml");
pub(in crate::config) const MINIMAL: &str = include_str!("../../fixtures/config/minimal.toml");

/// Made with openssl; valid for a hundred years.
pub(in crate::config) const CLIENT_CERTIFICATE: &str =
    include_str!("../../fixtures/credentials/client-certificate.pem");
pub(in crate::config) const CLIENT_KEY: &str = include_str!("../../fixtures/credentials/client-key.pem");

/// Public keys of a back end; the numbers are those of RFC 7515 §A.3.
pub(in crate::config) const PUBLIC_KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256",
 "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// A public key of an application; the numbers are those of RFC 7515 §A.3.
pub(in crate::config) const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n\
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----\n";

/// The variable that the minimal sample reads its secret from.
pub(in crate::config) const SECRET: (&str, &str) = ("GRAPH_CLIENT_SECRET", "hunter2\n");

pub(in crate::config) const ENDPOINT: &str = "endpoint = \"http://127.0.0.1:3979/api/messages\"";
pub(in crate::config) const BOT_ID: &str = "app_id = \"11111111-1111-4111-8111-111111111111\"";
pub(in crate::config) const SECRET_LINE: &str = "client_secret = { env = \"GRAPH_CLIENT_SECRET\" }";
pub(in crate::config) const TENANTS: &str = "tenants = [\"22222222-2222-4222-8222-222222222222\"]";
pub(in crate::config) const SCOPES: &str = "scopes = [\"https://graph.microsoft.com/User.Read\"]";
pub(in crate::config) const PUBLIC_URL: &str = "public_url = \"https://sso.example.com\"";
pub(in crate::config) const URI: &str =
    "token_exchange_uri = \"api://sso.example.com/botid-11111111-1111-4111-8111-111111111111\"";
pub(in crate::config) const OWN_TENANT: &str = "aaaaaaaa-2222-4222-8222-222222222222";
pub(in crate::config) const OTHER_ISSUER: &str = "issuer = \"https://login.example.com/realm/\"";
pub(in crate::config) const CLIENT: &str = "client_id = \"the bot's client\"";

/// Writes a file that only its owner can read.
pub(in crate::config) fn private(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A directory with the files that the samples name.
pub(in crate::config) fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(vec!["sso.example.com".to_owned()]).unwrap();
    std::fs::write(directory.path().join("certificate.pem"), pair.cert.pem()).unwrap();
    std::fs::write(directory.path().join("ca.pem"), pair.cert.pem()).unwrap();
    private(&directory.path().join("certificate.key"), &pair.signing_key.serialize_pem());
    private(&directory.path().join("calendar.secret"), "from a file\n");
    std::fs::write(directory.path().join("client-certificate.pem"), CLIENT_CERTIFICATE).unwrap();
    private(&directory.path().join("client-key.pem"), CLIENT_KEY);
    std::fs::write(directory.path().join("assertion.jwt"), "read when it is used").unwrap();
    std::fs::write(directory.path().join("reporting.jwks.json"), PUBLIC_KEYS).unwrap();
    std::fs::write(directory.path().join("shop-key.pem"), PUBLIC_KEY).unwrap();
    private(&directory.path().join("bot-sso.keys"), "keys are read elsewhere");
    directory
}

/// The one secret of a connection.
pub(in crate::config) fn secret_of(section: &ConnectionSection) -> &str {
    match section.credentials.as_slice() {
        [CredentialSection::Secret(secret)] => secret.expose(),
        other => panic!("{other:?}"),
    }
}

/// Reads `text` beside the samples' files.
pub(in crate::config) fn read(text: &str) -> Result<Configuration, Problems> {
    read_with(text, &Environment::of([SECRET]))
}

/// Reads `text` beside the samples' files, with the variables of an environment.
pub(in crate::config) fn read_with(text: &str, environment: &Environment) -> Result<Configuration, Problems> {
    parse_in(directory().path(), text, environment)
}

/// The minimal sample with `from` replaced.
pub(in crate::config) fn changed(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from), "{from}");
    MINIMAL.replace(from, to)
}

/// The one problem of `text`.
#[track_caller]
pub(in crate::config) fn problem_of(text: &str) -> String {
    let problems = read(text).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    problems.to_string()
}

/// Checks that the minimal sample with a piece replaced has one problem, and how its message begins.
#[track_caller]
pub(in crate::config) fn expect_problem(from: &str, to: &str, start: &str) {
    let problem = problem_of(&changed(from, to));
    assert!(problem.starts_with(start), "{problem}\nshould start\n{start}");
}

/// A second provider of kind `oidc`, and a connection of it with `more`.
pub(in crate::config) fn with_openid(provider: &str, more: &str) -> String {
    let text = MINIMAL.replace(TENANTS, &format!("{TENANTS}\nidentity_provider = \"entra\""));
    format!(
        "{text}\n[identity_providers.entra]\n[identity_providers.other]\nkind = \"oidc\"\n{provider}\n\
         [connections.tickets]\nbot = \"help-desk\"\nidentity_provider = \"other\"\nscopes = [\"profile\"]\n\
         client_secret = {{ env = \"GRAPH_CLIENT_SECRET\" }}\n{more}\n"
    )
}
