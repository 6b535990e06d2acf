//! The credentials with which connections authenticate at the token endpoint: each kind signs a user in, and each
//! refusal is logged for the operator.

use std::path::PathBuf;
use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind, LoggedTokenRequest, WorkloadClaims};
use serde_json::Value;

use crate::harness::{Answer, Harness, Options, activities, logs, write_private};

/// A stranger's certificate: the tenant has not registered it.
const STRANGERS_CERTIFICATE: &str = include_str!("../../fixtures/credentials/client-certificate.pem");
const STRANGERS_KEY: &str = include_str!("../../fixtures/credentials/client-key.pem");

/// A case's name, its change of the assertion, and the AADSTS number and hint that the operator reads.
type Case = (&'static str, fn(&mut WorkloadClaims), Option<u64>, &'static str);

async fn exchange(harness: &Harness, user: &str, id: &str) -> Answer {
    let token = harness.user_token(user, "graph").await;
    harness.post(&activities::exchange(harness, &harness.user(user), id, &token)).await
}

/// Restarts the application with these credentials.
async fn use_credentials(harness: &mut Harness, credentials: impl Into<String>) {
    let environment = identity_endpoint(harness);
    harness.restart(&Options { credentials: credentials.into(), environment, ..Options::default() }).await;
}

fn identity_endpoint(harness: &Harness) -> Vec<(String, String)> {
    let endpoint = format!("{}/msi/token", harness.stage.http_base());
    vec![("IDENTITY_ENDPOINT".to_owned(), endpoint), ("IDENTITY_HEADER".to_owned(), "of this machine".to_owned())]
}

fn own_certificate(harness: &Harness, more: &str) -> String {
    let own = harness.stage.client_certificate();
    let (file, key) = (own.certificate_file.display(), own.key_file.display());
    format!("{{ certificate = {{ file = \"{file}\", key_file = \"{key}\"{more} }} }}")
}

fn strangers_certificate(harness: &Harness) -> String {
    let both = harness.directory.path().join("stranger.pem");
    write_private(&both, &format!("{STRANGERS_CERTIFICATE}{STRANGERS_KEY}"));
    format!("{{ certificate = {{ file = \"{}\" }} }}", both.display())
}

fn own_secret(harness: &Harness) -> String {
    format!("{{ secret = {{ file = \"{}\" }} }}", harness.directory.path().join("demo-graph.secret").display())
}

fn wrong_secret(harness: &Harness) -> String {
    let file = harness.directory.path().join("wrong.secret");
    write_private(&file, "a secret that was withdrawn");
    format!("{{ secret = {{ file = \"{}\" }} }}", file.display())
}

fn managed_identity(harness: &Harness, name: &str) -> String {
    let identities = &harness.stage.directory().identities;
    let identity = identities.iter().find(|identity| identity.name == name).unwrap();
    format!("{{ managed_identity = {{ client_id = \"{}\" }} }}", identity.client_id)
}

async fn assertion_file(harness: &Harness, change: impl FnOnce(&mut WorkloadClaims)) -> PathBuf {
    let file = harness.directory.path().join("assertion.jwt");
    let mut claims = harness.stage.workload_claims();
    change(&mut claims);
    harness.stage.write_assertion(&file, &claims).await.unwrap();
    file
}

fn as_assertion(file: &std::path::Path) -> String {
    format!("{{ assertion_file = \"{}\" }}", file.display())
}

fn exchanges(harness: &Harness) -> Vec<LoggedTokenRequest> {
    let seen = harness.stage.calls().snapshot().requests;
    seen.into_iter().filter(|request| request.grant == GrantKind::OnBehalfOf).collect()
}

/// Asserts the log line about an exchange that only the operator can repair.
#[track_caller]
fn misconfiguration_log_line(case: &str, answer: &Answer) -> Value {
    assert_eq!(answer.status, 400, "{case}: {}", answer.detail());
    assert!(answer.detail().starts_with("misconfigured:"), "{case}: {}", answer.detail());
    let mut lines = logs::lines_of(&answer.correlation_id());
    lines.retain(|line| line["message"] == "an exchange was refused");
    assert_eq!(lines.len(), 1, "{case}: {lines:?}");
    lines.remove(0)
}

