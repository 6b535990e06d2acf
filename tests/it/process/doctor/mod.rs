//! `bot-sso doctor`: a sign-in that works is `ok` in each line, and each mistake has a line that says what to change
//! (docs/troubleshooting.md §Ask the doctor).

mod case;
mod connections;
mod coverage;
mod manifests;
mod surroundings;
mod tokens;

use self::case::{Case, Examined, Token, findings, ok};
use super::operations::{port_of, with_operations};
use super::setting::{Setting, stdout};
use crate::harness::write_private;

const GATEWAY: &str = "http://127.0.0.1:3978";

/// A sign-in that works, and has worked for Ada.
const HEALTHY: Case = Case {
    settings: &[("connections.demo-graph.client_secret.expires", "2999-01-31")],
    arguments: &["--bot", "demo", "--connection", "graph", "--user", "{ada}"],
    manifest: Some(
        "{\"webApplicationInfo\": {\"id\": \"{client}\", \"resource\": \"{uri}\"}, \"validDomains\": [\"127.0.0.1\"], \
         \"bots\": [{\"botId\": \"{bot}\"}]}",
    ),
    token: Token::Of("Ada"),
    lines: &[
        ok("configuration", "can be used"),
        ok("manifest_id", "is the client id of connections.demo-graph"),
        ok("manifest_resource", "is connections.demo-graph.token_exchange_uri"),
        ok("manifest_domains", "127.0.0.1 is among them"),
        ok("manifest_bot", "is the app id of bots.demo"),
        ok("exchange_uri", "api://"),
        ok("scopes", "the provider is asked for "),
        ok("authorized_clients", "any client may hand in tokens"),
        ok("token_form", "RS256"),
        ok("token_issuer", "iss="),
        ok("token_version", "ver=2.0"),
        ok("token_tenant", "tid="),
        ok("token_signature", "kid="),
        ok("token_audience", "aud="),
        ok("token_lifetime", "ends in "),
        ok("token_user", "oid="),
        ok("token_scopes", "scp=access_as_user"),
        ok("token_client", "(Teams in a browser)"),
        ok("consent", "the user has consented"),
        ok("granted_scopes", "User.Read"),
        ok("credential", "accepted"),
        ok("credential_end", "ends on 2999-01-31"),
        ok("redirect_uri", "the provider sends browsers back to it"),
        ok("keys", "reachable (RSA)"),
        ok("clock", ""),
        ok("channel_metadata", "reachable (RSA)"),
        ok("bot", "reachable"),
        ok("after_exchange", "for sdk = \"botbuilder\""),
        ok("store", "only the service opens it"),
        ok("key_ring", "is a key ring"),
        ok("service", "ok"),
        ok("user", "is the user of the token"),
        ok("user", "kept: tokens 1"),
    ],
};

/// A setting whose gateway is known to the tenant, and whose bot has an SDK.
async fn healthy() -> Setting {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.harness.stage.attach_gateway(GATEWAY);
    setting.set("bots.demo.sdk", "botbuilder");
    setting.set_variable("WRONG_SECRET", "this-secret-is-wrong");
    setting
}

#[tokio::test]
async fn a_sign_in_that_works_is_ok_in_each_line_and_no_token_is_shown_or_kept() {
    let mut setting = healthy().await;
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    setting.set("operations.listen", format!("127.0.0.1:{}", port_of(&service)));
    let Examined { output, findings } = HEALTHY.run(&mut setting).await;
    let missing = HEALTHY.list_missing(&findings);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(findings.iter().all(|finding| finding["verdict"] != "failed"), "{findings:#?}");
    let token = setting.harness.user_token("Ada", "graph").await;
    let arguments = ["--bot", "demo", "--connection", "graph", "--token", "-"];
    let text = stdout(&setting.doctor(&arguments, &format!("Bearer {token}\n")));
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
