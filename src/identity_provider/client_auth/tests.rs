#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::*;
use crate::domain::{Clock, OffsetClock, SystemEntropy};
use crate::outbound::Outbound;

const CERTIFICATE: &[u8] = include_bytes!("../../../fixtures/credentials/client-certificate.pem");
const KEY: &[u8] = include_bytes!("../../../fixtures/credentials/client-key.pem");
/// `openssl x509 -outform der | openssl dgst -sha256 -binary`, base64url.
const SHA256_OF_CERTIFICATE: &str = "wOevZO2IMFEFfHPUIZbx7wVHCglxw6LGGolAUwiC-A8";
/// The same with `-sha1`.
const SHA1_OF_CERTIFICATE: &str = "T567oUI6peqV_BDWjULQwjwUsiM";
const ENDPOINT: &str = "https://login.example/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token";

struct Ground {
    clock: Arc<OffsetClock>,
    shared_clock: SharedClock,
    entropy: SharedEntropy,
    endpoint: Url,
}

impl Ground {
    fn new() -> Self {
        let clock = Arc::new(OffsetClock::default());
        Self {
            shared_clock: clock.clone(),
            clock,
            entropy: Arc::new(SystemEntropy),
            endpoint: Url::parse(ENDPOINT).unwrap(),
        }
    }

    async fn prove(&self, credential: &ClientCredential) -> Result<String, Classification> {
        let request = ProofRequest {
            client_id: "client-1",
            token_endpoint: &self.endpoint,
            clock: &self.shared_clock,
            entropy: &self.entropy,
            deadline: Instant::now() + Duration::from_secs(8),
        };
        credential.prove(&request).await.map(|proof| proof.fields().last().unwrap().value.to_owned())
    }

    async fn refusal(&self, credential: &ClientCredential) -> (RedeemFailure, &'static str) {
        let verdict = self.prove(credential).await.unwrap_err();
        assert!(verdict.wants_other_credential(), "the next one may serve");
        (verdict.error.failure, verdict.error.diagnostics.hint)
    }
}

fn certificate(send_chain: bool, algorithm: AssertionAlgorithm) -> ClientCredential {
    let chain = [CertificateDer::from_pem_slice(CERTIFICATE).unwrap().to_vec(), b"its issuer".to_vec()];
    let key = EncodingKey::from_rsa_pem(KEY).unwrap();
    ClientCredential::Certificate(Arc::new(ClientCertificate::new(key, &chain, send_chain, algorithm)))
}

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// The claims, if the fixture's key has signed them with `algorithm`.
fn verified(token: &str, algorithm: Algorithm) -> Value {
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(
        rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(KEY).unwrap().secret_pkcs8_der(),
    )
    .unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair);
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[ENDPOINT]);
    validation.set_issuer(&["client-1"]);
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_rsa_der(public.as_ref()), &validation).unwrap().claims
}

#[test]
fn trailing_line_break_is_not_part_of_the_secret() {
    let proof = Proof::Secret(Secret::from("s3cret \r\n"));
    let fields: Vec<_> = proof.fields().iter().map(|field| (field.name, field.value)).collect();
    assert_eq!(fields, [("client_secret", "s3cret ")]);
}

#[tokio::test]
async fn ps256_assertion_names_the_certificate_by_its_sha_256_thumbprint_only() {
    let ground = Ground::new();
    let token = ground.prove(&certificate(false, AssertionAlgorithm::Ps256)).await.unwrap();
    assert_eq!(header_of(&token), json!({"typ": "JWT", "alg": "PS256", "x5t#S256": SHA256_OF_CERTIFICATE}));
    let claims = verified(&token, Algorithm::PS256);
    let now = ground.clock.now().unix_seconds();
    let number = |name: &str| claims[name].as_i64().unwrap();
    assert!((now - 2..=now).contains(&number("iat")) && number("nbf") == number("iat"), "{claims}");
    assert_eq!(number("exp") - number("iat"), 600);
    assert_eq!((claims["sub"].as_str(), claims["aud"].as_str()), (Some("client-1"), Some(ENDPOINT)));
    assert_eq!(claims.as_object().unwrap().len(), 7, "{claims}");

    let again = ground.prove(&certificate(false, AssertionAlgorithm::Ps256)).await.unwrap();
    assert_ne!(verified(&again, Algorithm::PS256)["jti"], claims["jti"], "each try has an id of its own");
}

