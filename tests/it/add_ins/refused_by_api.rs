use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::api::{Api, answer, unauthorized};
use super::fixture::{Fixture, ME, USER_DATA};
use crate::harness::logs;

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

#[tokio::test]
async fn a_kept_token_that_the_api_refuses_is_dropped_and_the_call_is_made_again() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    assert_eq!(fixture.get_as(&token, ME).await.status, 200);
    fixture.api.answer_next(unauthorized(""));
    let log = logs::length();
    let answer = fixture.get_as(&token, ME).await;
    assert_eq!((answer.status, answer.json(), fixture.exchanges()), (200, Api::ada(), 2));
    let calls = fixture.api.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].bearer(), calls[1].bearer());
    assert_ne!(calls[1].bearer(), calls[2].bearer());
    assert!(
        logs::complaints_of(&fixture.tag, log)
            .iter()
            .any(|line| line["message"].as_str().unwrap().contains("refused a user's token"))
    );
    assert_eq!(fixture.get_as(&token, ME).await.status, 200);
    assert_eq!(fixture.exchanges(), 2, "the new token is kept");
}

#[tokio::test]
async fn a_new_token_that_the_api_refuses_too_is_the_apis_last_word_in_both_conventions() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for path in [ME, USER_DATA] {
        let calls = fixture.api.calls().len();
        fixture.api.answer_next(unauthorized(""));
        fixture.api.answer_next(unauthorized("Bearer"));
        let answer = fixture.get_as(&token, path).await;
        assert_eq!((answer.status, answer.json()["type"].as_str()), (403, Some("Microsoft Graph")), "{path}");
        assert_eq!(fixture.api.calls().len(), calls + 2, "{path}");
        let exchanges = fixture.exchanges();
        assert_eq!(fixture.get_as(&token, path).await.status, 200, "{path}");
        assert_eq!(fixture.exchanges(), exchanges, "{path}: the new token is kept");
    }
}

#[tokio::test]
async fn what_the_api_answers_to_a_new_token_comes_to_the_pane() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for path in [ME, USER_DATA] {
        fixture.api.answer_next(unauthorized(""));
        fixture.api.answer_next(answer("403 Forbidden", "", "{\"error\":{\"code\":\"accessDenied\"}}"));
        let answer = fixture.get_as(&token, path).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (403, Some("accessDenied")), "{path}");
    }
}

#[tokio::test]
async fn claims_that_the_api_demands_come_to_the_pane_unchanged() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let encoded = format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(CLAIMS));
    let escaped = format!("Bearer error=\"insufficient_claims\", claims=\"{}\"", CLAIMS.replace('"', "\\\""));
    for challenge in [&encoded, &escaped] {
        let exchanges = fixture.exchanges();
        fixture.api.answer_next(unauthorized(challenge));
        let answer = fixture.get_as(&token, ME).await;
        assert_eq!((answer.status, answer.json()["claims"].as_str()), (401, Some(CLAIMS)), "{challenge}");
        assert_eq!(answer.json()["type"], "ClaimsChallenge");
        let expected = format!("Bearer error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(CLAIMS));
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        assert_eq!(fixture.exchanges(), exchanges + 1);
        assert_eq!(fixture.get_as(&token, ME).await.status, 200);
        assert_eq!(fixture.exchanges(), exchanges + 2, "the challenged token is not kept");
        fixture.api.answer_next(unauthorized(challenge));
        let inline = fixture.get_as(&token, USER_DATA).await;
        assert_eq!((inline.status, inline.json()["claims"].as_str()), (200, Some(CLAIMS)), "{challenge}");
        assert!(inline.json()["error"].is_string(), "{challenge}");
    }
    fixture.api.answer_next(unauthorized(""));
    fixture.api.answer_next(unauthorized(&encoded));
    assert_eq!(fixture.get_as(&token, ME).await.json()["claims"], CLAIMS, "by the second call");
    let exchanges = fixture.exchanges();
    assert_eq!(fixture.get_as(&token, ME).await.status, 200);
    assert_eq!(fixture.exchanges(), exchanges + 1, "a new token without the claims is not kept");
}

#[tokio::test]
async fn a_short_body_is_sent_again_with_the_new_token() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    fixture.api.answer_next(unauthorized(""));
    let answer = fixture.call_as(&token, "POST", ME, &[("content-type", "text/plain")], b"hello".to_vec()).await;
    assert_eq!(answer.status, 200);
    let calls = fixture.api.calls();
    assert_eq!((calls.len(), calls[0].body.as_str(), calls[1].body.as_str()), (2, "hello", "hello"));
    assert_eq!(calls[1].header("content-type"), Some("text/plain"));
}

#[tokio::test]
async fn a_long_body_has_to_come_again_because_it_is_gone() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let body = "a".repeat(200 * 1024);
    fixture.api.answer_next(unauthorized(""));
    let answer = fixture.call_as(&token, "POST", ME, &[], body.clone().into_bytes()).await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("RepeatRequest")));
    assert_eq!(answer.header("retry-after"), Some("1"));
    let again = fixture.call_as(&token, "POST", ME, &[], body.clone().into_bytes()).await;
    assert_eq!((again.status, fixture.exchanges()), (200, 2));
    assert!(fixture.api.calls().iter().all(|call| call.body == body), "the body is sent on whole");
}
