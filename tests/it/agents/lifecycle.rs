//! Events in the lives of agent users (cases AG-23 and AG-24).

use serde_json::{Value, json};

use super::Fixture;
use super::fixture::{CONTOSO, EVERY_AGENT, FABRIKAM, not_allowed};
use crate::harness::{Harness, logs};

type Change = fn(&mut Value);

/// How often a user was signed out everywhere since the byte `logged` of the log. All tests write the same log, so each
/// counts users of its own.
fn sign_outs(logged: usize, user: &str) -> usize {
    let key = format!("{user}@{CONTOSO}");
    let lines = logs::since(logged);
    lines.lines().filter(|line| line.contains("signed out everywhere") && line.contains(&key)).count()
}

async fn has_token(harness: &Harness) -> bool {
    harness.get_token("msteams", "29:ada", "graph").await.status == 200
}

// AG-23. Ada stands for an agent user: her tokens show what is removed.
#[tokio::test]
async fn an_agent_user_who_is_disabled_or_deleted_is_signed_out_everywhere_and_the_bot_is_told() {
    for kind in ["AgenticUserDisabled", "AgenticUserDeleted"] {
        let fixture = Fixture::with_helper().await;
        fixture.sign_ada_in().await;
        let before = fixture.harness.received_once_settled().await.len();
        let ada = fixture.harness.user("Ada").oid;
        assert!(has_token(&fixture.harness).await);
        let event = fixture.lifecycle(kind, ada, 5);
        assert_eq!(fixture.post(&event).await.status, 200);
        assert!(!has_token(&fixture.harness).await, "{kind}");
        let received = fixture.harness.bot_received(before + 1).await;
        assert_eq!(received[before].json(), event, "{kind}: unchanged");
    }
}

// AG-23.
#[tokio::test]
async fn an_event_that_is_older_than_one_before_it_is_dropped() {
    let fixture = Fixture::with_helper().await;
    let (logged, user) = (logs::length(), fixture.agent_user_id("helper"));
    let send = async |kind: &str, version: u64| {
        let answer = fixture.post(&fixture.lifecycle(kind, &user, version)).await;
        assert_eq!(answer.status, 200, "{kind} {version}");
        (sign_outs(logged, &user), fixture.harness.bot.received().len())
    };
    assert_eq!(send("AgenticUserDisabled", 5).await, (1, 1));
    assert_eq!(send("AgenticUserEnabled", 4).await, (1, 1), "older");
    assert_eq!(send("AgenticUserDeleted", 3).await, (1, 1), "older");
    assert_eq!(send("AgenticUserEnabled", 6).await, (1, 2));
    assert_eq!(send("AgenticUserDisabled", 5).await, (1, 2), "repeated too late");
    assert_eq!(send("AgenticUserManagerUpdated", 7).await, (1, 3));
    assert_eq!(send("AgenticUserDeleted", 8).await, (2, 4));
    let other = fixture.agent_user_id("scribe");
    assert_eq!(fixture.post(&fixture.lifecycle("AgenticUserDisabled", &other, 1)).await.status, 200);
    assert_eq!(sign_outs(logged, &other), 1, "each user has versions of its own");
}

#[tokio::test]
async fn an_event_without_a_version_is_heeded_each_time() {
    let fixture = Fixture::with_helper().await;
    let (logged, user) = (logs::length(), fixture.agent_user_id("courier"));
    let mut event = fixture.lifecycle("AgenticUserDisabled", &user, 5);
    event["value"].as_object_mut().unwrap().remove("version");
    for count in [1, 2] {
        assert_eq!(fixture.post(&event).await.status, 200);
        assert_eq!(sign_outs(logged, &user), count);
    }
}

#[tokio::test]
async fn an_event_that_names_no_user_reaches_the_bot_and_one_security_line_the_log() {
    let fixture = Fixture::with_helper().await;
    for user in [json!(null), json!("somebody"), json!("")] {
        let (logged, received) = (logs::length(), fixture.harness.bot.received().len());
        let mut event = fixture.lifecycle("AgenticUserDeleted", "", 5);
        event["value"]["agenticUserId"] = user.clone();
        assert_eq!(fixture.post(&event).await.status, 200, "{user}");
        assert_eq!(fixture.harness.bot.received().len(), received + 1);
        let complaints = logs::complaints_of(&fixture.harness.tag, logged);
        assert_eq!((complaints.len(), &complaints[0]["security"]), (1, &Value::from(true)), "{user}");
    }
}

