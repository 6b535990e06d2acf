//! Agents as callers of the Token Service (cases AG-18 to AG-22).

use bot_sso::dev::Signer;
use serde_json::Value;

use super::Fixture;
use super::fixture::{CONTOSO, EVERY_AGENT, FABRIKAM, HELPER, Refused, not_allowed};
use crate::harness::{activities, logs};

const PLATFORM_SCOPE: &str = "5a807f24-c9de-44ee-a3a7-329e88a00ffc/.default";
const BOT_API_SCOPE: &str = "https://botapi.skype.com/.default";
const FRAMEWORK_SCOPE: &str = "https://api.botframework.com/.default";

type Change = fn(&mut Value);

// AG-18, AG-19.
#[tokio::test]
async fn a_listed_agent_gets_the_tokens_of_its_bots_connections() {
    let fixture = Fixture::with_helper().await;
    let bearers = [
        fixture.agent_users_token("helper", PLATFORM_SCOPE).await,
        fixture.agent_users_token("helper", BOT_API_SCOPE).await,
        fixture.agent_users_token("helper", FRAMEWORK_SCOPE).await,
        fixture.agent_token("helper", BOT_API_SCOPE).await,
        fixture.agent_token("helper", FRAMEWORK_SCOPE).await,
    ];
    for bearer in &bearers {
        assert_eq!(fixture.get_token_as(bearer).await.status, 404, "no user has signed in");
    }
    fixture.sign_ada_in().await;
    let logged = logs::length();
    for bearer in &bearers {
        let answer = fixture.get_token_as(bearer).await;
        assert_eq!((answer.status, &answer.json()["connectionName"]), (200, &"graph".into()), "{}", answer.json());
    }
    let lines = logs::since(logged);
    let of_agent = lines.lines().filter(|line| line.contains(&fixture.harness.tag) && line.contains(HELPER));
    assert_eq!(of_agent.filter(|line| line.contains("\"agent\":")).count(), bearers.len(), "each call is recorded");
}

#[tokio::test]
async fn a_person_who_signs_in_with_an_agent_is_found_by_the_agent() {
    let fixture = Fixture::with_helper().await;
    assert_eq!(fixture.post(&fixture.exchange_of("Ada").await).await.status, 200);
    let bearer = fixture.agent_users_token("helper", PLATFORM_SCOPE).await;
    assert_eq!(fixture.get_token_as(&bearer).await.status, 200);
}

#[tokio::test]
async fn a_listed_agent_offers_a_sign_in_exchanges_and_signs_out_as_its_bot() {
    let fixture = Fixture::with_helper().await;
    let authorization = format!("Bearer {}", fixture.agent_users_token("helper", BOT_API_SCOPE).await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let state = activities::state_of(&fixture.message(), "graph");
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", &state).finish();
    let path = format!("/api/botsignin/GetSignInResource?{query}");
    let resource = fixture.harness.send("GET", &path, &headers, Vec::new()).await;
    assert!(resource.json()["tokenExchangeResource"]["id"].is_string(), "{}", resource.json());
    let body = format!("{{\"token\":\"{}\"}}", fixture.harness.user_token("Ada", "graph").await);
    let place = "userId=29:ada&connectionName=graph&channelId=msteams";
    let path = format!("/api/usertoken/exchange?{place}");
    let exchanged = fixture.harness.send("POST", &path, &headers, body.into_bytes()).await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.json());
    let path = format!("/api/usertoken/SignOut?{place}");
    assert_eq!(fixture.harness.send("DELETE", &path, &headers, Vec::new()).await.status, 200);
    assert_eq!(fixture.harness.get_token("msteams", "29:ada", "graph").await.status, 404);
}