#[track_caller]
fn assert_misconfiguration_logged(case: &str, answer: &Answer, aadsts: Option<u64>, hint: &str) {
    let line = misconfiguration_log_line(case, answer);
    assert_eq!(line["aadsts"].as_u64(), aadsts, "{case}: {line}");
    assert!(line["hint"].as_str().unwrap().contains(hint), "{case}: {line}");
}

#[tokio::test]
async fn every_kind_of_certificate_credential_signs_a_user_in() {
    let mut harness = Harness::start().await;
    for (user, more) in [("Ada", ""), ("Ben", ", algorithm = \"RS256\""), ("Gus", ", send_chain = true")] {
        let credential = own_certificate(&harness, more);
        use_credentials(&mut harness, credential).await;
        let answer = exchange(&harness, user, "x").await;
        assert_eq!(answer.status, 200, "{more}: {}", answer.detail());
        assert_eq!(exchanges(&harness).last().unwrap().client_proof, Some("certificate"), "{more}");
    }
}

#[tokio::test]
async fn a_workload_identity_assertion_and_a_managed_identity_sign_a_user_in() {
    let mut harness = Harness::start().await;
    let file = assertion_file(&harness, |_| {}).await;
    use_credentials(&mut harness, as_assertion(&file)).await;
    assert_eq!(exchange(&harness, "Ada", "x").await.status, 200);
    assert_eq!(exchanges(&harness).last().unwrap().client_proof, Some("federation"));

    let identity = managed_identity(&harness, "gateway");
    use_credentials(&mut harness, identity.clone()).await;
    for user in ["Ben", "Gus"] {
        assert_eq!(exchange(&harness, user, "y").await.status, 200);
        assert_eq!(exchanges(&harness).last().unwrap().client_proof, Some("federation"));
    }
    assert_eq!(harness.stage.calls().snapshot().managed_identity, 1, "its token is kept for the next user");
}

#[tokio::test]
async fn the_instance_metadata_service_is_called_when_the_environment_names_no_identity_endpoint() {
    let mut harness = Harness::start().await;
    let host = ("AZURE_POD_IDENTITY_AUTHORITY_HOST".to_owned(), harness.stage.http_base());
    let credentials = managed_identity(&harness, "gateway");
    harness.restart(&Options { credentials, environment: vec![host], ..Options::default() }).await;
    assert_eq!(exchange(&harness, "Ada", "x").await.status, 200);
    assert_eq!(harness.stage.calls().snapshot().managed_identity, 1);
}

#[tokio::test]
async fn a_refused_certificate_is_logged_for_the_operator() {
    let mut harness = Harness::start().await;
    let stranger = strangers_certificate(&harness);
    use_credentials(&mut harness, stranger).await;
    let answer = exchange(&harness, "Ada", "x").await;
    assert_misconfiguration_logged(
        "a certificate nobody registered",
        &answer,
        Some(700_027),
        "upload the current certificate",
    );
    assert_eq!(harness.exchanges(), 1);

    // The audience of the assertion is exactly the configured address, which here is an alias of the tenant's.
    let (http, v2) = (harness.stage.http_base(), harness.stage.v2_issuer("{tenantid}"));
    let alias = format!(
        "[identity_providers.alias]\nauthority = \"{http}\"\nissuer = \"{v2}\"\nallow_insecure_http = true\n\
         jwks_url = \"{http}/common/discovery/v2.0/keys\"\ntoken_endpoint = \"{http}/{{tenant}}/oauth2/v2.0/token?alias\"\n"
    );
    let options = Options {
        credentials: own_certificate(&harness, ""),
        connection: "identity_provider = \"alias\"".to_owned(),
        appended: alias,
        ..Options::default()
    };
    harness.restart(&options).await;
    let answer = exchange(&harness, "Ada", "y").await;
    assert_misconfiguration_logged("an alias", &answer, Some(700_023), "not an alias");
}

