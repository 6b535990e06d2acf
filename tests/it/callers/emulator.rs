//! The Bot Framework Emulator (rule 24, cases 33 and 44), and calls without a token in development mode.

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use super::{Fixture, Refusal, forbidden, invalid};
use crate::harness::{Answer, Harness, Options, activities, refusals};

const DEMO: &str = "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01";
const STRANGER: &str = "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03";
const FABRIKAM: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";
const HERE: &str = "http://localhost:52000";

async fn with_emulator() -> Fixture {
    // A listed parent of the other tenant makes the gateway trust tokens of that tenant.
    let appended = format!(
        "[[bots.demo.callers]]\napp_id = \"{STRANGER}\"\ntenant = \"{FABRIKAM}\"\nservice_urls = [\"{HERE}\"]\n\
         channels = [\"msteams\"]\n"
    );
    let options = Options { bot: "allow_emulator = true", appended, ..Options::default() };
    Fixture::with(Harness::with(options).await).await
}

async fn token_of(fixture: &Fixture, client: &str) -> String {
    fixture.harness.app_token(client, &format!("api://{DEMO}/.default")).await
}

fn on_emulator(activity: &Value) -> Value {
    let mut activity = activities::on_channel(activity.clone(), "emulator", "r_1700000000");
    activity["serviceUrl"] = HERE.into();
    activity
}

fn message(fixture: &Fixture) -> Value {
    on_emulator(&activities::message(&fixture.harness, &fixture.harness.user("Ada"), "hello"))
}

#[tokio::test]
async fn the_emulator_calls_with_the_bots_own_token_when_the_bot_allows_the_emulator() {
    let fixture = with_emulator().await;
    let token = token_of(&fixture, DEMO).await;
    let (activity, mut claiming) = (message(&fixture), message(&fixture));
    for url in [HERE, "http://127.0.0.1:52000/", "http://[::1]:52000", "https://localhost/"] {
        let mut activity = activity.clone();
        activity["serviceUrl"] = url.into();
        fixture.assert_admits(url, &token, &activity).await;
        assert_eq!(fixture.harness.bot.received().pop().unwrap().json(), activity);
    }
    claiming["callerId"] = "urn:botframework:azure".into();
    fixture.assert_admits("a claim", &token, &claiming).await;
    assert_eq!(fixture.harness.bot.received().pop().unwrap().json(), activity, "the emulator is nobody");
}

// Rule 24, cases 32, 33 and 44.
#[tokio::test]
async fn a_caller_that_only_claims_to_be_the_emulator_is_refused() {
    let fixture = with_emulator().await;
    let (own, stranger) = (token_of(&fixture, DEMO).await, token_of(&fixture, STRANGER).await);
    let channel = fixture.harness.channel_token("demo").await;
    let issuer = fixture.harness.stage.v2_issuer(FABRIKAM);
    let foreign = |token: &str| {
        fixture.harness.forge(Signer::Tenant, token, |claims| {
            claims["iss"] = issuer.clone().into();
            claims["tid"] = FABRIKAM.into();
        })
    };
    let delegated = fixture.harness.forge(Signer::Tenant, &own, |claims| claims["scp"] = "access_as_user".into());
    let activity = message(&fixture);
    let with = |member: &str, value: &str| {
        let mut activity = activity.clone();
        activity[member] = value.into();
        activity
    };
    let not_endorsed = forbidden("ChannelNotEndorsed", "channel");
    let cases = [
        ("a channel", &channel, activity.clone(), forbidden("ChannelNotEndorsed", "channel")),
        ("another app", &stranger, activity.clone(), not_endorsed),
        ("a listed parent", &foreign(&stranger), activity.clone(), not_endorsed),
        ("another tenant", &foreign(&own), activity.clone(), forbidden("CallerNotAllowed", "emulator_tenant")),
        ("a user's token", &delegated, activity.clone(), forbidden("DelegatedTokenNotAllowed", "scp")),
        ("other spelling", &own, with("channelId", "Emulator"), not_endorsed),
        ("a sub-channel", &own, with("channelId", "emulator:x"), not_endorsed),
        ("another channel", &own, with("channelId", "msteams"), forbidden("CallerNotAllowed", "caller_list")),
    ];
    for (case, token, activity, refusal) in cases {
        fixture.assert_refuses(case, token, &activity, refusal).await;
    }
    let elsewhere = forbidden("ServiceUrlNotAllowed", "emulator_service_url");
    for url in [
        "https://evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://localhost\\@evil.example/",
        "http://0.0.0.0/",
    ] {
        fixture.assert_refuses(url, &own, &with("serviceUrl", url), elsewhere).await;
    }
    let brought = forbidden("CallerNotAllowed", "emulator_peer");
    for header in ["x-forwarded-for", "forwarded"] {
        let bearer = format!("Bearer {own}");
        let headers = [("authorization", bearer.as_str()), (header, "203.0.113.7")];
        let sending =
            fixture.harness.send("POST", "/bots/demo/api/messages", &headers, activity.to_string().into_bytes());
        fixture.assert_refusal(header, sending, brought, &[&own]).await;
    }
    fixture.assert_no_effect();
}

#[tokio::test]
async fn the_emulator_is_refused_when_the_bot_does_not_allow_it() {
    let fixture = Fixture::start().await;
    let token = token_of(&fixture, DEMO).await;
    fixture.assert_refuses("33", &token, &message(&fixture), forbidden("ChannelNotEndorsed", "channel")).await;
    fixture.assert_no_effect();
}

