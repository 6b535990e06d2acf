//! Connections to Entra: names, references, scopes, and the tokens that they accept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{
    ENDPOINT, MINIMAL, SCOPES, SECRET_LINE, TENANTS, URI, changed, expect_problem, problem_of, read,
};
use crate::domain::AudienceRule;

#[test]
fn one_wire_name_belongs_to_one_connection_of_a_bot() {
    let second = format!(
        "{MINIMAL}\n[connections.other]\nname = \"graph\"\nbot = \"help-desk\"\n{SECRET_LINE}\n{SCOPES}\n{TENANTS}\n"
    );
    assert!(problem_of(&second).starts_with("connections.other.name: has the same bot and name as connections.graph"));
    let other_bot = format!(
        "[bots.other]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n{ENDPOINT}\n{}",
        second.replace("name = \"graph\"\nbot = \"help-desk\"", "name = \"graph\"\nbot = \"other\"")
    );
    let configuration = read(&other_bot).unwrap();
    let names: Vec<_> = configuration.connections.iter().map(|section| section.connection.name.as_str()).collect();
    assert_eq!(names, ["graph", "graph"]);
}

#[test]
fn a_connection_refers_to_what_exists() {
    expect_problem(
        "bot = \"help-desk\"",
        "bot = \"help_desk\"",
        "connections.graph.bot: there is no bots.help_desk: did you mean \"help-desk\"?",
    );
    expect_problem(
        "bot = \"help-desk\"",
        "bot = \"help-desk\"\nidentity_provider = \"okta\"",
        "connections.graph.identity_provider: there is no",
    );
    let two = format!("{MINIMAL}\n[identity_providers.a]\n[identity_providers.b]\n");
    assert!(problem_of(&two).starts_with("connections.graph.identity_provider: is missing"));
}

#[test]
fn the_tenants_of_a_connection_have_no_default() {
    expect_problem(TENANTS, "", "connections.graph.tenants: is missing");
    expect_problem(TENANTS, "tenants = []", "connections.graph.tenants: is empty");
    expect_problem(TENANTS, "tenants = \"common\"", "connections.graph.tenants: \"common\" is none of these");
    expect_problem(
        TENANTS,
        "tenants = [\"contoso.com\"]",
        "connections.graph.tenants[0]: \"contoso.com\" is not a GUID",
    );
    expect_problem(TENANTS, "tenants = 5", "connections.graph.tenants: invalid type");
}

#[test]
fn scopes_belong_to_one_resource() {
    for (scopes, fine) in [
        ("[\"User.Read\", \"https://graph.microsoft.com/Mail.Read\", \"offline_access\"]", true),
        ("[\"https://graph.microsoft.com/.default\", \"openid\"]", true),
        ("[\"api://a/x\", \"api://b/x\"]", false),
        ("[\"User.Read\", \"api://b/x\"]", false),
        ("[\"openid\"]", false),
        ("[\"https://graph.microsoft.com/.default\", \"User.Read\"]", false),
        ("[\"User.Read Mail.Read\"]", false),
        ("[]", false),
    ] {
        let text = changed(SCOPES, &format!("scopes = {scopes}"));
        match read(&text) {
            Ok(_) => assert!(fine, "{scopes}"),
            Err(problems) => assert!(!fine && problems.0[0].path.starts_with("connections.graph.scopes"), "{problems}"),
        }
    }
}

#[test]
fn an_exchange_uri_is_an_app_id_uri_and_capitals_in_its_host_are_warned_of() {
    expect_problem(URI, "token_exchange_uri = \"access_as_user\"", "connections.graph.token_exchange_uri: ");
    expect_problem(URI, "token_exchange_uri = \"api:///x\"", "connections.graph.token_exchange_uri: ");
    let configuration = read(&changed(
        URI,
        "token_exchange_uri = \"api://SSO.example.com/botid-11111111-1111-4111-8111-111111111111\"",
    ))
    .unwrap();
    assert_eq!(configuration.warnings.len(), 1);
    assert!(configuration.warnings[0].message.contains("\"sso.example.com\""), "{:?}", configuration.warnings);
    let audience = AudienceRule::Uri("api://SSO.example.com/botid-11111111-1111-4111-8111-111111111111".to_owned());
    assert!(configuration.connections[0].connection.exchange.audiences.contains(&audience), "taken as written");
}

#[test]
fn required_scopes_are_names_and_at_least_one() {
    let with = |scopes: &str| format!("required_scopes = {scopes}\n{TENANTS}");
    expect_problem(TENANTS, &with("[]"), "connections.graph.required_scopes: is empty");
    expect_problem(TENANTS, &with("[\"api://x/read\"]"), "connections.graph.required_scopes[0]: ");
}