#[tokio::test]
async fn a_refused_federated_assertion_is_logged_with_the_reason() {
    let mut harness = Harness::start().await;
    let file = assertion_file(&harness, |_| {}).await;
    use_credentials(&mut harness, as_assertion(&file)).await;
    let cases: [Case; 4] = [
        ("subject", |claims| claims.subject = "somebody".into(), Some(700_213), "presented subject"),
        ("issuer", |claims| claims.issuer = "https://elsewhere.example".into(), Some(700_211), "presented issuer"),
        ("audience", |claims| claims.audience = "api://something".into(), Some(700_212), "presented audience"),
        ("expired", |claims| claims.lifetime = -10, None, "has expired"),
    ];
    for (case, change, aadsts, hint) in cases {
        assertion_file(&harness, change).await;
        assert_misconfiguration_logged(case, &exchange(&harness, "Ada", case).await, aadsts, hint);
    }
    let users = harness.user_token("Ada", "graph").await;
    std::fs::write(&file, users).unwrap();
    let answer = exchange(&harness, "Ada", "swapped").await;
    assert_misconfiguration_logged("a user's token", &answer, Some(700_229), "a user's token was presented");
    std::fs::write(&file, "nonsense").unwrap();
    assert_misconfiguration_logged(
        "nonsense",
        &exchange(&harness, "Ada", "nonsense").await,
        None,
        "holds no JWT with an exp",
    );

    let calls = harness.exchanges();
    std::fs::remove_file(&file).unwrap();
    assert_misconfiguration_logged("no file", &exchange(&harness, "Ada", "none").await, None, "cannot be read");
    assert_eq!(harness.exchanges(), calls, "nothing was presented");
    assertion_file(&harness, |_| {}).await;
    assert_eq!(
        exchange(&harness, "Ada", "in the end").await.status,
        200,
        "the file counts as it is, without a restart"
    );
}

#[tokio::test]
async fn the_log_distinguishes_an_untrusted_managed_identity_from_a_missing_one() {
    let mut harness = Harness::start().await;
    let stranger = managed_identity(&harness, "stranger");
    use_credentials(&mut harness, stranger).await;
    assert_misconfiguration_logged(
        "not trusted",
        &exchange(&harness, "Ada", "x").await,
        Some(700_213),
        "presented subject",
    );
    use_credentials(&mut harness, "{ managed_identity = { client_id = \"66666666-6666-4666-8666-666666666666\" } }")
        .await;
    assert_misconfiguration_logged(
        "not there",
        &exchange(&harness, "Ada", "y").await,
        None,
        "assigned to this machine",
    );
}

#[tokio::test]
async fn the_next_credential_is_used_after_a_refusal_and_is_then_tried_first() {
    let mut harness = Harness::start().await;
    let file = assertion_file(&harness, |claims| claims.subject = "somebody".into()).await;
    let wrong = [
        ("a secret", wrong_secret(&harness)),
        ("a certificate", strangers_certificate(&harness)),
        ("an assertion", as_assertion(&file)),
        ("an identity", managed_identity(&harness, "stranger")),
    ];
    for ((case, wrong), (first, second)) in
        wrong.into_iter().zip([("Ada", "Ben"), ("Gus", "Ada"), ("Ben", "Gus"), ("Ada", "Ben")])
    {
        let mut harness = Harness::start().await;
        let right = own_certificate(&harness, "");
        use_credentials(&mut harness, format!("{wrong}, {right}")).await;
        let logged = logs::length();
        assert_eq!(exchange(&harness, first, "x").await.status, 200, "{case}");
        assert_eq!(harness.exchanges(), 2, "{case}: each credential once");
        assert_eq!(exchange(&harness, second, "y").await.status, 200, "{case}");
        assert_eq!(harness.exchanges(), 3, "{case}: the one that served is asked first");
        let logged = logs::since(logged);
        let line = logged.lines().find(|line| line.contains("a client credential was refused")).unwrap();
        assert!(line.contains("\"level\":\"WARN\"") && line.contains("\"aadsts\":70"), "{case}: {line}");
    }
    assert!(!logs::text().contains("a secret that was withdrawn"));
    let (wrong, right) = (wrong_secret(&harness), own_secret(&harness));
    use_credentials(&mut harness, format!("{wrong}, {right}")).await;
    assert_eq!(exchange(&harness, "Ada", "z").await.status, 200, "two secrets: the present one and the next");
}

