//! The Token Service's own listener and own audiences (docs/architecture.md §Security rules, rule 12).

use super::{error_of, sign_in};
use crate::harness::api_documents::assert_bots_are_described_apart;
use crate::harness::{Answer, Harness, Options};

const PATHS: [&str; 3] = [
    "/api/usertoken/GetTokenStatus?userId=29:ada&channelId=msteams",
    "/api/botsignin/GetSignInUrl?state=x",
    "/api/agentsignin/getSignInUrl?state=x",
];

async fn get(harness: &Harness, base: &str, path: &str, bearer: &str) -> Answer {
    let authorization = format!("Bearer {bearer}");
    harness.send("GET", &format!("{base}{path}"), &[("authorization", &authorization)], Vec::new()).await
}

#[tokio::test]
async fn the_token_service_answers_on_the_public_listener_when_it_has_no_listener_of_its_own() {
    let harness = Harness::start().await;
    assert_eq!(harness.for_bots, harness.base);
}

#[tokio::test]
async fn the_token_service_answers_only_on_its_own_listener_when_it_has_one() {
    let token_service = "listen = [\"127.0.0.1:0\"]";
    let harness = Harness::with(Options { token_service, ..Options::default() }).await;
    assert_ne!(harness.for_bots, harness.base);
    let bearer = harness.bot_token("demo").await;
    for path in PATHS {
        assert_ne!(get(&harness, &harness.for_bots, path, &bearer).await.status, 404, "{path}");
        let elsewhere = get(&harness, &harness.base, path, &bearer).await;
        assert_eq!(error_of(path, &elsewhere, 404).0, "NotFound", "{path}");
    }
    sign_in(&harness, "msteams", "29:ada").await;
    let path = "/api/usertoken/GetToken?userId=29:ada&channelId=msteams&connectionName=graph";
    assert_eq!(get(&harness, &harness.for_bots, path, &bearer).await.status, 200);
    let channel = harness.send("POST", &format!("{}/api/messages", harness.for_bots), &[], Vec::new()).await;
    assert_eq!(channel.status, 404, "and no channel is");
    let page = harness.send("GET", &format!("{}/api/oauth/signin?signin=x", harness.for_bots), &[], Vec::new()).await;
    assert_eq!(page.status, 404, "and no browser");
    assert_bots_are_described_apart(&harness).await;
}

#[tokio::test]
async fn configured_audiences_replace_the_audience_of_the_hosted_token_service() {
    let token_service = "audiences = [\"api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01\"]";
    let harness = Harness::with(Options { token_service, ..Options::default() }).await;
    let path = PATHS[0];
    let hosted = harness.bot_token("demo").await;
    assert_eq!(get(&harness, &harness.base, path, &hosted).await.status, 401);
    let scope = "api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01/.default";
    let own = harness.app_token(harness.bot_app_id("demo"), scope).await;
    // The stage issues version 2 tokens, whose audience is the bare client id.
    assert_eq!(get(&harness, &harness.base, path, &own).await.status, 401, "compared exactly");
    let token_service = "audiences = [\"1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01\", \"https://api.botframework.com\"]";
    let harness = Harness::with(Options { token_service, ..Options::default() }).await;
    let own = harness.app_token(harness.bot_app_id("demo"), scope).await;
    assert_eq!(get(&harness, &harness.base, path, &own).await.status, 200);
    let hosted = harness.bot_token("demo").await;
    assert_eq!(get(&harness, &harness.base, path, &hosted).await.status, 200, "both may be listed");
}
