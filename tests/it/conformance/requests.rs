//! Cases 1 to 19: what a request may look like.

use serde_json::{Value, json};

use super::{Scenario, success};
use crate::harness::{Harness, Options, activities, logs};

type Change = fn(&mut Value);

#[tokio::test]
async fn every_accepted_spelling_of_a_request_causes_the_same_exchange() {
    let accepted: [(&str, Change); 9] = [
        ("1", |_| {}),
        ("2", |activity| activity["type"] = "Invoke".into()),
        ("3", |activity| activity["name"] = "signin/TokenExchange".into()),
        ("4", |activity| {
            let value = activity["value"].clone();
            activity["value"] =
                json!({ "Id": value["id"], "ConnectionName": value["connectionName"], "Token": value["token"] });
        }),
        ("unknown members", |activity| activity["value"]["isSilentAuth"] = true.into()),
        ("Teams' own members", |activity| {
            activity["replyToId"] = "1".into();
            activity["channelData"]["legacy"] = json!({ "replyToId": "1:2" });
        }),
        ("19", |activity| {
            activity["attachments"] = json!([{ "contentType": "application/vnd.microsoft.card.oauth", "content": {} }]);
        }),
        ("65, sub-channel", |activity| activity["channelId"] = "msteams:COPILOT".into()),
        ("69", |activity| activity["deliveryMode"] = "expectReplies".into()),
    ];
    for (case, change) in accepted {
        let scenario = Scenario::start().await;
        let mut activity = scenario.exchange();
        change(&mut activity);
        let answer = scenario.harness.post(&activity).await;
        assert_eq!(answer.status, 200, "case {case}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json(), success(), "case {case}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "case {case}");
        assert_eq!(scenario.harness.exchanges(), 1, "case {case}");
        let stored = scenario.harness.get_token("msteams", "29:ada", "graph").await;
        assert_eq!(stored.status, 200, "case {case}: kept under the base channel");
    }
}

#[tokio::test]
async fn a_request_without_a_usable_value_is_400_and_calls_no_identity_provider() {
    let refused: [(&str, Change, Value); 11] = [
        ("6", |activity| drop(activity.as_object_mut().unwrap().remove("value")), Value::Null),
        ("6, null", |activity| activity["value"] = Value::Null, Value::Null),
        ("7, string", |activity| activity["value"] = "token".into(), Value::Null),
        ("7, array", |activity| activity["value"] = json!([1]), Value::Null),
        ("8", |activity| drop(activity["value"].as_object_mut().unwrap().remove("token")), json!("x")),
        ("9", |activity| activity["value"]["token"] = "".into(), json!("x")),
        ("token a number", |activity| activity["value"]["token"] = 7.into(), json!("x")),
        ("11", |activity| drop(activity["value"].as_object_mut().unwrap().remove("connectionName")), json!("x")),
        ("connectionName a number", |activity| activity["value"]["connectionName"] = 7.into(), json!("x")),
        ("id an object", |activity| activity["value"]["id"] = json!({}), Value::Null),
        ("two spellings", |activity| activity["value"]["Token"] = "other".into(), json!("x")),
    ];
    let scenario = Scenario::start().await;
    for (case, change, id) in refused {
        let mut activity = scenario.exchange();
        change(&mut activity);
        let answer = scenario.harness.post(&activity).await;
        super::assert_refused(case, &answer, 400, "bad_request");
        assert_eq!(answer.json()["id"], id, "case {case}: the id is echoed where it can be read");
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(scenario.harness.bot.received().is_empty());
}

#[tokio::test]
async fn case_6_the_answer_names_the_connection_only_if_the_bot_has_exactly_one() {
    let scenario = Scenario::start().await;
    let mut activity = scenario.exchange();
    activity.as_object_mut().unwrap().remove("value");
    let several = scenario.harness.post(&activity).await.json();
    assert!(several.get("connectionName").is_none(), "{several}");
    let one = scenario.harness.post_to("demo-none", &activity).await.json();
    assert_eq!(one["connectionName"], "graph");
}

#[tokio::test]
async fn case_12_a_connection_name_in_another_letter_case_is_refused_and_the_log_names_the_near_match() {
    let scenario = Scenario::start().await;
    let mut activity = scenario.exchange();
    activity["value"]["connectionName"] = "Graph".into();
    let answer = scenario.harness.post(&activity).await;
    super::assert_refused("12", &answer, 400, "bad_request");
    let lines = logs::lines_of(&answer.correlation_id());
    assert!(lines.iter().any(|line| line["near"] == "graph"), "{lines:?}");
}

#[tokio::test]
async fn an_exchange_for_an_unknown_connection_is_forwarded_to_the_bot_unchanged() {
    let scenario = Scenario::start().await;
    scenario.harness.bot.behave(crate::harness::Behaviour::answering(412, r#"{"failureDetail":"mine"}"#));
    let mut activity = scenario.exchange();
    activity["value"]["connectionName"] = "hosted".into();
    let answer = scenario.harness.post(&activity).await;
    assert_eq!((answer.status, answer.json()), (412, json!({ "failureDetail": "mine" })));
    assert_eq!(scenario.harness.bot.received()[0].json(), activity);
    assert_eq!(scenario.harness.exchanges(), 0);
}

#[tokio::test]
async fn an_exchange_without_an_id_is_accepted_and_deduplicated_by_its_token() {
    let scenario = Scenario::start().await;
    let mut activity = scenario.exchange();
    activity["value"].as_object_mut().unwrap().remove("id");
    for _ in 0..2 {
        let answer = scenario.harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "connectionName": "graph" })));
    }
    assert_eq!(scenario.harness.exchanges(), 1);
    assert_eq!(scenario.harness.bot_received(1).await.len(), 1);
}

