//! Workload identity federation at the local tenant: which assertions are accepted, and the AADSTS number of each refusal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use crate::dev::test_client::{Fixture, Reply, decode_claims};
use crate::dev::{Signer, WorkloadClaims};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Requests an app token for `client_id`, which authenticates with `assertion`.
async fn request_app_token(fixture: &Fixture, client_id: &str, assertion: &str) -> Reply {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
        ("scope", "https://api.botframework.com/.default"),
    ];
    fixture.form(&fixture.token_url(fixture.tenant()), &fields).await
}

type Change = fn(&mut WorkloadClaims);

async fn workload_assertion(fixture: &Fixture, change: Change) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("assertion");
    let mut claims = fixture.stage.workload_claims();
    change(&mut claims);
    fixture.stage.write_assertion(&file, &claims).await.unwrap();
    std::fs::read_to_string(file).unwrap()
}

#[tokio::test]
async fn a_workloads_assertion_is_accepted_only_as_its_federated_credential_says() {
    let fixture = Fixture::start().await;
    let bot = fixture.stage.directory().bots[0].app_id;
    let good = workload_assertion(&fixture, |_| {}).await;
    let answer = request_app_token(&fixture, bot, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(decode_claims(answer.text_member("access_token"))["appidacr"], "2");
    let seen = fixture.stage.calls().snapshot().requests;
    assert_eq!(seen.back().unwrap().client_proof, Some("federation"));

    let subject = fixture.stage.workload_claims().subject;
    let cases: [(&str, Change, u64); 5] = [
        ("another workload", |claims| claims.subject = "system:serviceaccount:default:other".into(), 700_213),
        ("another case", |claims| claims.subject = claims.subject.to_uppercase(), 7_002_138),
        ("another issuer", |claims| claims.issuer = "https://elsewhere.example".into(), 700_211),
        ("another audience", |claims| claims.audience = "api://something".into(), 700_212),
        ("expired", |claims| claims.lifetime = -600, 700_024),
    ];
    for (case, change, code) in cases {
        let answer = request_app_token(&fixture, bot, &workload_assertion(&fixture, change).await).await;
        assert_eq!(
            (answer.status, answer.text_member("error"), answer.aadsts_number()),
            (401, "invalid_client", code),
            "{case}"
        );
    }
    let forged = fixture
        .stage
        .sign(Signer::Tenant, &json!({"iss": fixture.stage.workload_claims().issuer, "sub": subject, "aud": AUDIENCE, "exp": 4_102_444_800_i64}))
        .unwrap();
    assert_eq!(request_app_token(&fixture, bot, &forged).await.aadsts_number(), 50_012);
    let unfederated = fixture.stage.directory().connections.iter().find(|entry| entry.v1_tokens).unwrap().client_id;
    assert_eq!(request_app_token(&fixture, unfederated, &good).await.aadsts_number(), 70_021);
}

#[tokio::test]
async fn a_managed_identity_authenticates_an_app_that_trusts_its_object_id() {
    let fixture = Fixture::start().await;
    let directory = fixture.stage.directory();
    let bot = directory.bots[0].app_id;
    let [trusted, stranger] = directory.identities.as_slice() else { panic!("two identities") };
    let base = fixture.stage.http_base();
    let metadata = |id: &str| {
        format!("{base}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={AUDIENCE}&client_id={id}")
    };
    assert_eq!(fixture.get(&metadata(trusted.client_id)).await.status, 400, "no Metadata header");
    let unknown = fixture.call("GET", &metadata(fixture.tenant()), &[("Metadata", "true")], "").await;
    assert_eq!((unknown.status, unknown.text_member("error_description")), (400, "Identity not found"));

    let given = fixture.call("GET", &metadata(trusted.client_id), &[("Metadata", "true")], "").await;
    let claims = decode_claims(given.text_member("access_token"));
    assert_eq!((claims["sub"].as_str(), claims["aud"].as_str()), (Some(trusted.object_id), Some(AUDIENCE)));
    assert_eq!(claims["iss"], fixture.stage.v2_issuer(fixture.tenant()));
    assert_eq!(request_app_token(&fixture, bot, given.text_member("access_token")).await.status, 200);

    let url = format!("{base}/msi/token?api-version=2019-08-01&resource={AUDIENCE}&client_id={}", stranger.client_id);
    let other = fixture.call("GET", &url, &[("X-IDENTITY-HEADER", "any")], "").await;
    assert_eq!(request_app_token(&fixture, bot, other.text_member("access_token")).await.aadsts_number(), 700_213);

    let users = fixture.get_exchangeable_token("ada", "graph").await;
    assert_eq!(request_app_token(&fixture, bot, &users).await.aadsts_number(), 700_229);
    let anothers = fixture.stage.sign(Signer::Channel, &claims).unwrap();
    assert_eq!(request_app_token(&fixture, bot, &anothers).await.aadsts_number(), 50_012);
}