#[tokio::test]
async fn an_expired_assertion_causes_no_call_and_the_next_credential_is_used() {
    let mut harness = Harness::start().await;
    let file = assertion_file(&harness, |claims| claims.lifetime = -10).await;
    let right = own_secret(&harness);
    use_credentials(&mut harness, format!("{}, {right}", as_assertion(&file))).await;
    assert_eq!(exchange(&harness, "Ada", "x").await.status, 200);
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn a_refusal_unrelated_to_the_credential_does_not_try_the_next_credential() {
    let mut harness = Harness::start().await;
    let (certificate, secret) = (own_certificate(&harness, ""), own_secret(&harness));
    use_credentials(&mut harness, format!("{certificate}, {secret}")).await;
    let refusals = [
        ("unauthorized_client", 700_016),
        ("invalid_grant", 65_001),
        ("invalid_grant", 50_057),
        ("invalid_scope", 70_011),
    ];
    for (index, (error, code)) in refusals.into_iter().enumerate() {
        harness.stage.faults().add(FaultRule::new(refusal(error, code)).times(1));
        let answer = exchange(&harness, "Ada", &format!("x{index}")).await;
        assert_ne!(answer.status, 200, "{code}");
        assert_eq!(harness.exchanges(), u64::try_from(index).unwrap() + 1, "{code}: asked once");
    }
}

#[tokio::test]
async fn an_assertion_refused_for_its_times_is_built_anew_once() {
    let mut harness = Harness::start().await;
    let certificate = own_certificate(&harness, "");
    use_credentials(&mut harness, certificate.clone()).await;
    harness.stage.faults().add(FaultRule::new(refusal("invalid_client", 700_024)).times(1));
    let logged = logs::length();
    assert_eq!(exchange(&harness, "Ada", "x").await.status, 200);
    assert_eq!(harness.exchanges(), 2);
    assert!(logs::since(logged).contains("seconds_ahead"), "the clocks are compared in the log");

    harness.stage.faults().add(FaultRule::new(refusal("invalid_client", 700_024)).times(2));
    assert_misconfiguration_logged(
        "again",
        &exchange(&harness, "Ben", "y").await,
        Some(700_024),
        "this machine's clock",
    );
    assert_eq!(harness.exchanges(), 4, "once, not for ever");

    let secret = own_secret(&harness);
    use_credentials(&mut harness, format!("{certificate}, {secret}")).await;
    harness.stage.faults().add(FaultRule::new(refusal("invalid_client", 700_024)).times(2));
    assert_eq!(exchange(&harness, "Ben", "z").await.status, 200);
    assert_eq!(exchanges(&harness).last().unwrap().client_proof, Some("secret"), "then the next credential serves");
}

fn refusal(error: &str, code: u32) -> Fault {
    Fault::Answer {
        status: 401,
        content_type: "application/json".to_owned(),
        body: serde_json::json!({"error": error, "error_codes": [code]}).to_string(),
    }
}

#[tokio::test]
async fn a_replaced_assertion_file_is_used_at_the_next_sign_in() {
    let mut harness = Harness::start().await;
    let file = assertion_file(&harness, |_| {}).await;
    use_credentials(&mut harness, as_assertion(&file)).await;
    assert_eq!(exchange(&harness, "Ada", "x").await.status, 200);
    harness.clock.advance(Duration::from_secs(3700));
    assert_misconfiguration_logged("over", &exchange(&harness, "Ben", "y").await, None, "has expired");
    assertion_file(&harness, |_| {}).await;
    assert_eq!(exchange(&harness, "Ben", "z").await.status, 200);
    assert!(!logs::text().contains(std::fs::read_to_string(&file).unwrap().trim()));
}
