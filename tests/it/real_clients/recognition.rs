//! The `User-Agent` that each SDK's own client sends: the log names the setting of the bot that does not fit the SDK.

use serde_json::Value;

use super::fixture::Fixture;
use crate::harness::logs;
use crate::harness::peers::Program;

/// The lines about settings that do not fit, after `program` has made all of its calls.
async fn lines_after(program: Program, after_exchange: &'static str, bot: &'static str) -> Vec<Value> {
    let fixture = Fixture::start_in(after_exchange, bot).await;
    let logged = logs::length();
    fixture.run_client(&program).await;
    let complaints = logs::complaints_of(fixture.tag(), logged);
    complaints.into_iter().filter(|line| line.get("setting").is_some()).collect()
}

fn assert_one(lines: &[Value], sdk: &str, fields: [&str; 3]) {
    let [line] = lines else { panic!("{sdk}: not one line: {lines:#?}") };
    assert_eq!((&line["bot"], &line["sdk"], &line["level"]), (&"demo".into(), &sdk.into(), &"WARN".into()), "{line}");
    assert_eq!([&line["setting"], &line["value"], &line["fits"]], fields, "{line}");
}

const fn client(peer: &'static str, script: &'static str) -> Program {
    Program { peer, script }
}

#[tokio::test]
async fn a_bot_on_the_agents_sdk_for_node_that_is_notified_is_told_both_settings_once() {
    let lines = lines_after(client("agents-js", "client.mjs"), "notify", "").await;
    let settings = "bots.demo.after_exchange, bots.demo.refusal_style";
    assert_one(&lines, "agents-js", [settings, "notify, json400", "forward, ok_without_token"]);
    assert!(lines_after(client("agents-js", "client.mjs"), "preset", "sdk = \"agents-js\"").await.is_empty());
}

#[tokio::test]
async fn a_bot_on_the_agents_sdk_for_python_that_gets_nothing_is_told_to_have_the_invoke_forwarded() {
    let lines = lines_after(client("agents-python", "client.py"), "none", "").await;
    assert_one(&lines, "agents", ["bots.demo.after_exchange", "none", "forward"]);
    assert!(lines_after(client("agents-python", "client.py"), "preset", "sdk = \"agents\"").await.is_empty());
}

#[tokio::test]
async fn a_bot_on_botbuilder_for_node_that_gets_nothing_is_told_to_be_notified() {
    let lines = lines_after(client("botbuilder", "client.mjs"), "none", "").await;
    assert_one(&lines, "botbuilder", ["bots.demo.after_exchange", "none", "notify"]);
    assert!(lines_after(client("botbuilder", "client.mjs"), "preset", "sdk = \"botbuilder\"").await.is_empty());
}

#[tokio::test]
async fn a_bot_on_botbuilder_for_python_that_gets_the_invoke_is_told_its_refusal_style() {
    let lines = lines_after(client("botbuilder-python", "client.py"), "forward", "").await;
    assert_one(&lines, "botbuilder-python", ["bots.demo.refusal_style", "json400", "text400"]);
    let preset = "sdk = \"botbuilder-python\"";
    assert!(lines_after(client("botbuilder-python", "client.py"), "preset", preset).await.is_empty());
}

#[tokio::test]
async fn bots_on_the_teams_sdk_that_are_notified_are_told_to_have_the_invoke_forwarded() {
    for program in [client("teams-js", "client.mjs"), client("teams-python", "client.py")] {
        let lines = lines_after(program, "notify", "").await;
        assert_one(&lines, "teams", ["bots.demo.after_exchange", "notify", "forward"]);
    }
    for mode in ["none", "preset"] {
        assert!(lines_after(client("teams-js", "client.mjs"), mode, "sdk = \"teams\"").await.is_empty(), "{mode}");
    }
}
