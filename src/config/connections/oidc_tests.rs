//! Connections to providers of kind `oidc`: which keys they and their providers must and must not have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{CLIENT, OTHER_ISSUER, problem_of, read, with_openid};

#[test]
fn another_issuer_under_the_same_name_changes_the_revision() {
    let revision = |issuer: &str| {
        let configuration = read(&with_openid(&format!("issuer = \"{issuer}\""), CLIENT)).unwrap();
        let tickets = configuration.connections.into_iter().find(|section| section.key == "tickets");
        tickets.unwrap().connection.revision
    };
    assert_eq!(revision("https://login.example.com/a"), revision("https://login.example.com/a"));
    assert_ne!(revision("https://login.example.com/a"), revision("https://login.example.com/b"));
}

#[test]
fn keys_of_entra_are_refused_for_other_providers() {
    for (line, key) in [
        ("authority = \"https://login.example.com\"", "authority"),
        ("v1_issuer = \"https://login.example.com/{tenantid}\"", "v1_issuer"),
        ("authenticates_callers = true", "authenticates_callers"),
    ] {
        let problem = problem_of(&with_openid(&format!("{OTHER_ISSUER}\n{line}"), CLIENT));
        assert!(problem.starts_with(&format!("identity_providers.other.{key}: belongs to ")), "{problem}");
    }
    for (line, key) in [
        ("token_exchange_uri = \"api://login.example.com/x\"", "token_exchange_uri"),
        ("exchange_uris = [\"api://x/y\"]", "exchange_uris"),
        ("aad_resources = [\"https://graph.microsoft.com/\"]", "aad_resources"),
        ("tenants = \"any_organization\"", "tenants"),
        ("required_scopes = [\"x\"]", "required_scopes"),
        ("authorized_clients = [\"22222222-2222-4222-8222-222222222222\"]", "authorized_clients"),
        ("allow_v1 = true", "allow_v1"),
        ("continuous_access = true", "continuous_access"),
    ] {
        let problem = problem_of(&with_openid(OTHER_ISSUER, &format!("{CLIENT}\n{line}")));
        assert!(problem.starts_with(&format!("connections.tickets.{key}: belongs to ")), "{problem}");
    }
}

#[test]
fn an_openid_provider_has_an_issuer_and_its_connections_a_client() {
    for (provider, start) in [
        ("", "identity_providers.other.issuer: is missing"),
        ("issuer = \"http://login.example.com\"", "identity_providers.other.issuer: "),
        ("issuer = \"https://login.example.com/?a=b\"", "identity_providers.other.issuer: "),
        (
            "issuer = \"https://login.example.com/.well-known/openid-configuration\"",
            "identity_providers.other.issuer: ",
        ),
    ] {
        let problem = problem_of(&with_openid(provider, CLIENT));
        assert!(problem.starts_with(start), "{problem}");
    }
    for (more, start) in [
        ("", "connections.tickets.client_id: is missing"),
        ("client_id = \"\"", "connections.tickets.client_id: is no client id"),
    ] {
        let problem = problem_of(&with_openid(OTHER_ISSUER, more));
        assert!(problem.starts_with(start), "{problem}");
    }
    let federated = with_openid(OTHER_ISSUER, CLIENT).replace(
        "scopes = [\"profile\"]\nclient_secret = { env = \"GRAPH_CLIENT_SECRET\" }",
        "scopes = [\"profile\"]\ncredentials = [{ managed_identity = { client_id = \"66666666-6666-4666-8666-666666666666\" } }]",
    );
    let problem = problem_of(&federated);
    assert!(
        problem.starts_with("connections.tickets.credentials[0]: is of a kind that Entra alone takes"),
        "{problem}"
    );
}
