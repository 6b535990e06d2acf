//! What `check` finds beyond one value, what `check --online` asks, and a start whose key ring lacks a key.

use super::setting::{Setting, bot_sso, stderr, stdout};
use crate::generic_provider::fixture::{self as elsewhere, OidcProvider};
use crate::harness::write_private;

/// The last line of an output.
fn last_line(said: &str) -> &str {
    said.lines().last().unwrap_or_default()
}

#[tokio::test]
async fn check_lists_every_problem_and_warning_at_once_and_exits_with_1() {
    let mut setting = Setting::new().await;
    let endpoint = "http://127.0.0.1:3978/api/messages";
    setting.set("server.listen", vec!["127.0.0.1:3978"]);
    setting.set("operations.listen", "127.0.0.1:3978");
    setting.set("bots.demo.endpoint", endpoint);
    setting.set("outbound.bot_timeout_ms", "15s");
    setting.set_variable("BOT_SSO_SERVER_LISTEN", "127.0.0.1:1");
    write_private(&setting.path("bot-sso.keys"), "version = 1\nnaming_key = \"a secret text\"\n");
    let output = setting.run("check");
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for start in [
        "warning: BOT_SSO_SERVER_LISTEN: ",
        "keys.file: not a key ring: ",
        "operations.listen: ",
        "bots.demo.endpoint: ",
        "outbound.bot_timeout_ms: ",
    ] {
        assert!(said.lines().any(|line| line.starts_with(start)), "{start}\n{said}");
    }
    assert!(!said.contains("a secret text"), "{said}");
}

#[tokio::test]
async fn a_variable_of_opentelemetry_is_refused_by_check_and_start_with_the_key_to_write() {
    let mut setting = Setting::new().await;
    setting.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    for (command, output) in [("check", setting.run("check")), ("serve", setting.run("serve"))] {
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        let line = said.lines().find(|line| line.contains("OTEL_EXPORTER_OTLP_ENDPOINT")).unwrap_or_default();
        assert!(line.contains("unknown") && line.contains("traces.endpoint"), "{command}: {said}");
    }
}

#[tokio::test]
async fn a_start_with_a_key_ring_that_lacks_a_key_names_the_key_and_counts_its_records() {
    let mut setting = Setting::new().await;
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    service.stop().await;
    let keys = setting.path("bot-sso.keys");
    let ring = std::fs::read_to_string(&keys).unwrap();

    // Another ring whose key has the same id is no substitute.
    std::fs::remove_file(&keys).unwrap();
    assert!(bot_sso(&["keys", "create", keys.to_str().unwrap()]).status.success());
    let output = setting.run("serve");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("keys.file: the key ring lacks sealing key 1, with which "), "{said}");
    assert!(said.contains(" of the store are sealed"), "{said}");

    // A ring that was rotated and then lost its older key.
    write_private(&keys, &ring);
    assert!(bot_sso(&["keys", "rotate", keys.to_str().unwrap()]).status.success());
    let rotated = std::fs::read_to_string(&keys).unwrap();
    let service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 200);
    service.stop().await;
    let mut table: toml::Table = rotated.parse().unwrap();
    table["sealing_key"].as_array_mut().unwrap().retain(|key| key["id"].as_integer() == Some(2));
    write_private(&keys, &table.to_string());
    let output = setting.run("serve");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("lacks sealing key 1, with which ") && !said.contains("sealing key 2"), "{said}");

    write_private(&keys, &rotated);
    let _service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 200);
}

/// Adds a connection to the provider at `issuer`, with `secret`.
pub(super) fn connect_elsewhere(setting: &mut Setting, issuer: &str, secret: &str) {
    setting.set("identity_providers.elsewhere.kind", "oidc");
    setting.set("identity_providers.elsewhere.issuer", issuer);
    setting.set("identity_providers.elsewhere.allow_insecure_http", true);
    setting.set("connections.tickets.bot", "demo");
    setting.set("connections.tickets.identity_provider", "elsewhere");
    setting.set("connections.tickets.client_id", elsewhere::CLIENT);
    setting.set("connections.tickets.scopes", vec!["openid"]);
    setting.set_variable("TICKETS_SECRET", secret);
    let reference = toml::Table::from_iter([("env".to_owned(), toml::Value::from("TICKETS_SECRET"))]);
    setting.set("connections.tickets.client_secret", reference);
}

#[tokio::test]
async fn check_online_asks_providers_of_kind_oidc_the_keys_and_the_bots_and_ends_with_the_verdict() {
    let provider = OidcProvider::start("check").await;
    let mut setting = Setting::new().await;
    connect_elsewhere(&mut setting, &provider.issuer, elsewhere::CLIENT_SECRET);
    let output = setting.check_online();
    let said = stdout(&output);
    for start in [
        "channels keys: reachable".to_owned(),
        "identity_providers.elsewhere keys: reachable".to_owned(),
        format!("identity_providers.elsewhere discovery (issuer {}): usable", provider.issuer),
        "connections.tickets credentials[0] (secret): accepted".to_owned(),
        format!("bots.demo endpoint {}: reachable (status ", setting.harness.bot.endpoint()),
    ] {
        assert!(said.lines().any(|line| line.starts_with(&start)), "{start}\n{said}");
    }
    let failed: Vec<&str> = said.lines().filter(|line| line.contains("unreachable")).collect();
    assert_eq!((output.status.code(), last_line(&said), failed.len()), (Some(0), "ok", 0), "{said}");

    connect_elsewhere(&mut setting, &provider.issuer, "a wrong secret");
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("connections.tickets credentials[0] (secret): refused: "), "{said}");
    assert!(last_line(&said).starts_with("failed: 1 of "), "{said}");
    assert!(!said.contains("a wrong secret") && !said.contains("local-stage"), "{said}");
}

#[tokio::test]
async fn check_online_fails_where_a_provider_or_a_bot_does_not_answer() {
    let mut setting = Setting::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    connect_elsewhere(&mut setting, &format!("http://{nobody}"), "any");
    setting.set("bots.demo.endpoint", format!("http://{nobody}/api/messages"));
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for start in [
        "identity_providers.elsewhere keys: ",
        "identity_providers.elsewhere discovery ",
        "connections.tickets credentials[0] (secret): unknown: ",
    ] {
        assert!(said.lines().any(|line| line.starts_with(start)), "{start}\n{said}");
    }
    assert!(
        said.contains(&format!("bots.demo endpoint http://{nobody}/api/messages: the host is unreachable")),
        "{said}"
    );
    assert!(last_line(&said).starts_with("failed: 4 of "), "{said}");
}