#[tokio::test]
async fn rs256_assertion_holds_both_thumbprints_and_the_chain_if_configured() {
    let ground = Ground::new();
    let token = ground.prove(&certificate(true, AssertionAlgorithm::Rs256)).await.unwrap();
    let header = header_of(&token);
    assert_eq!((&header["alg"], &header["x5t"]), (&json!("RS256"), &json!(SHA1_OF_CERTIFICATE)));
    assert_eq!(header["x5t#S256"], SHA256_OF_CERTIFICATE);
    let own = STANDARD.encode(CertificateDer::from_pem_slice(CERTIFICATE).unwrap());
    assert_eq!(header["x5c"], json!([own, STANDARD.encode("its issuer")]));
    verified(&token, Algorithm::RS256);
    assert!(!format!("{:?}", certificate(true, AssertionAlgorithm::Rs256)).contains("PRIVATE"));
}

/// A token with an invalid signature and this expiry.
#[tokio::test]
async fn assertion_has_the_configured_audience_and_key_id() {
    let chain = [CertificateDer::from_pem_slice(CERTIFICATE).unwrap().to_vec()];
    let key = EncodingKey::from_rsa_pem(KEY).unwrap();
    let certificate = ClientCertificate::new(key, &chain, false, AssertionAlgorithm::Ps256)
        .with_audience(Some("https://issuer.example".to_owned()))
        .with_key_id(Some("key-1".to_owned()));
    let token = Ground::new().prove(&ClientCredential::Certificate(Arc::new(certificate))).await.unwrap();
    let expected = json!({"typ": "JWT", "alg": "PS256", "kid": "key-1", "x5t#S256": SHA256_OF_CERTIFICATE});
    assert_eq!(header_of(&token), expected);
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["aud"], "https://issuer.example");
}

fn assertion(name: &str, exp: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({"alg": "RS256", "typ": "JWT"})), part(json!({"sub": name, "exp": exp})))
}

#[tokio::test]
async fn assertion_file_is_read_again_when_it_changes_and_before_the_assertion_expires() {
    let ground = Ground::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("assertion");
    let credential =
        ClientCredential::AssertionFile(Arc::new(AssertionFile::new(path.clone(), ground.shared_clock.clone())));
    assert!(ground.refusal(&credential).await.1.contains("cannot be read"));

    let in_an_hour = ground.clock.now().unix_seconds() + 3600;
    let put = |path: &Path, text: &str, seconds: u64| {
        std::fs::write(path, text).unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    };
    let (first, second) = (assertion("one", in_an_hour), assertion("two", in_an_hour));
    put(&path, &format!("{first}\n"), 1000);
    assert_eq!(ground.prove(&credential).await.unwrap(), first);
    put(&path, &format!("{second}\n"), 1000);
    assert_eq!(ground.prove(&credential).await.unwrap(), first, "neither time nor length has changed");
    assert!(credential.renew());
    assert_eq!(ground.prove(&credential).await.unwrap(), second, "unless the issuer refused it for its age");
    put(&path, &first, 2000);
    assert_eq!(ground.prove(&credential).await.unwrap(), first);

    put(&path, &second, 2000);
    ground.clock.advance(Duration::from_mins(56));
    assert_eq!(ground.prove(&credential).await.unwrap(), second, "five minutes before its end it is read again");
    ground.clock.advance(Duration::from_mins(5));
    assert!(ground.refusal(&credential).await.1.contains("has expired"));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ground.refusal(&credential).await.0, RedeemFailure::Misconfigured);
    for nonsense in ["", "not a token", "a.b.c", &assertion("x", 0).replace("ImV4cCI", "ImV4cSI")] {
        std::fs::write(&path, nonsense).unwrap();
        assert_eq!(ground.refusal(&credential).await.0, RedeemFailure::Misconfigured, "{nonsense}");
    }
}

#[tokio::test]
async fn the_last_assertion_serves_to_its_end_while_the_file_is_away_or_half_written() {
    let ground = Ground::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("assertion");
    let credential =
        ClientCredential::AssertionFile(Arc::new(AssertionFile::new(path.clone(), ground.shared_clock.clone())));
    let now = ground.clock.now().unix_seconds();
    let first = assertion("one", now + 3600);
    std::fs::write(&path, &first).unwrap();
    assert_eq!(ground.prove(&credential).await.unwrap(), first);
    let outdated = assertion("of yesterday", now - 60);
    for text in [None, Some(""), Some(&first[..20]), Some("no token"), Some(outdated.as_str())] {
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        assert_eq!(ground.prove(&credential).await.unwrap(), first, "{text:?}");
    }
    ground.clock.advance(Duration::from_mins(59));
    assert_eq!(ground.prove(&credential).await.unwrap(), first, "to its end");
    ground.clock.advance(Duration::from_mins(2));
    let ended = ground.prove(&credential).await.unwrap_err();
    assert_eq!(ended.error.failure, RedeemFailure::Misconfigured);
    assert!(ended.retry, "the file may be written at this moment");
    let second = assertion("two", now + 7200);
    std::fs::write(&path, &second).unwrap();
    assert_eq!(ground.prove(&credential).await.unwrap(), second);
}

