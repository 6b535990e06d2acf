//! The Agent 365 platform as a caller of the gateway (cases AG-10 to AG-17).

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use super::Fixture;
use super::fixture::{CONTOSO, EVERY_AGENT, FABRIKAM, Refused, SERVICE_URL, not_allowed};
use crate::harness::{activities, logs, tokens};

const STRANGER: &str = "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03";
/// The app id of a bot that is not configured.
const UNKNOWN: &str = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
const PLATFORM: &str = "5a807f24-c9de-44ee-a3a7-329e88a00ffc";

type Change = fn(&mut Value);

/// An activity whose addresses can be read in two ways, or not at all.
const ODD_FORM: Refused = Refused { status: 400, code: "BadArgument", check: "agent_activity_form" };

const fn forbidden(code: &'static str, check: &'static str) -> Refused {
    Refused { status: 403, code, check }
}

fn changed(activity: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut changed = activity.clone();
    change(&mut changed);
    changed
}

// AG-10.
#[tokio::test]
async fn an_activity_of_the_platform_reaches_the_bot_as_one_of_the_channel() {
    let fixture = Fixture::with_every_agent().await;
    let message = changed(&fixture.message(), |activity| activity["callerId"] = "urn:botframework:aadappid:x".into());
    assert_eq!(fixture.post(&message).await.status, 200);
    let received = fixture.harness.bot_received(1).await;
    let mut expected = message;
    expected["callerId"] = "urn:botframework:azure".into();
    assert_eq!(received[0].json(), expected);
}

// AG-10.
#[tokio::test]
async fn a_person_who_talks_to_an_agent_is_signed_in_silently_and_only_as_the_stated_person() {
    let fixture = Fixture::with_every_agent().await;
    let of_ben = fixture.post(&fixture.exchange_of("Ben").await).await;
    assert_eq!((of_ben.status, fixture.harness.exchanges()), (400, 0));
    let answer = fixture.post(&fixture.exchange_of("Ada").await).await;
    assert_eq!((answer.status, fixture.harness.exchanges()), (200, 1), "{}", answer.json());
    let kept = fixture.harness.get_token("msteams", "29:ada", "graph").await.json();
    assert_eq!(tokens::claims_of(kept["token"].as_str().unwrap())["oid"], fixture.harness.user("Ada").oid);
}

#[tokio::test]
async fn the_channel_of_agents_states_the_person_as_teams_does() {
    let fixture = Fixture::with_every_agent().await;
    let on_agents = |activity: Value| changed(&activity, |activity| activity["channelId"] = "agents:email".into());
    let of_ben = on_agents(fixture.exchange_of("Ben").await);
    assert_eq!((fixture.post(&of_ben).await.status, fixture.harness.exchanges()), (400, 0));
    let unstated = changed(&on_agents(fixture.exchange_of("Ada").await), |activity| {
        activity["from"]["aadObjectId"] = Value::Null;
    });
    assert_eq!((fixture.post(&unstated).await.status, fixture.harness.exchanges()), (400, 0));
    let of_ada = on_agents(fixture.exchange_of("Ada").await);
    assert_eq!((fixture.post(&of_ada).await.status, fixture.harness.exchanges()), (200, 1));
}

// AG-11.
#[tokio::test]
async fn another_application_of_the_tenant_does_not_pass_for_the_platform() {
    let fixture = Fixture::with_every_agent().await;
    let scope = format!("api://{}/.default", fixture.blueprint());
    for app in [STRANGER, fixture.blueprint()] {
        let token = fixture.harness.app_token(app, &scope).await;
        let sending = fixture.post_message_as(&token);
        fixture.assert_refused(app, sending, not_allowed("caller_list")).await;
    }
}

// AG-12.
#[tokio::test]
async fn the_platform_of_an_unlisted_tenant_is_refused_and_none_of_its_keys_is_fetched() {
    let fixture = Fixture::with_every_agent().await;
    assert_eq!(fixture.post(&fixture.message()).await.status, 200, "so that the keys are there");
    let token = fixture.platform_token_of(FABRIKAM).await;
    let of_fabrikam = changed(&fixture.message(), |activity| {
        activity["recipient"]["tenantId"] = FABRIKAM.into();
        activity["conversation"]["tenantId"] = FABRIKAM.into();
        activity["channelData"]["tenant"]["id"] = FABRIKAM.into();
    });
    let fetched = fixture.harness.stage.calls().snapshot().tenant_keys;
    for activity in [fixture.message(), of_fabrikam] {
        let sending = fixture.harness.post_as("demo", &token, &activity);
        fixture.assert_refused("an unlisted tenant", sending, not_allowed("tid")).await;
    }
    assert_eq!(fixture.harness.stage.calls().snapshot().tenant_keys, fetched);
    // Where another setting trusts the tenant's tokens, the platform is none of its callers.
    let fixture = Fixture::with_bots_of_both_tenants().await;
    let token = fixture.platform_token_of(FABRIKAM).await;
    let sending = fixture.post_message_as(&token);
    fixture.assert_refused("a tenant of bots", sending, not_allowed("agent_365_tenant")).await;
}

