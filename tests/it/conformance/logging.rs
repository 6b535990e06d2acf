//! Case 77: the log and the answers hold no token, code or secret.

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use super::{Change, Scenario, exchange_of};
use crate::harness::{Answer, Options, activities, logs};

/// Finds two or three runs of base64url in `text` that dots join and of which the first begins as encoded JSON does.
fn jwt_in(text: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.match_indices("eyJ").find_map(|(start, _)| {
        let candidate = text.get(start..)?;
        let header = candidate.bytes().take_while(|byte| is_part(*byte)).count();
        let rest = candidate.get(header..)?.strip_prefix('.')?;
        let payload = rest.bytes().take_while(|byte| is_part(*byte)).count();
        (header >= 10 && payload >= 10).then(|| candidate.get(..header + 1 + payload).unwrap_or(candidate))
    })
}

#[test]
fn the_token_search_finds_a_token_in_a_log_line() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
    assert!(jwt_in(&format!("{{\"message\":\"Bearer {token}\"}}")).is_some());
    assert!(jwt_in("eyJust three letters. and eyJmore.short").is_none());
}

/// The answers to exchanges with the token in a wrong member, or with a member that the gateway refuses.
async fn answers_to_changed_exchanges(scenario: &Scenario) -> Vec<Answer> {
    let mut answers = Vec::new();
    let changes: [Change; 8] = [
        |_| {},
        |activity| activity["value"]["token"] = format!("{}x", activity["value"]["token"].as_str().unwrap()).into(),
        |activity| activity["value"]["connectionName"] = "Graph".into(),
        |activity| activity["value"]["connectionName"] = activity["value"]["token"].clone(),
        |activity| activity["value"]["id"] = activity["value"]["token"].as_str().unwrap()[..200].into(),
        |activity| activity["from"]["aadObjectId"] = "other".into(),
        |activity| activity["name"] = activity["value"]["token"].clone(),
        |activity| activity["channelId"] = activity["value"]["token"].clone(),
    ];
    for change in changes {
        let mut activity = scenario.exchange();
        change(&mut activity);
        let mut answer = scenario.harness.post(&activity).await;
        if activity["value"]["id"].as_str().is_some_and(|id| id.starts_with("eyJ")) {
            // The protocol requires the gateway to return the id, and this client put half a token into it.
            let echoed = String::from_utf8(answer.body).unwrap().replace(activity["value"]["id"].as_str().unwrap(), "");
            answer.body = echoed.into_bytes();
        }
        answers.push(answer);
    }
    answers
}

/// The answers while the identity provider returns the token that it was sent.
async fn answers_while_the_provider_echoes(scenario: &Scenario) -> Vec<Answer> {
    let (harness, mut answers) = (&scenario.harness, Vec::new());
    let consent_text = format!("AADSTS65001: {} secret {}", scenario.token, "demo-app-secret-of-the-local-stage");
    let echoing = json!({ "error": "invalid_grant", "suberror": scenario.token, "error_codes": [65001],
        "error_description": consent_text, "trace_id": scenario.token, "correlation_id": scenario.token });
    for (status, body) in [(400, echoing.to_string()), (200, scenario.token.clone()), (500, scenario.token.clone())] {
        let fault = Fault::Answer { status, content_type: "application/json".into(), body };
        harness.stage.faults().add(FaultRule::new(fault).times(3));
        let mut activity = exchange_of(harness, "Gus", &format!("echo-{status}")).await;
        activity["conversation"]["id"] = format!("a:{status}").into();
        answers.push(harness.post(&activity).await);
        harness.stage.faults().clear();
    }
    answers
}

fn assert_nothing_is_shown(secrets: &[String], answers: &[Answer]) {
    let log = logs::text();
    for secret in secrets {
        let (shown, signature) = (secret.len().min(12), secret.rsplit('.').next().unwrap());
        assert!(!log.contains(secret.as_str()), "the log holds {}…", &secret[..shown]);
        assert!(!log.contains(signature), "the log holds the signature of {}…", &secret[..shown]);
        for answer in answers {
            let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
            assert!(!text.contains(signature), "an answer holds {}…: {text}", &secret[..shown]);
        }
    }
    assert_eq!(log.lines().find_map(jwt_in), None);
    for answer in answers {
        assert_eq!(jwt_in(&String::from_utf8_lossy(&answer.body)), None);
    }
}

#[tokio::test]
async fn case_77_no_log_line_and_no_answer_holds_a_token_a_code_or_a_secret() {
    let mut scenario = Scenario::start().await;
    let (ada, harness) = (scenario.harness.user("Ada"), &scenario.harness);
    let mut answers: Vec<Answer> = Vec::new();
    let mut secrets =
        vec![scenario.token.clone(), harness.channel_token("demo").await, harness.bot_token("demo").await];
    answers.extend(answers_to_changed_exchanges(&scenario).await);
    for bearer in ["x", scenario.token.as_str(), &secrets[1].replace('.', "..")] {
        answers.push(harness.post_as("demo", bearer, &scenario.exchange()).await);
    }
    for user in ["Ben", "Cleo", "Dan", "Eve"] {
        answers.push(harness.post(&exchange_of(harness, user, "x").await).await);
    }
    answers.extend(answers_while_the_provider_echoes(&scenario).await);
    let state = json!({ "state": scenario.token });
    answers.push(harness.post(&activities::invoke(harness, &ada, "signin/verifyState", state)).await);
    let failure = json!({ "code": scenario.token, "message": scenario.token });
    answers.push(harness.post(&activities::invoke(harness, &ada, "signin/failure", failure)).await);
    harness.sign_in_resource(&activities::teams(harness, &ada), "mail").await;
    secrets.push(harness.get_token("msteams", "29:ada", "graph").await.json()["token"].as_str().unwrap().to_owned());
    let code = scenario.harness.issue_code(&Options::default(), &ada, "mail", "token-behind-the-code").await;
    let redeem = activities::invoke(&scenario.harness, &ada, "signin/verifyState", json!({ "state": code }));
    answers.push(scenario.harness.post(&redeem).await);
    assert_eq!(answers.last().unwrap().status, 200);

    secrets.extend(scenario.harness.stage.directory().connections.iter().map(|entry| entry.client_secret.to_owned()));
    secrets.push(String::from("token-behind-the-code"));
    secrets.push(format!("\"{code}\""));
    assert_nothing_is_shown(&secrets, &answers);
}