/// An identity endpoint that counts its calls.
#[derive(Default)]
struct Machine {
    calls: AtomicUsize,
    status: AtomicUsize,
}

async fn give(request: HttpRequest, machine: web::Data<Arc<Machine>>) -> HttpResponse {
    let call = machine.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    match machine.status.load(Ordering::SeqCst) {
        0 => HttpResponse::Ok().json(json!({
            "access_token": format!("{call}?{}#{}{}", request.query_string(), header("metadata"), header("x-identity-header")),
            "expires_in": "3600",
        })),
        status => HttpResponse::build(actix_web::http::StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap())
            .json(json!({"error": "invalid_request", "error_description": "Identity not found"})),
    }
}

fn machine() -> (Arc<Machine>, Url) {
    let machine = Arc::<Machine>::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/token", listener.local_addr().unwrap())).unwrap();
    let shared = web::Data::new(machine.clone());
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(give)));
    tokio::spawn(server.workers(1).listen(listener).unwrap().disable_signals().run());
    (machine, url)
}

fn federated(endpoint: IdentityEndpoint, clock: &SharedClock) -> ClientCredential {
    let outbound = Outbound::for_single_host(endpoint.url(), Duration::from_secs(1)).unwrap();
    let identity = Arc::new(ManagedIdentity::new(endpoint, "identity-1".into(), outbound, clock.clone()));
    ClientCredential::FederatedIdentity(Arc::new(FederatedIdentity::new(identity, "api://Exchange".into())))
}

#[actix_web::test]
async fn concurrent_callers_share_one_fetch_of_a_managed_identity_assertion() {
    let ground = Ground::new();
    let (machine, url) = machine();
    let credential = federated(IdentityEndpoint::InstanceMetadata { url }, &ground.shared_clock);
    let calls = || machine.calls.load(Ordering::SeqCst);
    // All twenty callers wait before the runtime starts the fetch.
    let asked: Vec<_> = (0..20).map(|_| ground.prove(&credential)).collect();
    for outcome in futures_util::future::join_all(asked).await {
        let expected = "1?api-version=2018-02-01&resource=api%3A%2F%2FExchange&client_id=identity-1#true";
        assert_eq!(outcome.unwrap(), expected);
    }
    ground.clock.advance(Duration::from_mins(54));
    assert!(ground.prove(&credential).await.unwrap().starts_with("1?"));
    assert_eq!(calls(), 1);

    machine.status.store(503, Ordering::SeqCst);
    ground.clock.advance(Duration::from_mins(2));
    assert!(ground.prove(&credential).await.unwrap().starts_with("1?"), "the old one serves while the endpoint fails");
    assert_eq!(calls(), 2);
    machine.status.store(0, Ordering::SeqCst);
    assert!(ground.prove(&credential).await.unwrap().starts_with("3?"));
    assert!(credential.renew() && !credential.renew());

    machine.status.store(400, Ordering::SeqCst);
    let asked: Vec<_> = (0..20).map(|_| ground.refusal(&credential)).collect();
    for (failure, hint) in futures_util::future::join_all(asked).await {
        assert_eq!(failure, RedeemFailure::Misconfigured);
        assert!(hint.contains("assigned to this machine"), "{hint}");
    }
    assert_eq!(calls(), 4, "a failure is shared by those who waited for it");
    assert!(ground.prove(&credential).await.is_err());
    assert_eq!(calls(), 5, "and by nobody else");
}

#[actix_web::test]
async fn app_service_request_uses_its_own_header_and_a_missing_endpoint_has_a_hint() {
    let ground = Ground::new();
    let (_, url) = machine();
    let header = Secret::from("let-me-in");
    let credential = federated(IdentityEndpoint::AppService { url, header }, &ground.shared_clock);
    let expected = "1?api-version=2019-08-01&resource=api%3A%2F%2FExchange&client_id=identity-1#let-me-in";
    assert_eq!(ground.prove(&credential).await.unwrap(), expected);
    assert!(!format!("{credential:?}").contains("let-me-in"));

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("http://{free}/token")).unwrap();
    let nobody = federated(IdentityEndpoint::InstanceMetadata { url: url.clone() }, &ground.shared_clock);
    let (failure, hint) = ground.refusal(&nobody).await;
    assert_eq!(failure, RedeemFailure::Transient);
    assert!(hint.contains("has managed identities"), "{hint}");

    let outbound = Outbound::for_single_host(&url, Duration::from_secs(1)).unwrap();
    let endpoint = IdentityEndpoint::InstanceMetadata { url };
    let identity = ManagedIdentity::new(endpoint, "identity-1".into(), outbound, ground.shared_clock.clone());
    let itself = ClientCredential::ManagedIdentity(Arc::new(identity));
    assert!(ground.refusal(&itself).await.1.contains("federate it"), "it redeems no users' tokens");
}
