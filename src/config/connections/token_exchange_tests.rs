//! `token_exchange` of connections to providers of kind `oidc`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{CLIENT, OTHER_ISSUER, TENANTS, problem_of, read, with_openid};
use crate::config::{ExchangeGrant, TokenExchangeOptions};
use crate::domain::{AudienceRule, Connection};

const ENTRA: &str = "token_exchange = { subject = \"entra\" }";
const OWN: &str = "token_exchange = { subject = \"provider\", accepted_audiences = [\"api\"] }";
const URI: &str = "token_exchange_uri = \"api://tickets.example.com/access_as_user\"";

fn text(lines: &[&str]) -> String {
    with_openid(OTHER_ISSUER, &format!("{CLIENT}\n{}", lines.join("\n")))
}

fn tickets(lines: &[&str]) -> (Connection, Option<TokenExchangeOptions>) {
    let configuration = read(&text(lines)).unwrap_or_else(|problems| panic!("{problems}"));
    let section = configuration.connections.into_iter().find(|section| section.key == "tickets").unwrap();
    (section.connection, section.openid.token_exchange)
}

fn uri(text: &str) -> AudienceRule {
    AudienceRule::Uri(text.to_owned())
}

#[test]
fn a_connection_that_exchanges_tokens_of_entra_has_the_keys_of_one_at_entra() {
    let more =
        "required_scopes = [\"access_as_user\"]\nauthorized_clients = [\"1FEC8E78-bce4-4aaf-ab1b-5451cc387264\"]";
    let (connection, options) = tickets(&[ENTRA, URI, TENANTS, more]);
    assert_eq!((connection.exchange.entra_provider(), connection.exchange.own_issuer()), (Some("entra"), None));
    assert_eq!(connection.token_exchange_uri.as_deref(), Some("api://tickets.example.com/access_as_user"));
    for audience in [
        AudienceRule::ClientId("11111111-1111-4111-8111-111111111111".to_owned()),
        uri("api://tickets.example.com"),
        uri("api://tickets.example.com/access_as_user"),
    ] {
        assert!(connection.exchange.audiences.contains(&audience), "{audience:?} {:?}", connection.exchange);
    }
    assert_eq!(connection.exchange.authorized_clients, ["1fec8e78-bce4-4aaf-ab1b-5451cc387264"]);
    let options = options.unwrap();
    assert!(options.is_of_entra && options.grant == ExchangeGrant::TokenExchange);
    assert_eq!(options.subject_token_type, "urn:ietf:params:oauth:token-type:access_token");

    let other_app = ENTRA.replace('}', ", entra_client_id = \"66666666-6666-4666-8666-666666666666\" }");
    let (connection, _) = tickets(&[&other_app, TENANTS]);
    let client = AudienceRule::ClientId("66666666-6666-4666-8666-666666666666".to_owned());
    assert!(connection.exchange.audiences.contains(&client), "{:?}", connection.exchange);
}

#[test]
fn a_connection_that_exchanges_the_providers_own_tokens_lists_their_audiences() {
    let more = "required_scopes = [\"chat\"]\nauthorized_clients = [\"the page\"]\ntoken_exchange_uri = \"tickets\"";
    let (connection, options) = tickets(&[OWN, more]);
    assert_eq!(connection.exchange.own_issuer(), Some("https://login.example.com/realm/"));
    assert_eq!(connection.exchange.audiences, [uri("api")]);
    assert_eq!(connection.exchange.required_scopes, ["chat"]);
    assert_eq!(connection.exchange.authorized_clients, ["the page"]);
    assert_eq!(connection.token_exchange_uri.as_deref(), Some("tickets"));
    assert!(!options.unwrap().is_of_entra);
    let (connection, options) = tickets(&[]);
    assert_eq!((connection.exchange.subject, connection.exchange.audiences, options), (None, Vec::new(), None));
}

