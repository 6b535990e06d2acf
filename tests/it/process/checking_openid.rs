//! What `check --online` says of a provider of kind `oidc` that announces algorithms which its keys cannot verify, or that
//! refuses in words which no table knows.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::setting::{Setting, stdout};

/// The provider's announced algorithms, its keys, and what its token endpoint answers.
struct Documents {
    algorithms: Value,
    keys: Value,
    refusal: (u16, Value),
}

/// A provider that answers with these documents.
struct Provider {
    issuer: String,
    documents: Arc<Mutex<Documents>>,
}

impl Provider {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let refusal = (400, json!({"error": "invalid_grant"}));
        let documents = Documents { algorithms: json!(["RS256"]), keys: json!([rsa()]), refusal };
        let documents = Arc::new(Mutex::new(documents));
        let shared = web::Data::new((issuer.clone(), documents.clone()));
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        Self { issuer, documents }
    }

    fn change(&self, change: impl FnOnce(&mut Documents)) {
        change(&mut self.documents.lock().unwrap());
    }
}

async fn answer(request: HttpRequest, provider: web::Data<(String, Arc<Mutex<Documents>>)>) -> HttpResponse {
    let (issuer, documents) = &**provider;
    let documents = documents.lock().unwrap();
    match request.path() {
        "/.well-known/openid-configuration" => HttpResponse::Ok().json(json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "id_token_signing_alg_values_supported": documents.algorithms,
        })),
        "/keys" => HttpResponse::Ok().json(json!({"keys": documents.keys})),
        _ => HttpResponse::build(StatusCode::from_u16(documents.refusal.0).unwrap()).json(&documents.refusal.1),
    }
}

fn rsa() -> Value {
    let mut modulus = vec![0xff_u8; 256];
    modulus[0] = 0x80;
    json!({"kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
}

fn ec() -> Value {
    // The base point of the curve, which is a valid public key.
    let (x, y) = ("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU");
    json!({"kty": "EC", "crv": "P-256", "kid": "e", "x": x, "y": y})
}

async fn connected(provider: &Provider) -> Setting {
    let mut setting = Setting::new().await;
    super::checking::connect_elsewhere(&mut setting, &provider.issuer, "a secret");
    setting
}

#[tokio::test]
async fn check_online_reports_a_provider_that_announces_only_algorithms_which_no_key_of_its_can_verify() {
    let provider = Provider::start();
    let setting = connected(&provider).await;
    let subject = "identity_providers.elsewhere signature algorithms: ";
    for (algorithms, keys, seen, taken) in [
        (json!(["ES256"]), json!([rsa()]), "announces ES256 ", "PS256, PS384, PS512, RS256, RS384, RS512"),
        (json!(["RS256", "PS256"]), json!([ec()]), "announces PS256, RS256 ", "ES256"),
        (json!(["HS256", "none"]), json!([rsa(), ec()]), "announces HS256, none ", "ES256, PS256"),
        (json!([]), json!([rsa()]), "announces no algorithm ", "PS256"),
    ] {
        provider.change(|documents| (documents.algorithms, documents.keys) = (algorithms.clone(), keys));
        let output = setting.check_online();
        let said = stdout(&output);
        let line =
            said.lines().find(|line| line.starts_with(subject)).unwrap_or_else(|| panic!("{algorithms}: {said}"));
        assert!(line.contains(seen) && line.contains(&format!("the keys can verify {taken}")), "{line}");
        assert_eq!(output.status.code(), Some(1), "{said}");
    }
    for (algorithms, served) in [(json!(["ES256", "RS256"]), "RS256"), (json!(["EdDSA", "PS512"]), "PS512")] {
        provider.change(|documents| (documents.algorithms, documents.keys) = (algorithms, json!([rsa()])));
        let output = setting.check_online();
        let said = stdout(&output);
        assert!(said.lines().any(|line| line == format!("{subject}{served}")), "{said}");
        assert_eq!(output.status.code(), Some(0), "{said}");
    }
}

#[tokio::test]
async fn check_online_says_which_word_a_credential_was_refused_with() {
    let provider = Provider::start();
    let setting = connected(&provider).await;
    let subject = "connections.tickets credentials[0] (secret): ";
    for (status, word, begins, contains) in [
        (400, "wrong_moon_phase", "refused: error wrong_moon_phase: ", "documentation"),
        (400, "ClientDisabled", "refused: error ClientDisabled: ", "setting"),
        (200, "wrong_moon_phase", "refused: error wrong_moon_phase: ", "documentation"),
        (401, "wrong_moon_phase", "refused: ", "(status 401, error wrong_moon_phase)"),
        (400, "unauthorized_client", "refused: error unauthorized_client: ", "allow this client"),
        (400, "Forbidden", "unknown: error Forbidden: ", "proxy"),
    ] {
        provider.change(|documents| documents.refusal = (status, json!({"error": word})));
        let output = setting.check_online();
        let said = stdout(&output);
        let start = format!("{subject}{begins}");
        assert!(
            said.lines().any(|line| line.starts_with(&start) && line.contains(contains)),
            "{status} {word}: {said}"
        );
        assert_eq!(output.status.code(), Some(1), "{said}");
    }
    for (status, word) in [(400, "InvalidGrant"), (200, "invalid_grant")] {
        provider.change(|documents| documents.refusal = (status, json!({"error": word})));
        let said = stdout(&setting.check_online());
        assert!(said.lines().any(|line| line == format!("{subject}accepted")), "{status} {word}: {said}");
    }
}
