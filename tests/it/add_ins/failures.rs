use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bot_sso::dev::{Fault, FaultRule, Signer};

use super::fixture::{Fixture, ME, USER_DATA};
use crate::harness::logs;

#[tokio::test]
async fn each_refusal_of_the_identity_provider_is_told_in_both_conventions() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for (number, status, kind, error, is_inline) in [
        ("65001", 403, "ConsentRequired", "invalid_grant", true),
        ("90094", 403, "ConsentRequired", "invalid_grant", true),
        ("500133", 401, "TokenExpiredError", "invalid_grant", true),
        ("50013", 401, "TokenInvalid", "invalid_grant", true),
        ("50057", 403, "AccessDenied", "access_denied", true),
        ("7000215", 500, "ServerError", "server_error", false),
        ("700016", 500, "ServerError", "server_error", false),
        ("70011", 500, "ServerError", "server_error", false),
    ] {
        fixture.refuse_next(number);
        let answer = fixture.get_as(&token, ME).await;
        let body = answer.json();
        let expected = (status, Some(kind), Some(error));
        assert_eq!((answer.status, body["type"].as_str(), body["error"].as_str()), expected, "{number}");
        assert!(!body.to_string().contains("AADSTS") && !body.to_string().contains("Trace"), "{number}: {body}");
        fixture.refuse_next(number);
        let inline = fixture.get_as(&token, USER_DATA).await;
        let body = inline.json();
        assert_eq!(inline.status, if is_inline { 200 } else { status }, "{number}");
        assert_eq!(body["error"], error, "{number}");
        if is_inline {
            let description = body["error_description"].as_str().unwrap();
            assert!(description.starts_with(&format!("AADSTS{number}: ")), "{number}: {description}");
            assert!(!description.contains("Synthetic"), "{number}: the sentence is ours");
        }
    }
    assert_eq!(fixture.api.calls().len(), 0);
}