#[test]
fn the_parameters_of_keycloak_and_zitadel_can_be_written() {
    let keycloak = OWN.replace(
        " }",
        ", requested_token_type = \"refresh_token\", audience = [\"a b\", \"c\"], parameters = { subject_issuer = \"entra\" } }",
    );
    let (connection, options) = tickets(&[&keycloak]);
    let options = options.unwrap();
    assert_eq!(options.audience, ["a b", "c"]);
    assert_eq!(options.parameters["subject_issuer"], "entra");
    assert!(connection.asks_offline_by_parameter, "the refresh token that was requested is kept");
    let zitadel = OWN.replace(
        " }",
        ", subject_token_type = \"jwt\", requested_token_type = \"urn:ietf:params:oauth:token-type:jwt\", resource = [\"https://api.example\"] }",
    );
    let options = tickets(&[&zitadel]).1.unwrap();
    assert_eq!(options.subject_token_type, "urn:ietf:params:oauth:token-type:jwt");
    assert_eq!(options.requested_token_type.as_deref(), Some("urn:ietf:params:oauth:token-type:jwt"));
    assert_eq!(options.resource, ["https://api.example"]);
    let vendors = OWN.replace(" }", ", subject_token_type = \"urn:example:type\", grant = \"token_exchange\" }");
    assert_eq!(tickets(&[&vendors]).1.unwrap().subject_token_type, "urn:example:type");
    let jwt_bearer = OWN.replace(" }", ", grant = \"jwt_bearer\" }");
    assert_eq!(tickets(&[&jwt_bearer]).1.unwrap().grant, ExchangeGrant::JwtBearer);
}

#[test]
fn what_cannot_be_meant_is_a_problem() {
    let own = |more: &str| OWN.replace(" }", &format!(", {more} }}"));
    for (lines, start) in [
        (vec!["token_exchange = {}".to_owned()], "token_exchange.subject: is missing"),
        (vec!["token_exchange = { subject = \"okta\" }".to_owned()], "token_exchange.subject: unknown word"),
        (vec![ENTRA.to_owned()], "tenants: is missing"),
        (
            vec!["token_exchange = { subject = \"provider\" }".to_owned()],
            "token_exchange.accepted_audiences: is missing",
        ),
        (vec![OWN.to_owned(), TENANTS.to_owned()], "tenants: belongs to subject = \"entra\""),
        (vec![OWN.to_owned(), "allow_v1 = true".to_owned()], "allow_v1: belongs to subject = \"entra\""),
        (vec![own("entra_client_id = \"x\"")], "token_exchange.entra_client_id: belongs to"),
        (vec![own("identity_provider = \"entra\"")], "token_exchange.identity_provider: belongs to"),
        (
            vec![ENTRA.replace('}', ", accepted_audiences = [\"x\"] }"), TENANTS.to_owned()],
            "token_exchange.accepted_audiences: belongs to",
        ),
        (
            vec![ENTRA.replace('}', ", identity_provider = \"other\" }"), TENANTS.to_owned()],
            "token_exchange.identity_provider: there is no",
        ),
        (vec![own("subject_token_type = \"saml\"")], "token_exchange.subject_token_type: "),
        (vec![own("requested_token_type = \"id_token\"")], "token_exchange.requested_token_type: "),
        (vec![own("resource = [\"no uri\"]")], "token_exchange.resource[0]: "),
        (vec![own("resource = [\"https://x.example/#f\"]")], "token_exchange.resource[0]: "),
        (vec![own("audience = [\"\"]")], "token_exchange.audience[0]: "),
        (
            vec![own("grant = \"jwt_bearer\", subject_token_type = \"jwt\"")],
            "token_exchange.subject_token_type: belongs to",
        ),
        (vec![own("parameters = { Subject_Token = \"x\" }")], "token_exchange.parameters.Subject_Token: cannot be set"),
        (vec![own("parameters = { scope = \"x\" }")], "token_exchange.parameters.scope: cannot be set"),
        (vec![own("parameters = { \"a b\" = \"x\" }")], "token_exchange.parameters.\"a b\": is no parameter"),
        (vec![OWN.to_owned(), "token_exchange_uri = \"\"".to_owned()], "token_exchange_uri"),
        (vec![URI.to_owned()], "token_exchange_uri: belongs to"),
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let problem = problem_of(&text(&lines));
        assert!(problem.starts_with(&format!("connections.tickets.{start}")), "{start}\n{problem}");
    }
}

#[test]
fn a_change_of_the_exchange_ends_the_kept_tokens() {
    let revision = |lines: &[&str]| tickets(lines).0.revision;
    let plain = revision(&[OWN]);
    assert_eq!(plain, revision(&[OWN, "token_exchange_uri = \"x\""]));
    for other in [
        revision(&[]),
        revision(&[ENTRA, TENANTS]),
        revision(&[&OWN.replace(" }", ", audience = [\"x\"] }")]),
        revision(&[&OWN.replace(" }", ", parameters = { audience_of = \"x\" } }")]),
        revision(&[&OWN.replace(" }", ", grant = \"jwt_bearer\" }")]),
    ] {
        assert_ne!(plain, other);
    }
}