// AG-13.
#[tokio::test]
async fn an_activity_of_another_tenant_than_the_platforms_token_is_refused() {
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.platform_token().await;
    let changes: [(&str, Change); 5] = [
        ("the recipient's", |activity| activity["recipient"]["tenantId"] = FABRIKAM.into()),
        ("no recipient's", |activity| activity["recipient"]["tenantId"] = Value::Null),
        ("the conversation's", |activity| activity["conversation"]["tenantId"] = FABRIKAM.into()),
        ("no conversation's", |activity| drop(activity["conversation"].as_object_mut().unwrap().remove("tenantId"))),
        ("the channel data's", |activity| activity["channelData"]["tenant"]["id"] = FABRIKAM.into()),
    ];
    for (case, change) in changes {
        let activity = changed(&fixture.message(), change);
        let sending = fixture.harness.post_as("demo", &token, &activity);
        fixture.assert_refused(case, sending, not_allowed("agent_activity_tenant")).await;
    }
    let no_text = changed(&fixture.message(), |activity| activity["recipient"]["tenantId"] = json!([CONTOSO]));
    fixture.assert_refused("no text", fixture.harness.post_as("demo", &token, &no_text), ODD_FORM).await;
    let without_channel_data = changed(&fixture.message(), |activity| activity["channelData"] = Value::Null);
    assert_eq!(fixture.post(&without_channel_data).await.status, 200, "it may be absent");
    let upper_case = changed(&fixture.message(), |activity| {
        activity["recipient"]["tenantId"] = CONTOSO.to_uppercase().into();
    });
    assert_eq!(fixture.post(&upper_case).await.status, 200);
}

// AG-14.
#[tokio::test]
async fn an_activity_for_an_agent_of_another_blueprint_or_an_unlisted_agent_is_refused() {
    let fixture = Fixture::with_helper().await;
    let token = fixture.platform_token().await;
    let of_other = changed(&fixture.message(), |activity| {
        activity["recipient"]["agenticAppBlueprintId"] = fixture.harness.bot_app_id("demo-forward").into();
    });
    let scribe = changed(&fixture.message(), |activity| {
        activity["recipient"]["agenticAppId"] = fixture.agent_app_id("scribe").into();
    });
    let unnamed = changed(&fixture.message(), |activity| activity["recipient"]["agenticAppId"] = Value::Null);
    for (case, activity, check) in [
        ("another blueprint", of_other, "agent_activity_blueprint"),
        ("a sibling", scribe.clone(), "agent_activity_agent"),
        ("no agent", unnamed, "agent_activity_agent"),
    ] {
        let sending = fixture.harness.post_as("demo", &token, &activity);
        fixture.assert_refused(case, sending, not_allowed(check)).await;
    }
    let without_blueprint = changed(&fixture.message(), |activity| {
        activity["recipient"]["agenticAppBlueprintId"] = Value::Null;
    });
    assert_eq!(fixture.post(&without_blueprint).await.status, 200, "it may be absent");
    assert_eq!(
        Fixture::with_every_agent().await.post(&scribe).await.status,
        200,
        "without a list every agent is served"
    );
}

// AG-15.
#[tokio::test]
async fn a_service_url_that_the_bot_does_not_list_is_refused() {
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.platform_token().await;
    for url in [
        "https://evil.example/",
        "http://smba.trafficmanager.net/",
        "http://apac.botapi.skype.com/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://evil.example@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net:8443/",
        "https://a.b.botapi.skype.com/",
        "https://botapi.skype.com/",
        "https://evil.example/?https://smba.trafficmanager.net/",
        "http://127.0.0.1/",
    ] {
        let activity = changed(&fixture.message(), |activity| activity["serviceUrl"] = url.into());
        let sending = fixture.harness.post_as("demo", &token, &activity);
        fixture.assert_refused(url, sending, forbidden("ServiceUrlNotAllowed", "agent_365_service_url")).await;
    }
    for url in ["https://smba.trafficmanager.net/teams/", SERVICE_URL] {
        let activity = changed(&fixture.message(), |activity| activity["serviceUrl"] = url.into());
        assert_eq!(fixture.post(&activity).await.status, 200, "{url}");
    }
}

#[tokio::test]
async fn the_platform_speaks_for_the_channels_of_agents_alone() {
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.platform_token().await;
    let channel = |check| forbidden("ChannelNotEndorsed", check);
    for (name, check) in [
        ("directline", "agent_365_channel"),
        ("webchat", "agent_365_channel"),
        ("emulator", "agent_365_channel"),
        ("AseChannel", "channel"),
    ] {
        let activity = changed(&fixture.message(), |activity| activity["channelId"] = name.into());
        fixture.assert_refused(name, fixture.harness.post_as("demo", &token, &activity), channel(check)).await;
    }
}

