//! Connections whose users are those of a directory: what they need, and which keys make no sense there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{MINIMAL, problem_of, read};
use crate::config::{Configuration, ConnectionSection};
use crate::domain::ProviderKind;

/// The minimal sample with a directory, of which `directory` is written, and a connection to it with `connection`.
fn with_directory(directory: &str, connection: &str) -> String {
    let hash = "0".repeat(63) + "1";
    format!(
        "{MINIMAL}\n[directories.market]\n\
         administrators = [{{ name = \"ops\", role = \"manager\", token_sha256 = [\"{hash}\"] }}]\n{directory}\n\
         [connections.market-users]\nbot = \"help-desk\"\nidentity_provider = \"market\"\n{connection}\n"
    )
}

fn connection_of(configuration: Configuration) -> ConnectionSection {
    configuration.connections.into_iter().find(|section| section.key == "market-users").unwrap()
}

#[track_caller]
fn accepted(text: &str) -> ConnectionSection {
    let configuration = read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    assert_eq!(configuration.warnings, [], "{text}");
    connection_of(configuration)
}

#[test]
fn a_connection_to_a_directory_needs_a_bot_and_the_name_of_the_directory_alone() {
    let section = accepted(&with_directory("", ""));
    let connection = &section.connection;
    assert_eq!(connection.provider_kind, ProviderKind::Directory);
    assert_eq!(connection.client_id, "bot-sso.help-desk.market-users");
    assert!(connection.keeps_refresh_token(), "the directory says whether there are refresh tokens");
    assert!(connection.token_exchange_uri.is_none() && connection.exchange.subject.is_none());
    assert!(section.credentials.is_empty() && connection.scopes.is_empty());
    let more = accepted(&with_directory("", "name = \"users\"\nscopes = [\"email\", \"openid\"]\nprompt = \"login\""));
    assert_eq!(more.connection.client_id, "bot-sso.help-desk.users");
    assert_eq!(
        (more.connection.scopes.join(" ").as_str(), more.openid.prompt.as_deref()),
        ("email openid", Some("login"))
    );
}

#[test]
fn another_tenant_or_public_address_makes_another_revision() {
    let revision = |text: &str| accepted(text).connection.revision;
    let first = revision(&with_directory("", ""));
    assert_eq!(first, revision(&with_directory("tenant_id = \"market\"", "")));
    assert_ne!(first, revision(&with_directory("tenant_id = \"other\"", "")));
    let moved = with_directory("", "").replace("https://sso.example.com\"", "https://login.example.com\"");
    assert_ne!(moved, with_directory("", ""));
    assert_ne!(first, read(&moved).map(connection_of).unwrap().connection.revision);
}

#[test]
fn keys_that_make_no_sense_at_a_directory_are_refused_with_the_reason() {
    for (line, key, reason) in [
        ("client_id = \"x\"", "client_id", "is the application"),
        ("client_secret = { env = \"GRAPH_CLIENT_SECRET\" }", "client_secret", "is the application"),
        ("credentials = []", "credentials", "is the application"),
        ("client_auth = \"client_secret_post\"", "client_auth", "is the application"),
        ("token_exchange_uri = \"api://x\"", "token_exchange_uri", "through the card"),
        ("token_exchange = { subject = \"entra\" }", "token_exchange", "through the card"),
        ("tenants = \"any_organization\"", "tenants", "through the card"),
        ("required_scopes = [\"x\"]", "required_scopes", "through the card"),
        ("authorized_clients = [\"x\"]", "authorized_clients", "through the card"),
        ("allow_v1 = true", "allow_v1", "through the card"),
        ("required_granted_scopes = [\"email\"]", "required_granted_scopes", "grants every scope"),
        ("exchange_uris = [\"api://x/y\"]", "exchange_uris", "exchanged for no others"),
        ("aad_resources = [\"https://graph.microsoft.com/\"]", "aad_resources", "exchanged for no others"),
        ("authorize_params = { a = \"b\" }", "authorize_params", "prompt is the only"),
        ("continuous_access = true", "continuous_access", "Entra alone"),
        ("allow_other_accounts = true", "allow_other_accounts", "states no account"),
    ] {
        let problem = problem_of(&with_directory("", line));
        assert!(problem.starts_with(&format!("connections.market-users.{key}: ")), "{problem}");
        assert!(problem.contains(reason) && problem.contains("leave it out"), "{problem}");
    }
}

#[test]
fn scopes_and_prompts_are_those_that_a_directory_knows() {
    for (line, start) in [
        ("scopes = [\"email\", \"admin\"]", "connections.market-users.scopes[1]: \"admin\" is no scope of a directory"),
        (
            "scopes = [\"offline_access\"]",
            "connections.market-users.scopes[0]: \"offline_access\" asks a directory for nothing",
        ),
        ("prompt = \"consent\"", "connections.market-users.prompt: \"consent\" asks a directory for nothing"),
    ] {
        let problem = problem_of(&with_directory("", line));
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn a_name_is_that_of_a_directory_or_of_a_provider() {
    let both = with_directory("", "scopes = [\"email\"]").replace("market\"\nscopes", "entra\"\nscopes");
    let both = both.replace("[directories.market]", "[directories.entra]");
    let problems = read(&both).unwrap_err().to_string();
    assert!(problems.contains("directories.entra: is also the name of an identity provider"), "{problems}");
    let unknown = with_directory("", "").replace("identity_provider = \"market\"", "identity_provider = \"markets\"");
    let problems = read(&unknown).unwrap_err().to_string();
    assert!(problems.contains("there is no identity_providers.markets: did you mean \"market\"?"), "{problems}");
}

#[test]
fn an_app_has_a_client_of_its_own_and_a_back_end_cannot_exchange_there() {
    let hash = "0".repeat(63) + "2";
    let app = format!(
        "[apps.app1]\nservice_token_sha256 = [\"{hash}\"]\nconnection = \"market-users\"\n\
         login_origins = [\"https://app1.example.com\"]\n"
    );
    let configuration = read(&with_directory("", &app)).unwrap_or_else(|problems| panic!("{problems}"));
    let of_app = configuration.connections.iter().find(|section| section.table == "apps").unwrap();
    assert_eq!(of_app.connection.client_id, "bot-sso.app/app1.market-users");
    assert_ne!(of_app.connection.revision, connection_of(configuration.clone()).connection.revision);
    let back_end = format!(
        "[back_ends.orders]\nclient_id = \"orders\"\nsecret_sha256 = [\"{hash}\"]\nexchange = {{ connection = \"market-users\" }}\n"
    );
    let problem = problem_of(&with_directory("", &back_end));
    assert!(problem.contains("whose users are those of a directory, which exchanges no tokens"), "{problem}");
}
