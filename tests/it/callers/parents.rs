//! Callers with a token of Entra: genuine tokens of the wrong kind, and parent bots that `[[bots.demo.callers]]` lists.

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use super::{Fixture, forbidden, invalid};

type Change = fn(&mut Value);

const DEMO: &str = "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01";
const SKILL: &str = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
/// The stage's bot `demo-forward` plays the parent.
const PARENT: &str = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
const STRANGER: &str = "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03";
const TEAMS: &str = "1fec8e78-bce4-4aaf-ab1b-5451cc387264";
const CONTOSO: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
const FABRIKAM: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";
const PARENT_URL: &str = "https://parent.example/api/skills";

fn caller(app_id: &str, tenant: &str, channels: &str) -> String {
    format!(
        "[[bots.demo.callers]]\napp_id = \"{app_id}\"\ntenant = \"{tenant}\"\nservice_urls = [\"{PARENT_URL}\"]\n\
         channels = [{channels}]\n"
    )
}

/// An app-only token of `client` for the bot `demo`.
async fn for_demo(fixture: &Fixture, client: &str) -> String {
    fixture.harness.app_token(client, &format!("api://{DEMO}/.default")).await
}

fn from_parent(fixture: &Fixture) -> Value {
    fixture.exchange_with(|activity| activity["serviceUrl"] = PARENT_URL.into())
}

/// The app's token with the claims that an issuer of version 1 writes, changed by `change`.
fn forge_v1(fixture: &Fixture, app_token: &str, change: Change) -> String {
    fixture.harness.forge(Signer::Tenant, app_token, |claims| {
        claims["iss"] = fixture.harness.stage.v1_issuer(CONTOSO).into();
        claims["ver"] = "1.0".into();
        let mut rename = |from: &str, to: &str| {
            let value = claims.as_object_mut().unwrap().remove(from).unwrap();
            claims[to] = value;
        };
        rename("azp", "appid");
        rename("azpacr", "appidacr");
        change(claims);
    })
}

fn remove_app_id(claims: &mut Value) {
    for name in ["azp", "azpacr", "scp"] {
        claims[name] = Value::Null;
    }
    claims["nonce"] = "n".into();
}

fn differ_without_idtyp(claims: &mut Value) {
    claims["oid"] = "other".into();
    claims["idtyp"] = Value::Null;
}

fn name_graph_as_app(claims: &mut Value) {
    claims["aud"] = "https://graph.microsoft.com".into();
    claims["appid"] = DEMO.into();
    claims["scp"] = "User.Read".into();
    claims["upn"] = "ada@contoso.example".into();
    claims["idtyp"] = "user".into();
}