#[tokio::test]
async fn an_event_of_another_tenant_or_blueprint_is_refused() {
    let fixture = Fixture::with_helper().await;
    fixture.sign_ada_in().await;
    let exchanges = fixture.harness.exchanges();
    let ada = fixture.harness.user("Ada").oid;
    let changes: [(Change, &str); 5] = [
        (|event| event["value"]["tenantId"] = FABRIKAM.into(), "agent_activity_tenant"),
        (|event| event["value"]["tenantId"] = Value::Null, "agent_activity_tenant"),
        (|event| event["recipient"]["tenantId"] = FABRIKAM.into(), "agent_activity_tenant"),
        (|event| event["value"]["agentIdentityBlueprintId"] = FABRIKAM.into(), "agent_activity_blueprint"),
        (|event| event["serviceUrl"] = "https://evil.example/".into(), "agent_365_service_url"),
    ];
    for (change, check) in changes {
        let mut event = fixture.lifecycle("AgenticUserDeleted", ada, 5);
        change(&mut event);
        let logged = logs::length();
        assert_eq!(fixture.post(&event).await.status, 403, "{check}");
        assert_eq!(logs::complaints_of(&fixture.harness.tag, logged)[0]["check"], check);
        assert!(has_token(&fixture.harness).await, "{check}");
    }
    assert_eq!(fixture.harness.exchanges(), exchanges);
}

// AG-24.
#[tokio::test]
async fn an_event_from_the_channel_or_from_a_parent_is_dropped_with_one_security_line() {
    let parent_id = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
    let parent = format!(
        "[[bots.demo.callers]]\napp_id = \"{parent_id}\"\ntenant = \"{CONTOSO}\"\n\
         service_urls = [\"https://parent.example/\"]\nchannels = [\"msteams\"]\n"
    );
    let fixture = Fixture::with_appended(format!("{parent}{EVERY_AGENT}")).await;
    fixture.sign_ada_in().await;
    let received = fixture.harness.received_once_settled().await.len();
    let mut event = fixture.lifecycle("AgenticUserDeleted", fixture.harness.user("Ada").oid, 5);
    event["channelId"] = "msteams".into();
    let scope = format!("api://{}/.default", fixture.blueprint());
    let of_parent = fixture.harness.app_token(parent_id, &scope).await;
    let of_channel = fixture.harness.channel_token("demo").await;
    for (token, service_url) in
        [(of_channel, fixture.harness.stage.service_url()), (of_parent, "https://parent.example/".to_owned())]
    {
        event["serviceUrl"] = service_url.into();
        let logged = logs::length();
        assert_eq!(fixture.harness.post_as("demo", &token, &event).await.status, 200);
        let complaints = logs::complaints_of(&fixture.harness.tag, logged);
        assert_eq!((complaints.len(), &complaints[0]["security"]), (1, &Value::from(true)), "{complaints:?}");
    }
    assert!(has_token(&fixture.harness).await);
    assert_eq!(fixture.harness.bot.received().len(), received, "the bot is not told");
}

#[tokio::test]
async fn a_bot_that_serves_no_agents_gets_the_channels_event_unchanged() {
    let fixture = Fixture::with_appended(String::new()).await;
    let mut event = fixture.lifecycle("AgenticUserDeleted", fixture.harness.user("Ada").oid, 5);
    (event["channelId"], event["serviceUrl"]) = ("msteams".into(), fixture.harness.stage.service_url().into());
    assert_eq!(fixture.harness.post(&event).await.status, 200);
    assert_eq!(fixture.harness.bot_received(1).await[0].json(), event);
    let token = fixture.platform_token().await;
    let sending = fixture.harness.post_as("demo", &token, &event);
    fixture.assert_refused("default deny", sending, not_allowed("caller_list")).await;
}