#[tokio::test]
async fn case_15_an_activity_without_its_basic_members_is_400() {
    let scenario = Scenario::start().await;
    let incomplete: [(&str, Change); 8] = [
        ("from.id absent", |activity| drop(activity["from"].as_object_mut().unwrap().remove("id"))),
        ("from absent", |activity| drop(activity.as_object_mut().unwrap().remove("from"))),
        ("conversation.id empty", |activity| activity["conversation"]["id"] = "".into()),
        ("channelId absent", |activity| drop(activity.as_object_mut().unwrap().remove("channelId"))),
        ("type absent", |activity| drop(activity.as_object_mut().unwrap().remove("type"))),
        ("serviceUrl absent", |activity| drop(activity.as_object_mut().unwrap().remove("serviceUrl"))),
        ("serviceUrl empty", |activity| activity["serviceUrl"] = "".into()),
        ("from.id a number", |activity| activity["from"]["id"] = 7.into()),
    ];
    for (case, change) in incomplete {
        let mut activity = scenario.exchange();
        change(&mut activity);
        let answer = scenario.harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (400, json!("MissingProperty")), "{case}");
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(scenario.harness.bot.received().is_empty());
}

#[tokio::test]
async fn case_16_a_request_without_a_valid_bearer_is_401_before_its_value_is_read() {
    let scenario = Scenario::start().await;
    let body = serde_json::to_vec(&scenario.exchange()).unwrap();
    let path = "/bots/demo/api/messages";
    let token = scenario.harness.channel_token("demo").await;
    let (valid, doubled) = (format!("Bearer {token}"), format!("Bearer {token} {token}"));
    let headers: [&[(&str, &str)]; 6] = [
        &[],
        &[("authorization", "Basic Ym90OnNlY3JldA==")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer x.y.z")],
        &[("authorization", &doubled)],
        &[("authorization", &valid), ("authorization", &valid)],
    ];
    for headers in headers {
        for body in [body.clone(), b"not json".to_vec()] {
            let answer = scenario.harness.send("POST", path, headers, body).await;
            assert_eq!(answer.status, 401, "{headers:?}");
            assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
        }
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(scenario.harness.bot.received().is_empty());
}

#[tokio::test]
async fn case_17_other_methods_are_405_and_bodies_that_are_no_activity_are_400() {
    let harness = Harness::start().await;
    for method in ["GET", "PUT", "DELETE"] {
        for path in ["/api/messages", "/bots/demo/api/messages"] {
            let answer = harness.send(method, path, &[], Vec::new()).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}");
        }
    }
    let token = harness.channel_token("demo").await;
    for body in ["", "not json", "[]", "\"text\"", "null", "{\"type\":\"invoke\"", "{\"type\":\"a\",\"type\":\"b\"}"] {
        let answer = harness.post_bytes("demo", &token, body.as_bytes().to_vec()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let large = harness.post_bytes("demo", &token, vec![b' '; 600 * 1024]).await;
    assert_eq!(large.status, 413);
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn a_member_given_twice_in_any_place_or_spelling_is_400() {
    let scenario = Scenario::start().await;
    let token = scenario.harness.channel_token("demo").await;
    let text = scenario.exchange().to_string();
    let doubled = [
        text.replacen('{', "{\"type\":\"message\",", 1),
        text.replacen('{', "{\"Name\":\"other\",", 1),
        text.replacen('{', "{\"Value\":{},", 1),
        text.replacen("\"connectionName\"", "\"connectionName\":\"mail\",\"connectionName\"", 1),
    ];
    for body in doubled {
        let answer = scenario.harness.post_bytes("demo", &token, body.clone().into_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(scenario.harness.bot.received().is_empty());
}

#[tokio::test]
async fn the_path_names_a_bot_that_exists_and_that_the_token_is_for() {
    let scenario = Scenario::start().await;
    let token = scenario.harness.channel_token("demo").await;
    let unknown = scenario.harness.post_as("nobody", &token, &scenario.exchange()).await;
    assert_eq!(unknown.status, 404);
    let other = scenario.harness.post_as("demo-none", &token, &scenario.exchange()).await;
    assert_eq!(other.status, 401);
    let bearer = format!("bearer {token}");
    let body = serde_json::to_vec(&scenario.exchange()).unwrap();
    let shared = scenario.harness.send("POST", "/api/messages", &[("authorization", &bearer)], body).await;
    assert_eq!(shared.status, 200, "the token's audience names the bot");
}

#[tokio::test]
async fn cases_64_and_66_other_channels_and_status_numbers_by_channel() {
    let options = Options { appended: String::from("[statuses.webchat]\nbad_request = 422\n"), ..Options::default() };
    let scenario = Scenario::with(Harness::with(options).await).await;
    for channel in ["directline", "webchat"] {
        let activity = activities::on_channel(scenario.exchange(), channel, "dl_ada");
        let answer = scenario.harness.post(&activity).await;
        assert_eq!((answer.status, answer.json()), (200, success()), "{channel}");
        assert_eq!(scenario.harness.get_token(channel, "dl_ada", "graph").await.status, 200);
    }
    let mut broken = activities::on_channel(scenario.exchange(), "webchat", "dl_ada");
    broken["value"]["token"] = "".into();
    assert_eq!(scenario.harness.post(&broken).await.status, 422);
    broken["channelId"] = "directline".into();
    assert_eq!(scenario.harness.post(&broken).await.status, 400);
}

#[tokio::test]
async fn a_security_relevant_member_in_another_letter_case_is_400_and_not_forwarded() {
    let scenario = Scenario::start().await;
    let renamed: [(&str, &str, &str); 9] = [
        ("", "name", "Name"),
        ("", "type", "Type"),
        ("", "value", "VALUE"),
        ("", "from", "From"),
        ("", "deliveryMode", "DeliveryMode"),
        ("from", "aadObjectId", "AadObjectId"),
        ("conversation", "id", "Id"),
        ("conversation", "tenantId", "TenantId"),
        ("channelData", "tenant", "Tenant"),
    ];
    for (object, member, other) in renamed {
        let mut activity = scenario.exchange();
        activity["deliveryMode"] = "normal".into();
        let object = if object.is_empty() { &mut activity } else { &mut activity[object] };
        let value = object.as_object_mut().unwrap().remove(member).unwrap();
        object[other] = value;
        assert_eq!(scenario.harness.post(&activity).await.status, 400, "{other}");
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(scenario.harness.bot.received().is_empty());
}

#[tokio::test]
async fn a_body_in_an_encoding_other_than_utf_8_is_415() {
    let scenario = Scenario::start().await;
    let bearer = format!("Bearer {}", scenario.harness.channel_token("demo").await);
    let body = serde_json::to_vec(&scenario.exchange()).unwrap();
    for (name, value) in [
        ("content-type", "application/json; charset=utf-7"),
        ("content-type", "application/json;charset=\"UTF-16\""),
        ("content-encoding", "gzip"),
    ] {
        let headers = [("authorization", bearer.as_str()), (name, value)];
        let answer = scenario.harness.send("POST", "/bots/demo/api/messages", &headers, body.clone()).await;
        assert_eq!(answer.status, 415, "{value}");
    }
    assert!(scenario.harness.bot.received().is_empty());
    for value in ["application/json; charset=UTF-8", "application/json;charset=utf8", "text/plain"] {
        let headers = [("authorization", bearer.as_str()), ("content-type", value)];
        let answer = scenario.harness.send("POST", "/bots/demo/api/messages", &headers, body.clone()).await;
        assert_eq!(answer.status, 200, "{value}");
    }
}