// Cases 24 to 26, 28 to 35: these tokens are refused without a list of callers, and a list does not admit them.
#[tokio::test]
async fn genuine_tokens_of_the_wrong_kind_are_refused_with_and_without_listed_callers() {
    let delegated = |check| forbidden("DelegatedTokenNotAllowed", check);
    let not_listed = forbidden("CallerNotAllowed", "caller_list");
    for listed in [false, true] {
        let channels = "\"msteams\"";
        let list = [TEAMS, DEMO].map(|app_id| caller(app_id, CONTOSO, channels)).concat();
        let fixture = Fixture::with_appended(if listed { list } else { String::new() }).await;
        let activity = from_parent(&fixture);
        let app = for_demo(&fixture, SKILL).await;
        let user = fixture.harness.user_token("Ada", "graph").await;
        let forge = |token: &str, change: Change| fixture.harness.forge(Signer::Tenant, token, change);
        let v1 = |change: Change| forge_v1(&fixture, &app, change);
        let connector = fixture.harness.bot_token("demo").await;
        let cases = [
            ("24, absent", forge(&app, |claims| claims["ver"] = Value::Null), invalid("ver")),
            ("24, 3.0", forge(&app, |claims| claims["ver"] = "3.0".into()), invalid("ver")),
            ("24, number", forge(&app, |claims| claims["ver"] = 2.into()), invalid("ver")),
            ("24, 1.0 of a v2 issuer", forge(&app, |claims| claims["ver"] = "1.0".into()), invalid("ver")),
            ("25", v1(|claims| claims["azp"] = STRANGER.into()), invalid("azp")),
            ("25, v2", forge(&app, |claims| claims["appid"] = STRANGER.into()), invalid("azp")),
            ("26", forge(&app, |claims| claims["azp"] = "AnonymousSkill".into()), not_listed),
            ("26, v1", v1(|claims| claims["appid"] = "AnonymousSkill".into()), not_listed),
            ("28", user.clone(), delegated("scp")),
            ("28, Teams", forge(&user, |claims| claims["azp"] = TEAMS.into()), delegated("scp")),
            ("28, of our own bot", forge(&user, |claims| claims["azp"] = DEMO.into()), delegated("scp")),
            ("29", forge(&user, remove_app_id), invalid("azp")),
            ("30", v1(name_graph_as_app), invalid("aud")),
            ("31", connector, invalid("aud")),
            ("34", forge(&app, |claims| claims["aud"] = SKILL.into()), invalid("aud")),
            ("35", forge(&app, |claims| claims["azpacr"] = "0".into()), delegated("azpacr")),
            ("35, v1", v1(|claims| claims["appidacr"] = "0".into()), delegated("appidacr")),
            ("rule 21, idtyp", forge(&app, |claims| claims["idtyp"] = "user".into()), delegated("idtyp")),
            ("rule 21, oid", forge(&app, differ_without_idtyp), delegated("oid")),
            ("rule 21, upn", forge(&app, |claims| claims["upn"] = "a@b".into()), delegated("upn")),
            ("rule 21, nonce", forge(&app, |claims| claims["nonce"] = "n".into()), delegated("nonce")),
            ("rule 10, tid absent", forge(&app, |claims| claims["tid"] = Value::Null), invalid("tid")),
            ("rule 10, tid differs", forge(&app, |claims| claims["tid"] = FABRIKAM.into()), invalid("tid")),
            ("45", app.clone(), not_listed),
        ];
        for (case, token, refusal) in cases {
            fixture.assert_refuses(&format!("{case}, listed: {listed}"), &token, &activity, refusal).await;
        }
        fixture.assert_no_effect();
    }
}

// Cases 32 and 46.
#[tokio::test]
async fn no_app_may_call_without_listed_callers_and_neither_may_the_bot_itself() {
    let fixture = Fixture::start().await;
    let refusal = forbidden("CallerNotAllowed", "caller_list");
    for client in [DEMO, PARENT, STRANGER] {
        let token = for_demo(&fixture, client).await;
        fixture.assert_refuses("32 and 46", &token, &fixture.exchange, refusal).await;
        fixture.assert_refuses("32 and 46", &token, &from_parent(&fixture), refusal).await;
    }
    fixture.assert_no_effect();
}

// Cases 45 and 49, rules 22, 23 and 25.
#[tokio::test]
async fn a_listed_parent_is_refused_outside_its_tenant_channels_and_service_urls() {
    let list = caller(PARENT, CONTOSO, "\"msteams\", \"directline\"") + &caller(STRANGER, FABRIKAM, "\"msteams\"");
    let fixture = Fixture::with_appended(list).await;
    let token = for_demo(&fixture, PARENT).await;
    let elsewhere = fixture.harness.stage.v2_issuer(FABRIKAM);
    let in_fabrikam = fixture.harness.forge(Signer::Tenant, &token, |claims| {
        claims["iss"] = elsewhere.into();
        claims["tid"] = FABRIKAM.into();
    });
    let activity = from_parent(&fixture);
    fixture.assert_refuses("49", &in_fabrikam, &activity, forbidden("CallerNotAllowed", "caller_tenant")).await;
    let stranger = for_demo(&fixture, STRANGER).await;
    fixture
        .assert_refuses("49, the reverse", &stranger, &activity, forbidden("CallerNotAllowed", "caller_tenant"))
        .await;
    let with = |member: &str, value: &str| {
        let mut activity = activity.clone();
        activity[member] = value.into();
        activity
    };
    let url = forbidden("ServiceUrlNotAllowed", "caller_service_url");
    for other in [
        "http://169.254.169.254/",
        "https://parent.example/",
        "https://parent.example/api/skillsX",
        "https://parent.example/api/skills/../admin",
        "https://parent.example.evil.example/api/skills",
        "https://parent.example@evil.example/api/skills",
        "http://parent.example/api/skills",
        "https://parent.example:8443/api/skills",
        "https://parent.example/API/SKILLS",
        "https://parent.example/api/skills?x",
        "file:///api/skills",
    ] {
        fixture.assert_refuses(other, &token, &with("serviceUrl", other), url).await;
    }
    let channel = |check| forbidden("ChannelNotEndorsed", check);
    fixture.assert_refuses("rule 23", &token, &with("channelId", "webchat"), channel("caller_channel")).await;
    fixture.assert_refuses("rule 25", &token, &with("channelId", "AseChannel"), channel("channel")).await;
    fixture.assert_refuses("rule 24", &token, &with("channelId", "emulator"), channel("channel")).await;
    fixture.assert_no_effect();
    let upper_case =
        fixture.harness.forge(Signer::Tenant, &token, |claims| claims["azp"] = PARENT.to_uppercase().into());
    fixture.assert_admits("listed", &token, &activity).await;
    fixture.assert_admits("in upper case", &upper_case, &activity).await;
    fixture
        .assert_admits("below the prefix", &token, &with("serviceUrl", "https://parent.example/api/skills/v3/"))
        .await;
}

