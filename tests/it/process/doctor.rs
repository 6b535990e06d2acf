//! `bot-sso doctor`: a sign-in that works is `ok` in each line, and each mistake has a line that says what to change
//! (docs/troubleshooting.md §Ask the doctor).

use std::process::Output;

use bot_sso::dev::Signer;
use serde_json::Value;

use super::operations::{port_of, with_operations};
use super::setting::{Setting, stdout};
use crate::harness::{NOWHERE, write_private};

const GATEWAY: &str = "http://127.0.0.1:3978";

/// What a client's token is like in a case.
#[derive(Clone, Copy)]
enum Token {
    None,
    /// Of this user.
    Of(&'static str),
    /// Ada's with a changed claim, signed by the tenant.
    With(&'static str, &'static str),
    /// Ada's, which has ended.
    Ended,
    /// Ada's, signed with a key of the channels.
    Forged,
    /// This text.
    Text(&'static str),
}

/// A mistake, and the line that tells of it.
struct Case {
    settings: &'static [(&'static str, &'static str)],
    token: Token,
    check: &'static str,
    verdict: &'static str,
    /// What the line says has this in it.
    says: &'static str,
}

const fn case(
    settings: &'static [(&'static str, &'static str)],
    token: Token,
    check: &'static str,
    verdict: &'static str,
    says: &'static str,
) -> Case {
    Case { settings, token, check, verdict, says }
}

const CASES: [Case; 24] = [
    case(
        &[("bots.demo.sdk", "\"agents\""), ("bots.demo.after_exchange", "\"forward\"")],
        Token::None,
        "after_exchange",
        "ok",
        "forward",
    ),
    case(
        &[("bots.demo.sdk", "\"agents\""), ("bots.demo.after_exchange", "\"notify\"")],
        Token::None,
        "after_exchange",
        "failed",
        "after_exchange = \"forward\"",
    ),
    case(&[("bots.demo.endpoint", "\"http://127.77.83.29:9/x\"")], Token::None, "bot", "failed", "start the bot"),
    case(
        &[("connections.demo-graph.client_secret", "{ env = \"WRONG_SECRET\" }")],
        Token::None,
        "credential",
        "failed",
        "AADSTS7000215",
    ),
    case(
        &[("connections.demo-graph.client_secret.expires", "2024-01-31")],
        Token::None,
        "credential_end",
        "warning",
        "has ended on 2024-01-31",
    ),
    case(&[], Token::None, "credential_end", "skipped", "expires = "),
    case(
        &[("server.public_url", "\"http://127.0.0.1:1234\"")],
        Token::None,
        "redirect_uri",
        "failed",
        "register http://127.0.0.1:1234/",
    ),
    case(
        &[("identity_providers.entra.jwks_url", "\"http://127.77.83.29:9/keys\"")],
        Token::None,
        "keys",
        "failed",
        "cannot be fetched",
    ),
    case(
        &[("identity_providers.entra.jwks_url", "\"http://127.77.83.29:9/keys\"")],
        Token::None,
        "clock",
        "skipped",
        "cannot be fetched",
    ),
    case(
        &[("channels.metadata_url", "\"http://127.77.83.29:9/keys\""), ("channels.allow_insecure_http", "true")],
        Token::None,
        "channel_metadata",
        "failed",
        "cannot be fetched",
    ),
    case(&[], Token::Text("no token"), "token_form", "failed", "no JSON Web Token"),
    case(&[], Token::With("iss", "https://evil.example/v2.0"), "token_issuer", "failed", "evil.example"),
    case(&[], Token::With("ver", "1.0"), "token_version", "failed", "ver=1.0"),
    case(
        &[("connections.demo-graph.tenants", "[\"99999999-9999-4999-8999-999999999999\"]")],
        Token::Of("Ada"),
        "token_tenant",
        "failed",
        "add it to the connection's tenants",
    ),
    case(&[], Token::Forged, "token_signature", "failed", "key"),
    case(
        &[],
        Token::With("aud", "api://another-app"),
        "token_audience",
        "failed",
        "webApplicationInfo in the Teams manifest",
    ),
    case(&[], Token::Ended, "token_lifetime", "failed", "fresh one"),
    case(&[], Token::With("idtyp", "app"), "token_user", "failed", "without a user"),
    case(
        &[("connections.demo-graph.required_scopes", "[\"manage\"]")],
        Token::Of("Ada"),
        "token_scopes",
        "failed",
        "manage",
    ),
    case(
        &[("connections.demo-graph.authorized_clients", "[\"99999999-9999-4999-8999-999999999999\"]")],
        Token::Of("Ada"),
        "token_client",
        "failed",
        "authorized_clients",
    ),
    case(
        &[("connections.demo-graph.authorized_clients", "[\"99999999-9999-4999-8999-999999999999\"]")],
        Token::None,
        "authorized_clients",
        "warning",
        "5e3ce6c0-",
    ),
    case(&[], Token::Of("Cleo"), "consent", "failed", "AADSTS65001"),
    case(&[], Token::Of("Dan"), "consent", "failed", "AADSTS50076"),
    case(&[("bots.demo.allow_insecure_http", "true")], Token::None, "configuration", "ok", "can be used"),
];

/// A setting whose gateway is known to the tenant, and whose bot has an SDK.
async fn healthy() -> Setting {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.harness.stage.attach_gateway(GATEWAY);
    setting.set("bots.demo.sdk", "botbuilder");
    setting.set_variable("WRONG_SECRET", "this-secret-is-wrong");
    setting
}

fn findings(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{output:?}"))
}

async fn token_of(setting: &Setting, token: Token) -> Option<String> {
    let ada = setting.harness.user_token("Ada", "graph").await;
    let forge = |name: &str, value: Value| setting.harness.forge(Signer::Tenant, &ada, |claims| claims[name] = value);
    Some(match token {
        Token::None => return None,
        Token::Of(user) => setting.harness.user_token(user, "graph").await,
        Token::With(name, value) => forge(name, value.into()),
        Token::Ended => forge("exp", (setting.harness.now() - 600).into()),
        Token::Forged => setting.harness.forge(Signer::Channel, &ada, |_| {}),
        Token::Text(text) => text.to_owned(),
    })
}

#[tokio::test]
async fn each_mistake_has_a_line_that_says_what_to_change() {
    let mut setting = healthy().await;
    let mut missing = Vec::new();
    for Case { settings, token, check, verdict, says } in &CASES {
        let before = setting.table();
        for (key, value) in *settings {
            let value: toml::Table = format!("value = {value}").parse().unwrap();
            setting.set(key, value["value"].clone());
        }
        let token = token_of(&setting, *token).await;
        let mut arguments = vec!["--bot", "demo", "--connection", "graph", "--json"];
        arguments.extend(token.iter().flat_map(|_| ["--token", "-"]));
        let output = setting.doctor(&arguments, token.as_deref().unwrap_or_default());
        let found = findings(&output);
        let fits = |finding: &&Value| {
            let advice = finding["advice"].as_str().unwrap_or_default();
            let text = format!("{} {advice}", finding["seen"].as_str().unwrap());
            finding["check"] == *check && finding["verdict"] == *verdict && text.contains(says)
        };
        if !found.iter().any(|finding| fits(&finding)) {
            let seen: Vec<_> = found.iter().filter(|finding| finding["check"] == *check).collect();
            missing.push(format!("{check} {verdict} {says}: {seen:#?}"));
        }
        let failed = found.iter().any(|finding| finding["verdict"] == "failed");
        assert_eq!(output.status.code(), Some(i32::from(failed)), "{check}");
        let said = stdout(&output);
        assert!(!said.contains("this-secret-is-wrong"), "{said}");
        assert!(token.is_none_or(|token| !token.contains('.') || !said.contains(&token)), "{said}");
        setting.set_table(before);
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[tokio::test]
async fn a_sign_in_that_works_is_ok_in_each_line_and_no_token_is_shown_or_kept() {
    let mut setting = healthy().await;
    let service = setting.serve().await;
    let ada = setting.harness.user("Ada");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    setting.set("operations.listen", format!("127.0.0.1:{}", port_of(&service)));
    let expires: toml::Value = toml::Value::Datetime("2999-01-31".parse().unwrap());
    setting.set("connections.demo-graph.client_secret.expires", expires);
    let table = setting.table();
    let (uri, client) = (&table["connections"]["demo-graph"]["token_exchange_uri"], &table["bots"]["demo"]["app_id"]);
    let client = table["connections"]["demo-graph"].get("client_id").unwrap_or(client);
    let manifest = serde_json::json!({
        "webApplicationInfo": { "id": client.as_str(), "resource": uri.as_str() },
        "validDomains": ["127.0.0.1"],
        "bots": [{ "botId": table["bots"]["demo"]["app_id"].as_str() }],
    });
    let file = setting.path("manifest.json");
    std::fs::write(&file, manifest.to_string()).unwrap();
    let token = setting.harness.user_token("Ada", "graph").await;
    let key = format!("{}@{}", ada.oid, ada.tid);
    let (file, key) = (file.to_str().unwrap(), key.as_str());
    let arguments =
        ["--bot", "demo", "--connection", "graph", "--manifest", file, "--token", "-", "--user", key, "--json"];
    let output = setting.doctor(&arguments, &format!("Bearer {token}\n"));
    let found = findings(&output);
    let checks = [
        "configuration",
        "manifest_id",
        "manifest_resource",
        "manifest_domains",
        "manifest_bot",
        "exchange_uri",
        "scopes",
        "authorized_clients",
        "token_form",
        "token_issuer",
        "token_version",
        "token_tenant",
        "token_signature",
        "token_audience",
        "token_lifetime",
        "token_user",
        "token_scopes",
        "token_client",
        "consent",
        "granted_scopes",
        "credential",
        "credential_end",
        "redirect_uri",
        "keys",
        "clock",
        "channel_metadata",
        "bot",
        "after_exchange",
        "store",
        "key_ring",
        "service",
        "user",
    ];
    for check in checks {
        let of_check: Vec<&Value> = found.iter().filter(|finding| finding["check"] == check).collect();
        assert!(!of_check.is_empty(), "{check}\n{found:#?}");
        assert!(of_check.iter().any(|finding| finding["verdict"] == "ok"), "{check}\n{of_check:#?}");
        assert!(of_check.iter().all(|finding| finding["verdict"] != "failed"), "{check}\n{of_check:#?}");
    }
    assert_eq!(output.status.code(), Some(0), "{found:#?}");
    let text = stdout(&setting.doctor(&arguments[..10], &token));
    assert!(
        text.lines().any(|line| line.starts_with("ok       token audience, for connections.demo-graph: aud=")),
        "{text}"
    );
    assert!(text.lines().last().unwrap().contains(" ok, "), "{text}");
    for said in [text, stdout(&output)] {
        assert!(!said.contains(&token) && !said.contains(token.rsplit('.').next().unwrap()), "{said}");
    }
    service.stop().await;
}

#[tokio::test]
async fn what_was_named_wrongly_is_exit_code_2_and_a_token_is_no_argument() {
    let mut setting = healthy().await;
    setting.write();
    let manifest = setting.path("app.zip");
    write_private(&manifest, "PK\u{3}\u{4}");
    for (arguments, says) in [
        (vec!["--bot", "dmeo"], "there is no bot \"dmeo\": write one of assistant, "),
        (vec!["--connection", "grahp"], "connections.demo-graph"),
        (vec!["--manifest", manifest.to_str().unwrap()], "unpack it"),
    ] {
        let output = setting.doctor(&arguments, "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stdout(&output).contains(says), "{output:?}");
    }
    for (argument, input) in [("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", ""), ("-", "  \n")] {
        let output = setting.doctor(&["--token", argument], input);
        assert_eq!(output.status.code(), Some(2));
        let said = format!("{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("standard input") && !said.contains("eyJ"), "{said}");
    }
    setting.set("bots.demo.endpoint", "nowhere");
    let output = setting.doctor(&["--json"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(findings(&output).iter().any(|it| it["subject"] == "bots.demo.endpoint" && it["verdict"] == "failed"));
}

#[tokio::test]
async fn the_users_token_and_the_store_on_a_server_have_their_lines() {
    let mut setting = healthy().await;
    let other = "99999999-9999-4999-8999-999999999999@22222222-2222-4222-8222-222222222222";
    let token = setting.harness.user_token("Ada", "graph").await;
    setting.remove_section("store");
    setting.set("store.url", format!("redis://{NOWHERE}"));
    let output = setting.doctor(&["--connection", "graph", "--token", "-", "--user", other, "--json"], &token);
    let found = findings(&output);
    for check in ["user", "store"] {
        let has_failed = |finding: &&Value| finding["check"] == check && finding["verdict"] == "failed";
        assert!(found.iter().any(|finding| has_failed(&finding)), "{check}\n{found:#?}");
    }
    assert_eq!(output.status.code(), Some(1));
}
