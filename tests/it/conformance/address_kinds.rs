//! Members that say who sends an activity to whom, with a value of the wrong kind: sign-in traffic is refused, and what is
//! only passed on is passed on.

use serde_json::{Value, json};

use super::{Scenario, is_kept};
use crate::harness::{Harness, activities};

/// Where a wrong value stands, and the value.
fn wrong_values() -> Vec<(&'static str, Value)> {
    let mut wrong = vec![
        ("/from", json!([])),
        ("/from", json!("29:ada")),
        ("/recipient", json!(7)),
        ("/recipient", json!("28:bot")),
        ("/recipient", json!([])),
        ("/recipient/id", json!(7)),
        ("/conversation", json!("x")),
        ("/conversation/tenantId", json!(7)),
        ("/conversation/conversationType", json!({})),
        ("/conversation/isGroup", json!("true")),
        ("/channelData", json!(1)),
        ("/channelData", json!("x")),
        ("/channelData/tenant", json!("x")),
        ("/channelData/tenant/id", json!(false)),
        ("/channelData/productContext", json!([])),
        ("/from/aadObjectId", json!(7)),
        ("/from/Role", json!(7)),
        ("/entities", json!({ "type": "productInfo" })),
        ("/deliveryMode", json!(1)),
        ("/id", json!(1)),
    ];
    for party in ["/from", "/recipient"] {
        for name in ["role", "tenantId", "agenticUserId", "agenticAppId", "agenticAppBlueprintId"] {
            wrong.push((Box::leak(format!("{party}/{name}").into_boxed_str()), json!(7)));
        }
    }
    wrong
}

fn set(activity: &mut Value, pointer: &str, value: &Value) {
    let (object, name) = pointer.rsplit_once('/').unwrap();
    activity.pointer_mut(object).unwrap()[name] = value.clone();
}

#[tokio::test]
async fn sign_in_traffic_with_an_address_of_the_wrong_kind_is_refused_and_a_message_is_passed_on() {
    let scenario = Scenario::start().await;
    let harness = &scenario.harness;
    for (pointer, value) in wrong_values() {
        let ada = harness.user("Ada");
        let codes = activities::invoke(harness, &ada, "signin/verifyState", json!({ "state": "123456" }));
        let failure = activities::invoke(harness, &ada, "signin/failure", json!({ "code": "tokenmissing" }));
        let received = harness.bot.received().len();
        for mut activity in [scenario.exchange(), codes, failure] {
            set(&mut activity, pointer, &value);
            let answer = harness.post(&activity).await;
            assert_eq!(answer.status, 400, "{pointer} {value}: {}", activity["name"]);
        }
        assert_eq!(harness.bot.received().len(), received, "{pointer} {value}: the bot got sign-in traffic");
        let mut message = activities::message(harness, &ada, "hello");
        set(&mut message, pointer, &value);
        assert_eq!(harness.post(&message).await.status, 200, "{pointer} {value}");
        assert_eq!(harness.bot.received().pop().unwrap().json(), message, "{pointer} {value}");
    }
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn an_address_that_is_null_counts_as_absent() {
    let scenario = Scenario::start().await;
    let mut activity = scenario.exchange();
    for pointer in ["/recipient", "/channelData", "/from/role", "/conversation/isGroup", "/entities", "/deliveryMode"] {
        set(&mut activity, pointer, &Value::Null);
    }
    assert_eq!(scenario.harness.post(&activity).await.status, 200);
    assert!(is_kept(&scenario.harness, &activity, "graph").await);
}

#[tokio::test]
async fn a_channel_that_states_a_tenant_of_the_wrong_kind_has_stated_no_person() {
    let harness = Harness::start().await;
    let mut message = activities::message(&harness, &harness.user("Ada"), "hello");
    message["conversation"]["tenantId"] = json!(7);
    assert_eq!(harness.post(&message).await.status, 200);
    let token = harness.user_token("Ada", "graph").await;
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let path = "/api/usertoken/exchange?userId=29:ada&connectionName=graph&channelId=msteams";
    let answer = harness.send("POST", path, &headers, json!({ "token": token }).to_string().into_bytes()).await;
    assert_eq!(answer.json()["error"]["code"], "SignInRequired");
}
