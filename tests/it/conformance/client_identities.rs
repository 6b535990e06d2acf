//! Identity members that a client of Direct Line or Web Chat writes into its activity. Only Teams and the Agent 365 platform
//! state identities.

use serde_json::{Value, json};

use super::{assert_mismatch, exchange_of, is_kept};
use crate::harness::{Answer, Harness, activities};

/// Ben's token in an activity that claims in every way to be Ben's.
async fn claiming_to_be_ben(harness: &Harness, channel: &str, user_id: &str) -> Value {
    let ben = harness.user("Ben");
    let mut activity = activities::on_channel(exchange_of(harness, "Ben", "x").await, channel, user_id);
    let claims = json!({
        "aadObjectId": ben.oid, "tenantId": ben.tid, "agenticUserId": ben.oid, "agenticAppId": ben.oid, "role": "agenticUser",
    });
    activity["from"].as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    activity["recipient"].as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    activity["conversation"]["tenantId"] = ben.tid.into();
    activity["channelData"] = json!({ "tenant": { "id": ben.tid } });
    activity
}

async fn exchange(harness: &Harness, activity: &Value) -> Answer {
    let user_id = activity["from"]["id"].as_str().unwrap();
    let channel = activity["channelId"].as_str().unwrap();
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let path = format!("/api/usertoken/exchange?userId={user_id}&connectionName=graph&channelId={channel}");
    let body = json!({ "token": activity["value"]["token"] }).to_string().into_bytes();
    harness.send("POST", &path, &headers, body).await
}

#[tokio::test]
async fn what_a_client_claims_to_be_signs_nobody_in_and_takes_no_account_over() {
    let harness = Harness::start().await;
    for channel in ["directline", "webchat"] {
        let chosen = claiming_to_be_ben(&harness, channel, "chosen").await;
        assert_mismatch(channel, &harness.post(&chosen).await, "unverified_id");
        let adas = activities::on_channel(exchange_of(&harness, "Ada", "a").await, channel, "dl_1");
        assert_eq!(harness.post(&adas).await.status, 200);
        let calls = harness.exchanges();
        let taken = claiming_to_be_ben(&harness, channel, "dl_1").await;
        assert_mismatch(channel, &harness.post(&taken).await, "pin");
        assert_eq!(harness.exchanges(), calls);
        assert!(is_kept(&harness, &adas, "graph").await, "{channel}: Ada's token stays");
    }
}

#[tokio::test]
async fn what_a_client_claims_to_be_is_no_statement_of_its_channel() {
    let harness = Harness::start().await;
    for channel in ["directline", "webchat"] {
        let claim = claiming_to_be_ben(&harness, channel, "dl_1").await;
        let mut message = claim.clone();
        (message["type"], message["name"], message["value"]) = ("message".into(), Value::Null, Value::Null);
        assert_eq!(harness.post(&message).await.status, 200);
        assert_eq!(exchange(&harness, &claim).await.json()["error"]["code"], "SignInRequired", "{channel}");
    }
    assert_eq!(harness.exchanges(), 0);
}
