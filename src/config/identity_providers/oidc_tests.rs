//! Identity providers of kind `oidc`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{CLIENT, MINIMAL, OTHER_ISSUER, read, with_openid};
use crate::domain::ProviderKind;

#[test]
fn an_openid_provider_needs_only_its_issuer() {
    let configuration = read(&with_openid(OTHER_ISSUER, CLIENT)).unwrap();
    let other = &configuration.openid_providers["other"];
    assert_eq!(other.issuer, "https://login.example.com/realm/", "letter by letter");
    assert_eq!(other.metadata_url.as_str(), "https://login.example.com/realm/.well-known/openid-configuration");
    assert_eq!(other.keys.address(), &other.metadata_url);
    assert!(configuration.identity_providers["entra"].authenticates_callers, "the only one of its kind");
    let tickets = configuration.connections.iter().find(|section| section.key == "tickets").unwrap();
    assert_eq!(tickets.connection.provider_kind, ProviderKind::OpenIdConnect);
    assert_eq!(tickets.connection.client_id, "the bot's client");
    assert!(tickets.connection.exchange.audiences.is_empty());
    assert!(configuration.app_identities().iter().all(|identity| identity.place != "connections.tickets"));
    let loopback = with_openid("issuer = \"http://127.0.0.1:9/realm\"", CLIENT);
    assert!(read(&loopback).unwrap().plain_http_hosts().contains(&"127.0.0.1".to_owned()));
}

#[test]
fn adding_another_provider_does_not_change_existing_connections() {
    let added = format!(
        "{MINIMAL}\n[identity_providers.other]\nkind = \"oidc\"\n{OTHER_ISSUER}\n[connections.tickets]\nbot = \"help-desk\"\n\
         identity_provider = \"other\"\nscopes = [\"profile\"]\nclient_secret = {{ env = \"GRAPH_CLIENT_SECRET\" }}\n{CLIENT}\n"
    );
    let (before, after) = (read(MINIMAL).unwrap(), read(&added).unwrap());
    assert_eq!(after.connections.len(), before.connections.len() + 1);
    for section in &before.connections {
        let same = after.connections.iter().find(|other| other.key == section.key).unwrap();
        assert_eq!(same.connection.revision, section.connection.revision);
        assert_eq!(same.connection.identity_provider, "entra");
    }
    assert!(after.identity_providers["entra"].authenticates_callers);
}