// The second half of case 69: a parent that expects replies gets the envelope.
#[tokio::test]
async fn a_parents_invoke_is_exchanged_for_the_parents_own_account() {
    let fixture = Fixture::with_appended(caller(PARENT, CONTOSO, "\"msteams\"")).await;
    let token = for_demo(&fixture, PARENT).await;
    let mut activity = from_parent(&fixture);
    activity["deliveryMode"] = "expectReplies".into();
    let answer = fixture.harness.post_as("demo", &token, &activity).await;
    assert_eq!(answer.status, 200);
    let envelope = answer.json();
    let invoke_response = envelope["activities"].as_array().unwrap().iter().find(|it| it["type"] == "invokeResponse");
    assert_eq!(invoke_response.unwrap()["value"]["status"], 200, "{envelope}");
    assert_eq!(invoke_response.unwrap()["value"]["body"], json!({ "id": "x", "connectionName": "graph" }));
    assert_eq!(fixture.harness.exchanges(), 1);
}

#[tokio::test]
async fn a_parent_that_is_listed_twice_may_call_as_either_entry_allows() {
    let elsewhere = "http://127.0.0.1/other/";
    let second = caller(PARENT, CONTOSO, "\"directline\"").replace(PARENT_URL, elsewhere);
    let fixture = Fixture::with_appended(caller(PARENT, CONTOSO, "\"msteams\"") + &second).await;
    let token = for_demo(&fixture, PARENT).await;
    // The activity is a message, because the gateway would notify the bot of an exchange only later.
    let at = |channel: &str, url: &str| {
        let mut activity = fixture.exchange_with(|activity| activity["type"] = "message".into());
        activity["channelId"] = channel.into();
        activity["serviceUrl"] = url.into();
        activity
    };
    fixture.assert_admits("the first entry", &token, &at("msteams", PARENT_URL)).await;
    fixture.assert_admits("the second", &token, &at("directline", elsewhere)).await;
    let forwarded = fixture.harness.bot.received().len();
    let mixed = at("directline", PARENT_URL);
    assert_eq!(fixture.harness.post_as("demo", &token, &mixed).await.status, 403, "half of one and half of the other");
    assert_eq!(fixture.harness.bot.received().len(), forwarded);
}

#[tokio::test]
async fn a_parents_exchanges_do_not_count_against_the_limit_of_the_channels_user() {
    let list = caller(PARENT, CONTOSO, "\"msteams\"") + "[limits]\nuser_exchanges_per_minute = 1\n";
    let fixture = Fixture::with_appended(list).await;
    let token = for_demo(&fixture, PARENT).await;
    let mut guess = from_parent(&fixture);
    guess["from"]["aadObjectId"] = "somebody-else".into();
    assert_eq!(fixture.harness.post_as("demo", &token, &guess).await.status, 400);
    guess["value"]["id"] = "another".into();
    assert_eq!(fixture.harness.post_as("demo", &token, &guess).await.status, 429, "the parent's user is limited");
    assert_eq!(fixture.harness.post(&fixture.exchange).await.status, 200, "and the channel's own user is not");
}
