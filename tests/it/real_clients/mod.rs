//! The Token Service clients of six SDKs, unmodified, call the application as their bots would. What they printed is in
//! `target/test-logs/real-client-*.log`.

mod story;

use self::story::{NoToken, Story, Told};
use crate::harness::peers::Program;

#[tokio::test]
async fn the_client_of_botbuilder_for_node_completes_every_call() {
    let told = told_by("botbuilder", "client.mjs").await;
    assert_signed_in_and_out(&told, &NoToken::Nothing);
    assert_eq!(told.step("sign_in_url")["isSignInLink"], true);
    // The answer's body, which its prompt finds no token in.
    let refused = told.step("refused");
    assert_eq!((&refused["answered"], &refused["hasToken"]), (&"error".into(), &false.into()));
    assert_eq!(refused["code"], "ConsentRequired");
}

#[tokio::test]
async fn the_client_of_the_agents_sdk_for_node_completes_every_call() {
    let told = told_by("agents-js", "client.mjs").await;
    assert_signed_in_and_out(&told, &NoToken::Empty { answered: "token" });
    let refused = told.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"HttpError".into(), &400.into()));
    assert!(refused["message"].as_str().unwrap().contains("Consent Required"));
}

#[tokio::test]
async fn the_client_of_the_teams_sdk_for_node_completes_every_call() {
    let told = told_by("teams-js", "client.mjs").await;
    assert_signed_in_and_out(&told, &NoToken::NotFound { raised: "AxiosError" });
    assert_eq!(told.step("sign_in_url")["isSignInLink"], true);
    let refused = told.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"AxiosError".into(), &400.into()));
}

#[tokio::test]
async fn the_client_of_botbuilder_for_python_completes_every_call() {
    let told = told_by("botbuilder-python", "client.py").await;
    assert_signed_in_and_out(&told, &NoToken::Nothing);
    assert_eq!(told.step("sign_in_url")["isSignInLink"], true);
    // The very object that its prompt cannot stand.
    let refused = told.step("refused");
    assert_eq!((&refused["answered"], &refused["hasToken"]), (&"ErrorResponse".into(), &false.into()));
    assert_eq!(refused["code"], "ConsentRequired");
}

#[tokio::test]
async fn the_client_of_the_agents_sdk_for_python_completes_every_call() {
    let told = told_by("agents-python", "client.py").await;
    assert_signed_in_and_out(&told, &NoToken::Empty { answered: "TokenResponse" });
    assert_eq!(told.step("sign_in_url")["isSignInLink"], true);
    let refused = told.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"ClientResponseError".into(), &400.into()));
}

#[tokio::test]
async fn the_client_of_the_teams_sdk_for_python_completes_every_call() {
    let told = told_by("teams-python", "client.py").await;
    assert_signed_in_and_out(&told, &NoToken::NotFound { raised: "HTTPStatusError" });
    assert_eq!(told.step("sign_in_url")["isSignInLink"], true);
    let refused = told.step("refused");
    assert_eq!((&refused["raised"], &refused["status"]), (&"HTTPStatusError".into(), &400.into()));
}

async fn told_by(peer: &'static str, script: &'static str) -> Told {
    Story::start("").await.told_by(&Program { peer, script }).await
}

/// Every client gets along with every answer. How each tells that there is no token is its own.
fn assert_signed_in_and_out(told: &Told, no_token: &NoToken) {
    let connections = ["status", "status_there"].map(|step| &told.step(step)["connections"]);
    assert!(connections[0].as_object().unwrap().len() > 1, "all of the bot's connections");
    assert!(connections[0].as_object().unwrap().values().all(|has_token| has_token == false));
    let with_token: Vec<_> = connections[1].as_object().unwrap().iter().filter(|entry| entry.1 == true).collect();
    assert_eq!(with_token, [(&"graph".to_owned(), &true.into())]);
    for step in ["token", "token_gone"] {
        told.assert_no_token(step, no_token);
    }
    let resource = told.step("resource");
    assert!(resource["link"].as_str().unwrap().ends_with("/api/oauth/signin"));
    assert_eq!(resource["exchangeId"], 36);
    assert!(resource["exchangeUri"].as_str().unwrap().starts_with("api://botid-"));
    for step in ["exchange", "token_there"] {
        let answer = told.step(step);
        assert_eq!((&answer["hasToken"], &answer["connection"]), (&true.into(), &"graph".into()), "{step}");
        assert_eq!(answer["expires"], true, "{step}");
    }
    assert_eq!(told.step("aad_tokens")["tokens"], serde_json::json!({ story::RESOURCE: true }));
    assert_eq!(told.step("sign_out")["done"], true);
}
