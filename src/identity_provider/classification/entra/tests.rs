#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::domain::{Clock, SystemClock, Timestamp};
use crate::identity_provider::RedeemFailure;
use crate::identity_provider::token_endpoint::{self, TokenAnswer};
use crate::outbound::{Headers, HttpAnswer};

/// Each file of `fixtures/token_endpoint/*.json` holds a response and its expected classification.
fn fixtures() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/token_endpoint");
    let mut fixtures: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        })
        .collect();
    fixtures.sort_by(|one, other| one.0.cmp(&other.0));
    fixtures
}

fn answer_of(fixture: &Value) -> HttpAnswer {
    let answer = &fixture["answer"];
    let body = match &answer["json"] {
        Value::Null => answer["text"].as_str().unwrap().to_owned(),
        json => json.to_string(),
    };
    let headers = answer["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().as_bytes().to_vec()));
    HttpAnswer {
        status: u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
        headers: headers.collect(),
        body: Bytes::from(body),
    }
}

fn outcome_of(failure: &RedeemFailure) -> &'static str {
    match failure {
        RedeemFailure::ConsentRequired => "consent_required",
        RedeemFailure::InteractionRequired { .. } => "interaction_required",
        RedeemFailure::AssertionExpired => "assertion_expired",
        RedeemFailure::AssertionRejected => "assertion_rejected",
        RedeemFailure::Misconfigured => "misconfigured",
        RedeemFailure::Denied => "denied",
        RedeemFailure::Refused => "refused",
        RedeemFailure::Throttled { .. } => "throttled",
        RedeemFailure::Unavailable { .. } => "unavailable",
        RedeemFailure::Transient => "transient",
    }
}

#[test]
fn each_fixture_has_its_expected_classification() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 200);
    for (name, fixture) in fixtures {
        let expect = &fixture["expect"];
        match token_endpoint::read(&answer_of(&fixture), SystemClock.now()) {
            TokenAnswer::Token(token) => {
                assert_eq!(expect["outcome"], "token", "{name}");
                assert_eq!(token.lifetime, Duration::from_secs(expect["expires_in"].as_u64().unwrap()), "{name}");
                assert_eq!(token.scope.as_deref(), expect["scope"].as_str(), "{name}");
            }
            TokenAnswer::Unusable(hint) | TokenAnswer::NoAccessToken(hint) => {
                assert_eq!(expect["outcome"], "transient", "{name}");
                assert!(!hint.is_empty());
            }
            TokenAnswer::Refusal(refusal) => check_refusal(&name, expect, &classify(&refusal)),
        }
    }
}

fn check_refusal(name: &str, expect: &Value, verdict: &Classification) {
    let RedeemError { failure, diagnostics } = &verdict.error;
    assert_eq!(expect["outcome"], outcome_of(failure), "{name}");
    assert_eq!(diagnostics.aadsts.map(u64::from), expect["aadsts"].as_u64(), "{name}");
    assert!(!diagnostics.hint.is_empty(), "{name}");
    match failure {
        RedeemFailure::InteractionRequired { claims } => {
            assert_eq!(claims.as_deref(), expect["claims"].as_str(), "{name}");
        }
        RedeemFailure::Throttled { retry_after } => {
            assert_eq!(retry_after.map(|wait| wait.as_secs()), expect["retry_after"].as_u64(), "{name}");
        }
        RedeemFailure::Unavailable { retry_after } => {
            assert_eq!(Some(retry_after.as_secs()), expect["retry_after"].as_u64(), "{name}");
        }
        _ => {}
    }
}

#[test]
fn each_number_in_the_table_has_a_fixture_and_occurs_once() {
    let mut seen = BTreeMap::new();
    for (code, _, hint) in BY_CODE {
        *seen.entry(code).or_insert(0) += 1;
        assert!(hint.len() > 10, "{code}");
    }
    let names: Vec<String> = fixtures().into_iter().map(|(name, _)| name).collect();
    for (code, times) in seen {
        assert_eq!(times, 1, "{code}");
        assert!(names.contains(&format!("aadsts_{code}")), "no fixture for {code}");
    }
    assert!(OTHER_CREDENTIAL_MAY_SERVE.iter().all(|code| BY_CODE.iter().any(|row| row.0 == *code)));
}

