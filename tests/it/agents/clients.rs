//! The unmodified Token Service clients of SDKs in an agent's turn (cases AG-18 and AG-19). Their output is in
//! `target/test-logs/agents-client-*.log`.

use serde_json::{Value, json};

use super::Fixture;
use super::fixture::{CONTOSO, EVERY_AGENT, HELPER};
use crate::harness::peers::{Peer, Program};
use crate::harness::{Options, Surroundings, activities};

const RESOURCE: &str = "https://graph.microsoft.com/";
const BOT_API: &str = "https://botapi.skype.com/.default";
const PLATFORM: &str = "5a807f24-c9de-44ee-a3a7-329e88a00ffc/.default";

/// Runs a client in a turn of the agent `helper`, with a token of the agent `caller` for `scope`. Ada signs in and out,
/// and Cleo, who has not consented, is refused.
async fn run_client(program: Program, caller: &str, scope: &str) -> (Fixture, Vec<Value>) {
    let options = Options {
        appended: format!("{EVERY_AGENT}agents = [\"{HELPER}\"]\n"),
        connection: format!("aad_resources = [\"{RESOURCE}\"]"),
        offline_access: true,
        reachable: true,
        ..Options::default()
    };
    let surroundings = Surroundings::start().await;
    let mut environment = surroundings.sdk_environment();
    let fixture = Fixture { harness: surroundings.run(&options).await };
    let harness = &fixture.harness;
    let message = |user: &str| {
        let mut message = fixture.for_helper(activities::message(harness, &harness.user(user), "hello"));
        message["recipient"]["name"] = "Helper".into();
        message.to_string()
    };
    environment.extend([
        ("RESOURCE_URL", RESOURCE.to_owned()),
        ("ACTIVITY", message("Ada")),
        ("EXCHANGEABLE_TOKEN", harness.user_token("Ada", "graph").await),
        ("REFUSED_ACTIVITY", message("Cleo")),
        ("REFUSED_TOKEN", harness.user_token("Cleo", "graph").await),
        ("AGENT_TOKEN", fixture.agent_users_token(caller, scope).await),
    ]);
    let label = format!("agents-client-{}-{caller}", program.peer);
    let report = Peer::start(&program, &label, &environment).finish().await;
    (fixture, report)
}

fn step<'r>(report: &'r [Value], name: &str) -> &'r Value {
    report.iter().find(|line| line["step"] == name).unwrap_or_else(|| panic!("no step {name}: {report:#?}"))
}

fn assert_signed_in_and_out(report: &[Value]) {
    for name in ["exchange", "token_there"] {
        let answer = step(report, name);
        assert_eq!((&answer["hasToken"], &answer["connection"]), (&true.into(), &"graph".into()), "{answer}");
    }
    assert_eq!(step(report, "status_there")["connections"]["graph"], true);
    assert_eq!(step(report, "aad_tokens")["tokens"], json!({ RESOURCE: true }));
    assert_eq!(step(report, "resource")["exchangeId"], 36);
    assert_eq!(step(report, "sign_out")["done"], true);
    assert!(!report.iter().any(|line| line["status"] == 401 || line["status"] == 403), "{report:#?}");
}

fn assert_asked_for_agent_user(fixture: &Fixture, report: &[Value], scope: &str) {
    let user = fixture.agent_user_id("helper");
    let asked = json!({ "step": "asked", "tenant": CONTOSO, "agent": HELPER, "user": user, "scopes": [scope] });
    assert_eq!(step(report, "asked"), &asked);
}

// AG-18.
#[tokio::test]
async fn the_client_of_the_agents_sdk_for_python_completes_every_call_for_a_listed_agent() {
    let program = Program { peer: "agents-python", script: "client.py" };
    let (fixture, report) = run_client(program, "helper", PLATFORM).await;
    assert_asked_for_agent_user(&fixture, &report, PLATFORM);
    assert_signed_in_and_out(&report);
    for name in ["token", "token_gone"] {
        assert_eq!(step(&report, name)["hasToken"], false);
    }
}

// AG-18.
#[tokio::test]
async fn the_client_of_the_agents_sdk_for_python_is_refused_for_a_sibling_that_is_not_listed() {
    let program = Program { peer: "agents-python", script: "client.py" };
    let (fixture, report) = run_client(program, "scribe", PLATFORM).await;
    for name in ["status", "token", "exchange", "token_there"] {
        assert_eq!(step(&report, name)["status"], 403, "{}", step(&report, name));
    }
    assert_eq!(fixture.harness.exchanges(), 0);
}

// AG-19.
#[tokio::test]
async fn the_client_of_the_teams_sdk_for_python_completes_every_call_for_a_listed_agent() {
    let program = Program { peer: "teams-python", script: "client.py" };
    let (fixture, report) = run_client(program, "helper", BOT_API).await;
    assert_asked_for_agent_user(&fixture, &report, BOT_API);
    assert_signed_in_and_out(&report);
    for name in ["token", "token_gone"] {
        assert_eq!(step(&report, name)["status"], 404);
    }
}

// AG-19.
#[tokio::test]
async fn the_client_of_the_teams_sdk_for_node_completes_every_call_with_a_listed_agents_token() {
    let program = Program { peer: "teams-js", script: "client.mjs" };
    let (_fixture, report) = run_client(program, "helper", BOT_API).await;
    assert_signed_in_and_out(&report);
    for name in ["token", "token_gone"] {
        assert_eq!(step(&report, name)["status"], 404);
    }
}