// AG-16.
#[tokio::test]
async fn a_users_token_is_no_callers_at_the_gateway_whether_a_humans_or_an_agents() {
    let fixture = Fixture::with_helper().await;
    let delegated = |check| forbidden("DelegatedTokenNotAllowed", check);
    let human = fixture.harness.user_token("Ada", "graph").await;
    let sending = fixture.post_message_as(&human);
    fixture.assert_refused("a human's", sending, delegated("scp")).await;
    let scope = format!("{}/.default", fixture.blueprint());
    let agent_user = fixture.agent_users_token("helper", &scope).await;
    let sending = fixture.post_message_as(&agent_user);
    fixture.assert_refused("an agent's", sending, delegated("agent_user_at_gateway")).await;
}

// AG-17.
#[tokio::test]
async fn an_activity_for_no_agent_is_judged_as_a_parents() {
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.platform_token().await;
    for (role, refusal) in [
        (json!("bot"), not_allowed("caller_list")),
        (json!("user"), not_allowed("caller_list")),
        (json!("agenticuser2"), not_allowed("caller_list")),
        (json!(null), not_allowed("caller_list")),
        (json!(["agenticUser"]), ODD_FORM),
    ] {
        let activity = changed(&fixture.message(), |activity| activity["recipient"]["role"] = role.clone());
        let sending = fixture.harness.post_as("demo", &token, &activity);
        fixture.assert_refused(&role.to_string(), sending, refusal).await;
    }
    let parent = format!(
        "[[bots.demo.callers]]\napp_id = \"{PLATFORM}\"\ntenant = \"{CONTOSO}\"\n\
         service_urls = [\"https://parent.example/\"]\nchannels = [\"msteams\"]\n"
    );
    let fixture = Fixture::with_appended(format!("{parent}{EVERY_AGENT}")).await;
    let for_bot = changed(&fixture.message(), |activity| {
        activity["recipient"]["role"] = "bot".into();
        activity["serviceUrl"] = "https://parent.example/".into();
        activity["callerId"] = "x".into();
    });
    assert_eq!(fixture.post(&for_bot).await.status, 200);
    let received = fixture.harness.bot_received(1).await;
    assert_eq!(received[0].json()["callerId"], format!("urn:botframework:aadappid:{PLATFORM}"));
    let for_agent = changed(&for_bot, |activity| activity["recipient"]["role"] = "agenticUser".into());
    let sending = fixture.post(&for_agent);
    fixture.assert_refused("not by both", sending, forbidden("ServiceUrlNotAllowed", "agent_365_service_url")).await;
}

#[tokio::test]
async fn an_activity_that_two_readers_may_take_for_one_to_two_agents_is_refused() {
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.platform_token().await;
    let message = fixture.message().to_string();
    for (member, twin) in [
        ("\"role\":\"agenticUser\"", "\"role\":\"agenticUser\",\"Role\":\"bot\""),
        ("\"recipient\":{", "\"Recipient\":{},\"recipient\":{"),
        ("\"agenticAppId\":", "\"agenticAppId\":\"x\",\"agenticAppId\":"),
        ("\"conversationType\":", "\"tenantid\":\"x\",\"conversationType\":"),
    ] {
        assert!(message.contains(member), "{member}");
        let body = message.replacen(member, twin, 1).into_bytes();
        fixture.assert_refused(twin, fixture.harness.post_bytes("demo", &token, body), ODD_FORM).await;
    }
}

#[tokio::test]
async fn no_caller_speaks_for_the_agents_of_a_bot_that_serves_none() {
    let fixture = Fixture::with_appended(String::new()).await;
    let token = fixture.platform_token().await;
    let sending = fixture.post_message_as(&token);
    fixture.assert_refused("default deny", sending, not_allowed("caller_list")).await;
    let elsewhere = fixture.platform_token_of(FABRIKAM).await;
    let sending = fixture.post_message_as(&elsewhere);
    let refusal = Refused { status: 401, code: "InvalidToken", check: "tid" };
    fixture.assert_refused("default deny, another tenant", sending, refusal).await;
}

#[tokio::test]
async fn a_forged_token_of_the_platform_is_refused_like_any_other() {
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.platform_token().await;
    let refusal = Refused { status: 401, code: "InvalidToken", check: "signature" };
    let forged = fixture.harness.forge(Signer::Channel, &token, |_| {});
    // The key set is fetched again for the unknown name, ten seconds after it was fetched first.
    fixture.harness.clock.advance(std::time::Duration::from_secs(10));
    fixture.assert_refused("forged", fixture.post_message_as(&forged), refusal).await;
    let for_other = fixture.harness.forge(Signer::Tenant, &token, |claims| claims["aud"] = UNKNOWN.into());
    let refusal = Refused { status: 401, code: "InvalidToken", check: "aud" };
    fixture.assert_refused("another bot", fixture.post_message_as(&for_other), refusal).await;
}

#[tokio::test]
async fn the_log_never_holds_the_platforms_token() {
    let fixture = Fixture::with_every_agent().await;
    let (logged, token) = (logs::length(), fixture.platform_token().await);
    let ada = fixture.harness.user("Ada");
    let activity = activities::message(&fixture.harness, &ada, "hello");
    assert_eq!(fixture.harness.post_as("demo", &token, &activity).await.status, 403);
    assert_eq!(fixture.post_message_as(&token).await.status, 200);
    let log = logs::since(logged);
    assert!(!token.split('.').any(|part| log.contains(part)));
}