#[test]
fn temporary_faults_are_retried_and_final_errors_are_not() {
    let verdict = |status: u16, code: u32| {
        classify(&EndpointRefusal {
            status,
            codes: vec![code],
            error: Some("invalid_grant".into()),
            ..EndpointRefusal::default()
        })
    };
    assert!(verdict(400, 90033).retry, "a temporary fault with status 400");
    assert!(verdict(503, 0).retry);
    assert!(!verdict(400, 50000).retry);
    assert!(!verdict(400, 65001).retry);
    assert!(!verdict(429, 0).retry);
    assert!(verdict(429, 90055).tenant_wide && verdict(400, 90055).tenant_wide);
    assert!(!verdict(429, 50196).tenant_wide);
    assert!(verdict(401, 7_000_222).wants_other_credential());
    for code in [700_016, 700_025, 65_001, 50_013] {
        assert!(!verdict(401, code).wants_other_credential(), "{code}: the next one would be refused as well");
    }
    assert!(verdict(401, 700_024).wants_new_assertion() && verdict(401, 700_024).wants_other_credential());
    assert!(!verdict(401, 700_027).wants_new_assertion());
}

#[test]
fn rejected_client_assertion_is_a_misconfiguration() {
    let refused_as = |error: &str| {
        classify(&EndpointRefusal {
            status: 400,
            codes: vec![50_027],
            error: Some(error.into()),
            ..EndpointRefusal::default()
        })
    };
    assert_eq!(refused_as("invalid_grant").error.failure, RedeemFailure::AssertionRejected);
    assert_eq!(refused_as("invalid_client").error.failure, RedeemFailure::Misconfigured);
}

#[test]
fn diagnostics_hold_no_free_text_of_the_response() {
    let refusal = HttpAnswer {
        status: 400,
        headers: Headers::default(),
        body: Bytes::from_static(
            br#"{"error":"eyJ0eXAi.eyJh.c2ln","suberror":"a b","trace_id":"x\r\ny","error_description":"secret words"}"#,
        ),
    };
    let TokenAnswer::Refusal(refusal) = token_endpoint::read(&refusal, SystemClock.now()) else { panic!("a refusal") };
    let diagnostics = *classify(&refusal).error.diagnostics;
    assert_eq!((diagnostics.error, diagnostics.suberror, diagnostics.trace_id), (None, None, None));
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z_]{0,20}".prop_map(Value::from),
        "AADSTS[0-9]{0,12}.{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn arbitrary_body() -> impl Strategy<Value = Vec<u8>> {
    const MEMBERS: [&str; 12] = [
        "error",
        "suberror",
        "error_description",
        "error_codes",
        "claims",
        "trace_id",
        "access_token",
        "token_type",
        "expires_in",
        "expires_on",
        "scope",
        "client_info",
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::hash_map(proptest::sample::select(&MEMBERS[..]), arbitrary_json(), 0..8).prop_map(
            |members| {
                let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                Value::Object(members).to_string().into_bytes()
            }
        ),
    ]
}

proptest! {
    #[test]
    fn each_response_gets_a_class(
        status in prop_oneof![0_u16..=999, Just(200), Just(400), Just(401), Just(429), Just(503)],
        retry_after in proptest::option::of(any::<String>()),
        body in arbitrary_body(),
    ) {
        let headers = retry_after.map(|value| ("Retry-After".to_owned(), value.into_bytes()));
        let answer = HttpAnswer { status, headers: headers.into_iter().collect(), body: Bytes::from(body) };
        match token_endpoint::read(&answer, Timestamp::from_unix_seconds(1_800_000_000)) {
            TokenAnswer::Token(token) => {
                prop_assert!((200..300).contains(&status));
                prop_assert!(!token.lifetime.is_zero() && token.lifetime <= Duration::from_hours(28));
                prop_assert!(token.access_token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
            }
            TokenAnswer::Unusable(_) | TokenAnswer::NoAccessToken(_) => prop_assert!((200..300).contains(&status)),
            TokenAnswer::Refusal(refusal) => {
                let failure = classify(&refusal).error.failure;
                if status >= 500 {
                    let outage = matches!(
                        failure,
                        RedeemFailure::Transient | RedeemFailure::Unavailable { .. } | RedeemFailure::Throttled { .. }
                    );
                    prop_assert!(outage, "a card for an outage");
                }
            }
        }
    }
}
