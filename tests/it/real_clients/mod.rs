//! The unmodified Token Service clients of six SDKs call the application as their bots would. Their output is in
//! `target/test-logs/real-client-*.log`.

mod fixture;
mod recognition;

use self::fixture::{ClientReport, Fixture, NoToken};
use crate::harness::peers::Program;

#[tokio::test]
async fn the_client_of_botbuilder_for_node_completes_every_call() {
    let report = run_client("botbuilder", "client.mjs").await;
    assert_signed_in_and_out(&report, &NoToken::Nothing);
    assert_eq!(report.step("sign_in_url")["isSignInLink"], true);
    // The client returns the error body as its answer, in which the SDK's prompt finds no token.
    let refused = report.step("refused");
    assert_eq!((&refused["answered"], &refused["hasToken"]), (&"error".into(), &false.into()));
    assert_eq!(refused["code"], "ConsentRequired");
}

#[tokio::test]
async fn the_client_of_the_agents_sdk_for_node_completes_every_call() {
    let report = run_client("agents-js", "client.mjs").await;
    assert_signed_in_and_out(&report, &NoToken::Empty { answered: "token" });
    let refused = report.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"HttpError".into(), &400.into()));
    assert!(refused["message"].as_str().unwrap().contains("Consent Required"));
}

#[tokio::test]
async fn the_client_of_the_teams_sdk_for_node_completes_every_call() {
    let report = run_client("teams-js", "client.mjs").await;
    assert_signed_in_and_out(&report, &NoToken::NotFound { raised: "AxiosError" });
    assert_eq!(report.step("sign_in_url")["isSignInLink"], true);
    let refused = report.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"AxiosError".into(), &400.into()));
}

#[tokio::test]
async fn the_client_of_botbuilder_for_python_completes_every_call() {
    let report = run_client("botbuilder-python", "client.py").await;
    assert_signed_in_and_out(&report, &NoToken::Nothing);
    assert_eq!(report.step("sign_in_url")["isSignInLink"], true);
    // The SDK's prompt fails on this object.
    let refused = report.step("refused");
    assert_eq!((&refused["answered"], &refused["hasToken"]), (&"ErrorResponse".into(), &false.into()));
    assert_eq!(refused["code"], "ConsentRequired");
}

#[tokio::test]
async fn the_client_of_the_agents_sdk_for_python_completes_every_call() {
    let report = run_client("agents-python", "client.py").await;
    assert_signed_in_and_out(&report, &NoToken::Empty { answered: "TokenResponse" });
    assert_eq!(report.step("sign_in_url")["isSignInLink"], true);
    let refused = report.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"ClientResponseError".into(), &400.into()));
}

#[tokio::test]
async fn the_client_of_the_teams_sdk_for_python_completes_every_call() {
    let report = run_client("teams-python", "client.py").await;
    assert_signed_in_and_out(&report, &NoToken::NotFound { raised: "HTTPStatusError" });
    assert_eq!(report.step("sign_in_url")["isSignInLink"], true);
    let refused = report.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"HTTPStatusError".into(), &400.into()));
}

async fn run_client(peer: &'static str, script: &'static str) -> ClientReport {
    Fixture::start("").await.run_client(&Program { peer, script }).await
}

/// Asserts what every client reads from the answers. Each client has its own form for "no token".
fn assert_signed_in_and_out(report: &ClientReport, no_token: &NoToken) {
    let connections = ["status", "status_there"].map(|step| &report.step(step)["connections"]);
    assert!(connections[0].as_object().unwrap().len() > 1, "all of the bot's connections");
    assert!(connections[0].as_object().unwrap().values().all(|has_token| has_token == false));
    let with_token: Vec<_> = connections[1].as_object().unwrap().iter().filter(|entry| entry.1 == true).collect();
    assert_eq!(with_token, [(&"graph".to_owned(), &true.into())]);
    for step in ["token", "token_gone"] {
        report.assert_no_token(step, no_token);
    }
    let resource = report.step("resource");
    assert!(resource["link"].as_str().unwrap().ends_with("/api/oauth/signin"));
    assert_eq!(resource["exchangeId"], 36);
    assert!(resource["exchangeUri"].as_str().unwrap().starts_with("api://botid-"));
    for step in ["exchange", "token_there"] {
        let answer = report.step(step);
        assert_eq!((&answer["hasToken"], &answer["connection"]), (&true.into(), &"graph".into()), "{step}");
        assert_eq!(answer["expires"], true, "{step}");
    }
    assert_eq!(report.step("aad_tokens")["tokens"], serde_json::json!({ fixture::RESOURCE: true }));
    assert_eq!(report.step("sign_out")["done"], true);
}