#[tokio::test]
async fn missing_consent_says_whether_an_administrator_is_needed() {
    let fixture = Fixture::start().await;
    let answer = fixture.get_as(&fixture.office_token("Cleo").await, ME).await;
    let body = answer.json();
    assert_eq!((answer.status, body["suberror"].as_str()), (403, Some("consent_required")));
    assert_eq!(body["adminConsentRequired"], false);
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer proposedAction=\"consent\", scopes=\""));
    let token = fixture.office_token("Ada").await;
    for path in [ME, USER_DATA] {
        fixture.refuse_next("90094");
        let body = fixture.get_as(&token, path).await.json();
        assert_eq!(
            (&body["adminConsentRequired"], &body["suberror"]),
            (&true.into(), &"consent_required".into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_claims_of_a_second_factor_come_to_the_pane_unchanged() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let path = format!("{}/fixtures/token_endpoint/aadsts_53003_with_claims.json", env!("CARGO_MANIFEST_DIR"));
    let source: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let claims = source["answer"]["json"]["claims"].as_str().unwrap();
    fixture.refuse_next("53003_with_claims");
    let answer = fixture.get_as(&token, ME).await;
    assert_eq!((answer.status, answer.json()["claims"].as_str()), (401, Some(claims)));
    let challenge = answer.header("www-authenticate").unwrap();
    let encoded = challenge.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    assert_eq!(STANDARD.decode(encoded).unwrap(), claims.as_bytes());
    fixture.refuse_next("53003_with_claims");
    let inline = fixture.get_as(&token, USER_DATA).await;
    assert_eq!((inline.status, inline.json()["claims"].as_str()), (200, Some(claims)));
    let dan = fixture.get_as(&fixture.office_token("Dan").await, USER_DATA).await;
    assert!(dan.status == 200 && dan.json()["claims"].as_str().is_some_and(|claims| claims.starts_with('{')));
}

#[tokio::test]
async fn an_outage_is_no_prompt_in_either_convention() {
    let fixture = Fixture::start().await;
    for (fault, wait) in [
        (Fault::Throttled { retry_after: Some(7) }, Some("7")),
        (Fault::Unavailable { retry_after: Some(9) }, Some("9")),
        (Fault::Html, None),
    ] {
        for path in [ME, USER_DATA] {
            fixture.stage.faults().clear();
            fixture.stage.faults().add(FaultRule::new(fault.clone()));
            let answer = fixture.get_as(&fixture.office_token("Ada").await, path).await;
            let kind = answer.json()["type"].as_str().unwrap().to_owned();
            assert_eq!((answer.status, kind.as_str()), (503, "TemporarilyUnavailable"), "{fault:?} {path}");
            let said = answer.header("retry-after").unwrap();
            assert!(wait.is_none_or(|wait| said == wait), "{fault:?} {path}: {said}");
            fixture.clock.advance(std::time::Duration::from_mins(1));
        }
    }
}

#[tokio::test]
async fn our_own_mistake_is_explained_in_the_log_alone() {
    let fixture = Fixture::start().await;
    fixture.refuse_next("7000215");
    let log = logs::length();
    let answer = fixture.get_as(&fixture.office_token("Ada").await, ME).await;
    assert_eq!((answer.status, answer.header("retry-after")), (500, None));
    let text = answer.json().to_string();
    assert!(!text.contains("secret") && !text.contains("client") && !text.contains("7000215"), "{text}");
    let lines = logs::complaints_of(&fixture.tag, log);
    let line = lines.iter().find(|line| line["aadsts"] == 7_000_215).unwrap();
    assert_eq!(line["bot"], "add-in/files");
    assert_eq!(line["correlation_id"], answer.json()["correlation_id"]);
}

#[tokio::test]
async fn an_address_with_too_many_invalid_tokens_waits_and_valid_tokens_from_it_do_not() {
    let fixture = Fixture::start().await;
    let refuse_times = async |count: usize| {
        for _ in 0..count {
            assert_eq!(fixture.get_as("abc", ME).await.status, 401);
        }
    };
    refuse_times(30).await;
    let log = logs::length();
    let limited = fixture.get_as("abc", USER_DATA).await;
    assert_eq!((limited.status, limited.json()["type"].as_str()), (429, Some("TooManyRequests")));
    assert!(limited.header("retry-after").is_some());
    assert_eq!(fixture.get_as("abc", ME).await.status, 429);
    let lines = logs::complaints_of(&fixture.tag, log);
    assert_eq!(lines.iter().filter(|line| line["check"] == "add_in_guesses").count(), 1, "{lines:?}");
    assert_eq!(fixture.get_as(&fixture.office_token("Ada").await, ME).await.status, 200);
    fixture.clock.advance(std::time::Duration::from_secs(61));
    refuse_times(1).await;
}

#[tokio::test]
async fn a_forged_token_that_names_graph_as_its_audience_is_limited_as_other_forged_ones() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let graph = fixture.forge(Signer::Tenant, &token, |claims| claims["aud"] = "https://graph.microsoft.com".into());
    let forged = format!("{}.AAAA", graph.rsplit_once('.').unwrap().0);
    for number in 0..30 {
        let answer = fixture.get_as(&forged, ME).await;
        assert_eq!((answer.status, answer.json()["type"].as_str()), (401, Some("WrongAudienceGraph")), "{number}");
    }
    assert_eq!(fixture.get_as(&forged, ME).await.status, 429);
    assert_eq!(fixture.get_as(&token, ME).await.status, 200, "a valid token is accepted all the same");
}

#[tokio::test]
async fn requests_without_a_bearer_are_answered_alike_and_logged_seldom() {
    let fixture = Fixture::start().await;
    let log = logs::length();
    for number in 0..50 {
        assert_eq!(fixture.send("GET", ME, &[], Vec::new()).await.status, 401, "{number}");
    }
    let lines = logs::complaints_of(&fixture.tag, log);
    assert_eq!(lines.iter().filter(|line| line["check"] == "authorization").count(), 30);
}

#[tokio::test]
async fn an_authorization_header_that_is_no_bearer_counts_as_a_guess() {
    let fixture = Fixture::start().await;
    for number in 0..30 {
        let answer = fixture.send("GET", ME, &[("authorization", "Basic YTpi")], Vec::new()).await;
        assert_eq!(answer.status, 401, "{number}");
    }
    assert_eq!(fixture.send("GET", ME, &[("authorization", "Basic YTpi")], Vec::new()).await.status, 429);
    assert_eq!(fixture.send("GET", ME, &[], Vec::new()).await.status, 401, "no header is no guess");
}