// AG-18, AG-20, AG-21.
#[tokio::test]
async fn an_agent_that_is_not_listed_or_no_agent_user_is_refused() {
    let fixture = Fixture::with_helper().await;
    let genuine = fixture.agent_users_token("helper", BOT_API_SCOPE).await;
    let forge = |change: Change| fixture.harness.forge(Signer::Tenant, &genuine, change);
    let in_fabrikam = fixture.harness.forge(Signer::Tenant, &genuine, |claims| {
        claims["iss"] = fixture.harness.stage.v1_issuer(FABRIKAM).into();
        claims["tid"] = FABRIKAM.into();
    });
    let (users, allowed) = (Refused { status: 403, code: "DelegatedTokenNotAllowed", check: "scp" }, not_allowed);
    let audience = Refused { status: 401, code: "InvalidToken", check: "aud" };
    for (case, bearer, refusal) in [
        ("a sibling", fixture.agent_users_token("scribe", BOT_API_SCOPE).await, allowed("agent_list")),
        ("a sibling's app", fixture.agent_token("scribe", FRAMEWORK_SCOPE).await, allowed("agent_list")),
        ("no bot's", fixture.agent_users_token("courier", BOT_API_SCOPE).await, allowed("agent_blueprint")),
        ("no bot's app", fixture.agent_token("courier", FRAMEWORK_SCOPE).await, allowed("agent_blueprint")),
        ("a human's", forge(|claims| claims["xms_sub_fct"] = Value::Null), users),
        ("a human's, 11", forge(|claims| claims["xms_sub_fct"] = "11".into()), users),
        ("a comma", forge(|claims| claims["xms_sub_fct"] = "13,11".into()), users),
        ("a word", forge(|claims| claims["xms_sub_fct"] = "x 13".into()), users),
        ("another number", forge(|claims| claims["xms_sub_fct"] = "113".into()), users),
        ("no agent", forge(|claims| claims["xms_act_fct"] = "9".into()), users),
        ("no blueprint", forge(|claims| claims["xms_par_app_azp"] = Value::Null), users),
        ("another tenant", in_fabrikam, users),
        ("Graph's", fixture.agent_users_token("helper", "https://graph.microsoft.com/.default").await, audience),
        (
            "the blueprint's",
            fixture.agent_token("helper", &format!("{}/.default", fixture.blueprint())).await,
            audience,
        ),
        ("the exchange's", fixture.agent_token("helper", "api://AzureADTokenExchange/.default").await, audience),
    ] {
        fixture.assert_refused(case, fixture.get_token_as(&bearer), refusal).await;
    }
    assert_eq!(fixture.get_token_as(&genuine).await.status, 404, "the genuine one is accepted");
}

#[tokio::test]
async fn no_agent_calls_the_token_service_where_none_is_listed() {
    let fixture = Fixture::with_every_agent().await;
    let bearer = fixture.agent_users_token("helper", BOT_API_SCOPE).await;
    fixture.assert_refused("no list", fixture.get_token_as(&bearer), not_allowed("agent_list")).await;
    let fixture = Fixture::with_appended(String::new()).await;
    let bearer = fixture.agent_users_token("helper", BOT_API_SCOPE).await;
    let refusal = Refused { status: 401, code: "InvalidToken", check: "aud" };
    fixture.assert_refused("no setting", fixture.get_token_as(&bearer), refusal).await;
    let bearer = fixture.agent_users_token("helper", FRAMEWORK_SCOPE).await;
    let refusal = Refused { status: 403, code: "DelegatedTokenNotAllowed", check: "scp" };
    fixture.assert_refused("no setting, our audience", fixture.get_token_as(&bearer), refusal).await;
    let bearer = fixture.agent_token("helper", FRAMEWORK_SCOPE).await;
    fixture.assert_refused("no setting, an app", fixture.get_token_as(&bearer), not_allowed("app_id")).await;
}

#[tokio::test]
async fn an_agent_of_a_tenant_that_serves_other_callers_is_refused() {
    let fixture = Fixture::with_bots_of_both_tenants().await;
    let genuine = fixture.agent_users_token("helper", BOT_API_SCOPE).await;
    let bearer = fixture.harness.forge(Signer::Tenant, &genuine, |claims| {
        claims["iss"] = fixture.harness.stage.v1_issuer(FABRIKAM).into();
        claims["tid"] = FABRIKAM.into();
    });
    fixture.assert_refused("another tenant", fixture.get_token_as(&bearer), not_allowed("agent_tenant")).await;
}

#[tokio::test]
async fn the_audiences_of_agents_are_no_bots() {
    let fixture = Fixture::with_helper().await;
    for scope in [PLATFORM_SCOPE, BOT_API_SCOPE] {
        let bearer = fixture.harness.app_token(fixture.blueprint(), scope).await;
        let refusal = Refused { status: 401, code: "InvalidToken", check: "aud" };
        fixture.assert_refused(scope, fixture.get_token_as(&bearer), refusal).await;
    }
}

// AG-22.
#[tokio::test]
async fn an_agent_identity_that_is_listed_as_a_parent_may_call_another_bot() {
    let parent = format!(
        "[[bots.demo.callers]]\napp_id = \"{HELPER}\"\ntenant = \"{CONTOSO}\"\n\
         service_urls = [\"https://parent.example/\"]\nchannels = [\"msteams\"]\n"
    );
    for appended in [parent.clone(), format!("{parent}{EVERY_AGENT}")] {
        let fixture = Fixture::with_appended(appended).await;
        let token = fixture.agent_token("helper", &format!("{}/.default", fixture.blueprint())).await;
        let mut activity = fixture.message();
        activity["serviceUrl"] = "https://parent.example/".into();
        let logged = logs::length();
        let answer = fixture.harness.post_as("demo", &token, &activity).await;
        assert_eq!(answer.status, 200, "{:?}", logs::complaints_of(&fixture.harness.tag, logged));
    }
    let fixture = Fixture::with_every_agent().await;
    let token = fixture.agent_token("helper", &format!("{}/.default", fixture.blueprint())).await;
    let sending = fixture.post_message_as(&token);
    fixture.assert_refused("not listed", sending, not_allowed("caller_list")).await;
}
