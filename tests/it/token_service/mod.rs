//! The Token Service's operations in the exact forms that unmodified SDKs read (docs/protocols/token-service-api.md §1,
//! §3, §6).

mod callers;
mod exchange;
mod get_token;
mod offers;
mod own_listener;
mod redeeming;
mod resources;
mod sdk_advice;
mod sign_in_resource;
mod status;

use serde_json::Value;

use crate::harness::{Answer, Harness, activities};

/// The code and message of an error; asserts the form of its body.
fn error_of(case: &str, answer: &Answer, status: u16) -> (String, String) {
    assert_eq!(answer.status, status, "{case}: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), Some("application/json"), "{case}");
    let body = answer.json();
    assert_eq!(names_of(&body), ["error"], "{case}");
    assert_eq!(names_of(&body["error"]), ["code", "message"], "{case}");
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

/// The member names of an object; asserts that no member is `null` or empty (rule 5).
fn names_of(object: &Value) -> Vec<&str> {
    let members = object.as_object().unwrap();
    assert!(members.values().all(|value| !value.is_null() && value != ""), "{object}");
    members.keys().map(String::as_str).collect()
}

/// Asserts the answer for "no token": 404 without a body (rule 4).
fn assert_nothing(case: &str, answer: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (404, 0), "{case}: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), None, "{case}");
}

/// Signs Ada in silently under a user id.
async fn sign_in(harness: &Harness, channel: &str, user_id: &str) {
    let token = harness.user_token("Ada", "graph").await;
    let ada = harness.user("Ada");
    let mut activity = activities::exchange(harness, &ada, &format!("card-{channel}"), &token);
    if channel == "msteams" {
        activity["from"]["id"] = user_id.into();
    } else {
        activity = activities::on_channel(activity, channel, user_id);
    }
    let answer = harness.post(&activity).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}
