//! Connections to providers of kind `oidc`: which keys they and their providers must and must not have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{CLIENT, OTHER_ISSUER, problem_of, read, with_openid};
use crate::config::{ClientAuthentication, CredentialSection};

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

const SECRET_OF_TICKETS: &str = "client_secret = { env = \"GRAPH_CLIENT_SECRET\" }\nclient_id";

fn with_certificate(more: &str, client_auth: &str) -> String {
    let certificate = format!("{{ file = \"client-certificate.pem\", key_file = \"client-key.pem\"{more} }}");
    let credentials = format!("credentials = [{{ certificate = {certificate} }}]\n{client_auth}client_id");
    with_openid(OTHER_ISSUER, CLIENT).replace(SECRET_OF_TICKETS, &credentials)
}

#[test]
fn settings_of_a_provider_are_the_defaults_of_its_connections() {
    let provider = format!(
        "{OTHER_ISSUER}\nprompt = \"login\"\nclient_auth = \"client_secret_post\"\n\
         authorize_params = {{ audience = \"a\", ui_locales = \"de\" }}"
    );
    let connection = format!("{CLIENT}\nprompt = \"\"\n[connections.tickets.authorize_params]\naudience = \"b\"");
    let options = |text: &str| {
        let connections = read(text).unwrap().connections;
        connections.into_iter().find(|section| section.key == "tickets").unwrap().openid
    };
    let inherited = options(&with_openid(&provider, CLIENT));
    assert_eq!(
        (inherited.prompt.as_deref(), inherited.client_auth),
        (Some("login"), Some(ClientAuthentication::ClientSecretPost))
    );
    let own = options(&with_openid(&provider, &connection));
    assert_eq!(own.prompt.as_deref(), Some(""));
    let parameters: Vec<_> = own.authorize_params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(parameters, ["audience=b", "ui_locales=de"]);
}

#[test]
fn a_refresh_token_is_kept_in_whatever_way_the_connection_asks_for_it() {
    let keeps_of = |text: &str| {
        let connections = read(text).unwrap().connections;
        connections.into_iter().find(|section| section.key == "tickets").unwrap().connection.keeps_refresh_token()
    };
    let keeps = |provider: &str, connection: &str| keeps_of(&with_openid(provider, connection));
    for line in ["access_type = \"offline\"", "token_access_type = \"offline\"", "duration = \"permanent\""] {
        let line = format!("authorize_params = {{ {line} }}");
        assert!(keeps(OTHER_ISSUER, &format!("{CLIENT}\n{line}")), "{line}");
        assert!(keeps(&format!("{OTHER_ISSUER}\n{line}"), CLIENT), "of the provider: {line}");
    }
    for scope in ["offline_access", "offline", "offline.access", "refresh_token"] {
        let text = with_openid(OTHER_ISSUER, CLIENT).replace("[\"profile\"]", &format!("[\"profile\", \"{scope}\"]"));
        assert!(keeps_of(&text), "{scope}");
    }
    for line in ["", "prompt = \"consent\"", "authorize_params = { access_type = \"online\" }"] {
        assert!(!keeps(OTHER_ISSUER, &format!("{CLIENT}\n{line}")), "{line}");
    }
}

#[test]
fn our_own_parameters_cannot_be_overridden() {
    for name in [
        "client_id",
        "response_type",
        "response_mode",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "claims",
        "request",
        "request_uri",
        "prompt",
        "Redirect_URI",
    ] {
        let line = format!("authorize_params = {{ {name} = \"x\" }}");
        let problem = problem_of(&with_openid(OTHER_ISSUER, &format!("{CLIENT}\n{line}")));
        assert!(
            problem.starts_with(&format!("connections.tickets.authorize_params.{name}: cannot be set here")),
            "{problem}"
        );
        let problem = problem_of(&with_openid(&format!("{OTHER_ISSUER}\n{line}"), CLIENT));
        let start = format!("identity_providers.other.authorize_params.{name}: cannot be set here");
        assert!(problem.starts_with(&start), "{problem}");
    }
}

#[test]
fn a_prompt_that_lets_nobody_in_is_refused() {
    let problem = problem_of(&with_openid(OTHER_ISSUER, &format!("{CLIENT}\nprompt = \"none\"")));
    assert!(problem.starts_with("connections.tickets.prompt: \"none\" forbids"), "{problem}");
}

#[test]
fn client_auth_fits_the_credentials() {
    let with = |method: &str| with_openid(OTHER_ISSUER, &format!("{CLIENT}\nclient_auth = \"{method}\""));
    assert!(read(&with("client_secret_basic")).is_ok());
    let problem = problem_of(&with("private_key_jwt"));
    assert!(problem.starts_with("connections.tickets.credentials[0]: is a secret"), "{problem}");
    assert!(problem_of(&with("tls_client_auth")).starts_with("connections.tickets.client_auth: unknown"));
    assert!(read(&with_certificate("", "client_auth = \"private_key_jwt\"\n")).is_ok());
    let problem = problem_of(&with_certificate("", "client_auth = \"client_secret_post\"\n"));
    assert!(problem.starts_with("connections.tickets.credentials[0]: is a certificate"), "{problem}");
}

#[test]
fn an_assertion_has_the_audience_and_the_key_id_that_are_written() {
    let certificate = |more: &str| {
        let connections = read(&with_certificate(more, "")).unwrap().connections;
        let tickets = connections.into_iter().find(|section| section.key == "tickets").unwrap();
        match tickets.credentials.into_iter().next().unwrap() {
            CredentialSection::Certificate(certificate) => (certificate.audience, certificate.key_id),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(certificate(""), (None, None));
    assert_eq!(certificate(", audience = \"token_endpoint\", kid = \"key 1\""), (None, Some("key 1".to_owned())));
    let issuer = Some("https://login.example.com/realm/".to_owned());
    assert_eq!(certificate(", audience = \"issuer\""), (issuer, None));
    assert_eq!(certificate(", audience = \"urn:x\"").0.as_deref(), Some("urn:x"));
    let of_entra = with_certificate(", kid = \"\"", "");
    assert!(problem_of(&of_entra).contains("certificate.kid: is no kid"));
}

#[test]
fn a_required_scope_that_is_not_requested_is_warned_of() {
    let with = |scope: &str| format!("{CLIENT}\nrequired_granted_scopes = [\"{scope}\"]");
    assert!(read(&with_openid(OTHER_ISSUER, &with("profile"))).unwrap().warnings.is_empty());
    let configuration = read(&with_openid(OTHER_ISSUER, &with("tickets.read"))).unwrap();
    assert_eq!(configuration.warnings[0].path, "connections.tickets.required_granted_scopes[0]");
    let required = configuration.connections.iter().find(|section| section.key == "tickets").unwrap();
    assert_eq!(required.connection.required_granted_scopes, ["tickets.read"]);
}
