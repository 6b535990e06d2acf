//! Which callers the Token Service accepts (docs/protocols/token-service-api.md §6, §1 rule 16).

use bot_sso::dev::Signer;
use bot_sso::endpoints::token_service;

use super::error_of;
use crate::harness::{Harness, Options, activities, logs};

const LEGACY: &str = "4eac6f85-bd31-4094-8f5e-8b7c9daebf04";
const FABRIKAM: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";

/// The method and one URL of each operation.
fn operations(harness: &Harness) -> Vec<(&'static str, String)> {
    let state = activities::state_of(&activities::teams(harness, &harness.user("Ada")), "graph");
    let pairs = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams"), ("state", &state)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let operations = token_service::DOOR.operations.iter();
    operations.map(|operation| (operation.method.as_str(), format!("{}?{query}", operation.path))).collect()
}

/// Tokens that belong to no bot, each with the status and the error code that its caller gets.
async fn refused_tokens(harness: &Harness, user_token: &str) -> Vec<(&'static str, String, u16, &'static str)> {
    let demo = harness.bot_app_id("demo");
    let bot = harness.bot_token("demo").await;
    let framework = "https://api.botframework.com/.default";
    let issuer = harness.stage.v1_issuer(FABRIKAM);
    vec![
        ("a user's token", user_token.to_owned(), 403, "DelegatedTokenNotAllowed"),
        (
            "a user's token for the Token Service",
            harness.forge(Signer::Tenant, &bot, |claims| claims["scp"] = "user_impersonation".into()),
            403,
            "DelegatedTokenNotAllowed",
        ),
        ("a channel's token", harness.channel_token("demo").await, 403, "CallerNotAllowed"),
        (
            "the bot's token for itself",
            harness.app_token(demo, &format!("api://{demo}/.default")).await,
            401,
            "InvalidToken",
        ),
        (
            "another audience",
            harness.app_token(demo, "https://graph.microsoft.com/.default").await,
            401,
            "InvalidToken",
        ),
        ("an app that is no bot", harness.app_token(LEGACY, framework).await, 403, "CallerNotAllowed"),
        (
            "a bot that is not configured",
            harness.app_token(harness.bot_app_id("demo-forward"), framework).await,
            403,
            "CallerNotAllowed",
        ),
        (
            "another tenant",
            harness.forge(Signer::Tenant, &bot, |claims| {
                claims["iss"] = issuer.into();
                claims["tid"] = FABRIKAM.into();
            }),
            401,
            "InvalidToken",
        ),
        (
            "expired",
            harness.forge(Signer::Tenant, &bot, |claims| {
                let now = claims["iat"].as_i64().unwrap();
                (claims["iat"], claims["nbf"], claims["exp"]) =
                    ((now - 900).into(), (now - 900).into(), (now - 600).into());
            }),
            401,
            "TokenExpired",
        ),
        ("a channel's signature", harness.forge(Signer::Channel, &bot, |_| {}), 401, "InvalidToken"),
        ("garbage", String::from("x.y.z"), 401, "InvalidToken"),
    ]
}

#[tokio::test]
async fn the_token_service_accepts_only_a_bots_own_app_token() {
    let harness = Harness::start().await;
    let user_token = harness.user_token("Ada", "graph").await;
    let cases = refused_tokens(&harness, &user_token).await;
    let logged = logs::length();
    for (method, url) in operations(&harness) {
        // So that the key set is fetched again for the name of the channel's key.
        harness.clock.advance(std::time::Duration::from_secs(10));
        let body = format!("{{\"token\":\"{user_token}\"}}");
        for (case, token, status, code) in &cases {
            let authorization = format!("Bearer {token}");
            let answer = harness.send(method, &url, &[("authorization", &authorization)], body.clone().into()).await;
            let case = format!("{case} at {url}");
            assert_eq!(error_of(&case, &answer, *status).0, *code, "{case}");
            assert_eq!(answer.header("www-authenticate").is_some(), *status == 401, "{case}");
        }
        let none = harness.send(method, &url, &[], body.clone().into()).await;
        assert_eq!(error_of("none", &none, 401).0, "MissingAuthorization");
        let basic = harness.send(method, &url, &[("authorization", "Basic eDp5")], body.clone().into()).await;
        assert_eq!(error_of("basic", &basic, 401).0, "InvalidAuthorization");
    }
    assert_eq!(harness.exchanges(), 0);
    let log = logs::since(logged);
    for (case, token, ..) in cases.iter().filter(|(_, token, ..)| token.len() > 20) {
        assert!(!log.contains(token.rsplit('.').next().unwrap()), "{case}: the log holds the token");
    }
}

#[tokio::test]
async fn other_methods_are_405_and_other_paths_404() {
    let harness = Harness::start().await;
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str())];
    for (allowed, url) in operations(&harness) {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].into_iter().filter(|it| *it != allowed) {
            let answer = harness.send(method, &url, &headers, Vec::new()).await;
            assert_eq!(error_of(&url, &answer, 405).0, "MethodNotAllowed", "{method}");
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {url}");
        }
    }
    for path in ["/api/usertoken", "/api/usertoken/nothing", "/prefix/api/usertoken/GetToken", "/api/usertokenGetToken"]
    {
        let answer = harness.send("GET", path, &headers, Vec::new()).await;
        assert_eq!(error_of(path, &answer, 404).0, "NotFound");
    }
}

#[tokio::test]
async fn the_token_service_refuses_a_bots_token_from_the_tenant_of_a_parent() {
    let mut harness = Harness::start().await;
    let parent = format!(
        "[[bots.demo.callers]]\napp_id = \"{LEGACY}\"\ntenant = \"{FABRIKAM}\"\n\
         service_urls = [\"https://parent.example/\"]\nchannels = [\"msteams\"]\n"
    );
    harness.restart(&Options { appended: parent, ..Options::default() }).await;
    let issuer = harness.stage.v1_issuer(FABRIKAM);
    let bot = harness.bot_token("demo").await;
    let elsewhere = harness.forge(Signer::Tenant, &bot, |claims| {
        (claims["tid"], claims["iss"]) = (FABRIKAM.into(), issuer.into());
    });
    for (token, status) in [(&elsewhere, 401), (&bot, 404)] {
        let authorization = format!("Bearer {token}");
        let path = "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams";
        let answer = harness.send("GET", path, &[("authorization", &authorization)], Vec::new()).await;
        assert_eq!(answer.status, status);
    }
}