// The operator of an emulator chooses its user id, so not even a validated token proves that its user is the account.
#[tokio::test]
async fn an_exchange_for_a_user_of_the_emulator_is_refused() {
    let fixture = with_emulator().await;
    let token = token_of(&fixture, DEMO).await;
    let answer = fixture.harness.post_as("demo", &token, &on_emulator(&fixture.exchange)).await;
    refusals::assert_mismatch("emulator", &answer, "emulator");
    let mut identified = on_emulator(&fixture.exchange);
    identified["from"]["aadObjectId"] = fixture.harness.user("Ada").oid.into();
    identified["conversation"]["tenantId"] = fixture.harness.user("Ada").tid.into();
    let answer = fixture.harness.post_as("demo", &token, &identified).await;
    refusals::assert_mismatch("emulator, identified", &answer, "emulator");
    fixture.assert_no_effect();
}

async fn anonymous() -> Fixture {
    Fixture::with(Harness::with(Options { anonymous: true, ..Options::default() }).await).await
}

/// Posts without a token.
async fn post(fixture: &Fixture, path: &str, headers: &[(&str, &str)], activity: &Value) -> Answer {
    fixture.harness.send("POST", path, headers, activity.to_string().into_bytes()).await
}

const PATH: &str = "/bots/demo/api/messages";

#[tokio::test]
async fn the_emulator_calls_without_a_token_in_development_mode_with_allow_anonymous() {
    let fixture = anonymous().await;
    let activity = message(&fixture);
    assert_eq!(post(&fixture, PATH, &[], &activity).await.status, 200);
    let received = fixture.harness.bot.received().pop().unwrap();
    assert_eq!((received.header("authorization"), received.json()), (None, activity.clone()));
    // A caller with a token is judged by that token.
    fixture.assert_refuses("a bad token", "x.y.z", &activity, invalid("form")).await;
    let own = token_of(&fixture, DEMO).await;
    fixture.assert_refuses("the bot's own", &own, &activity, forbidden("ChannelNotEndorsed", "channel")).await;
    fixture.assert_admits("a channel", &fixture.harness.channel_token("demo").await, &fixture.exchange).await;
    // The gateway drops a forged tokens/response event of the emulator as of any other caller.
    let mut event = activity;
    event["type"] = "event".into();
    event["name"] = "tokens/response".into();
    event["value"] = json!({ "connectionName": "graph", "token": "forged" });
    let received = fixture.harness.bot_received(2).await.len();
    assert_eq!(post(&fixture, PATH, &[], &event).await.status, 200);
    assert_eq!(fixture.harness.bot.received().len(), received);
}

#[tokio::test]
async fn a_call_without_a_token_reaches_no_other_channel_and_signs_no_user_in() {
    let fixture = anonymous().await;
    let activity = message(&fixture);
    let with = |member: &str, value: &str| {
        let mut activity = activity.clone();
        activity[member] = value.into();
        activity
    };
    let unauthenticated = |check| Refusal { status: 401, code: "MissingAuthorization", check };
    for (case, activity, check) in [
        ("another channel", with("channelId", "msteams"), "anonymous_channel"),
        ("another spelling", with("channelId", "EMULATOR"), "anonymous_channel"),
        ("a sub-channel", with("channelId", "emulator:x"), "anonymous_channel"),
        ("another machine", with("serviceUrl", "https://evil.example/"), "anonymous_service_url"),
        ("a channel's invoke", fixture.exchange.clone(), "anonymous_channel"),
    ] {
        fixture.assert_refusal(case, post(&fixture, PATH, &[], &activity), unauthenticated(check), &[]).await;
    }
    for (name, value, check) in [
        ("x-forwarded-for", "203.0.113.7", "anonymous_peer"),
        ("forwarded", "for=203.0.113.7", "anonymous_peer"),
        ("origin", "https://evil.example", "anonymous_page"),
        ("origin", "null", "anonymous_page"),
        ("sec-fetch-site", "cross-site", "anonymous_page"),
    ] {
        fixture
            .assert_refusal(name, post(&fixture, PATH, &[(name, value)], &activity), unauthenticated(check), &[])
            .await;
    }
    // There are two bots, so the path has to name one.
    fixture
        .assert_refusal(
            "which bot",
            post(&fixture, "/api/messages", &[], &activity),
            unauthenticated("anonymous_bot"),
            &[],
        )
        .await;
    fixture
        .assert_refusal(
            "no bot",
            post(&fixture, "/bots/x/api/messages", &[], &activity),
            unauthenticated("anonymous_bot"),
            &[],
        )
        .await;
    let signed_out = forbidden("CallerNotAllowed", "anonymous_sign_in");
    for name in ["signin/tokenExchange", "signin/verifyState", "signin/failure", "SIGNIN/VerifyState"] {
        let mut invoke = on_emulator(&fixture.exchange);
        invoke["name"] = name.into();
        fixture.assert_refusal(name, post(&fixture, PATH, &[], &invoke), signed_out, &[]).await;
    }
    fixture.assert_no_effect();
}

#[tokio::test]
async fn a_call_without_a_token_is_refused_in_production() {
    let fixture = Fixture::start().await;
    let refusal = Refusal { status: 401, code: "MissingAuthorization", check: "authorization" };
    fixture.assert_refusal("no token", post(&fixture, PATH, &[], &message(&fixture)), refusal, &[]).await;
    fixture.assert_no_effect();
}
