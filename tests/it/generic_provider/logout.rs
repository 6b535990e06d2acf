//! Logout tokens of a provider of kind `oidc` (docs/directory.md §Back-channel logout): those of the unmodified `oidc-provider`, and
//! forged, foreign and repeated ones.

use std::path::Path;

use bot_sso::domain::{Clock as _, UserKey};
use bot_sso::observability::conceal;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use url::Url;

use super::fixture::{CLIENT, CLIENT_SECRET, OidcProvider};
use super::{code_on, sign_in_behind_the_card};
use crate::harness::waiting::wait_until;
use crate::harness::{Answer, Behaviour, Harness, Options, RecorderBot, Surroundings, activities, logs, write_private};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A connection of `demo` at the provider with this issuer.
async fn run(surroundings: Surroundings, issuer: &str) -> Harness {
    let secret = surroundings.directory().join("tickets.secret");
    write_private(&secret, CLIENT_SECRET);
    let appended = format!(
        "[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"{issuer}\"\n[connections.tickets]\nbot = \"demo\"\n\
         identity_provider = \"elsewhere\"\nclient_id = \"{CLIENT}\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"openid\", \"profile\", \"offline_access\"]\n",
        secret.display()
    );
    let connection = "identity_provider = \"entra\"".to_owned();
    surroundings.run(&Options { appended, connection, operations: true, ..Options::default() }).await
}

#[tokio::test]
async fn a_user_who_signs_out_at_the_provider_has_no_token_here_afterwards() {
    let surroundings = Surroundings::start().await;
    let address = format!("{}/backchannel-logout/elsewhere", surroundings.base);
    let mut provider = OidcProvider::start_with("logout", &[("BACKCHANNEL_LOGOUT_URI", &address)]).await;
    let harness = run(surroundings, &provider.issuer).await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let (mut browser, page) = sign_in_behind_the_card(&provider, &harness, &message, "grace").await;
    let page = browser.submit(&page, &[("decision", "continue")]).await;
    let page = browser.get(page.location.unwrap()).await;
    let code = code_on(&page).to_owned();
    let [user, name, channel] = [("userId", "29:ada"), ("connectionName", "tickets"), ("channelId", "msteams")];
    assert_eq!(harness.get_token_as("demo", &[user, name, channel, ("code", &code)]).await.status, 200);

    let asked = browser.get(Url::parse(&format!("{}/session/end", provider.issuer)).unwrap()).await;
    browser.submit(&asked, &[("logout", "yes")]).await;
    let sent = provider.peer.wait_for("the logout token", |line| line["event"] == "backchannel").await;
    assert_eq!((&sent["client"], &sent["ok"]), (&json!(CLIENT), &json!(true)), "{sent}");
    assert_eq!(harness.get_token_as("demo", &[user, name, channel]).await.status, 404);
}

/// A provider whose key the test has. One document is both its metadata and its key set.
struct OwnProvider {
    issuer: String,
    harness: Harness,
}

impl OwnProvider {
    async fn start() -> Self {
        let documents = RecorderBot::start().await;
        let issuer = documents.endpoint().trim_end_matches("/api/messages").to_owned();
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key(), Algorithm::RS256).unwrap()).unwrap();
        jwk["kid"] = "1".into();
        let at = |path: &str| format!("{issuer}/{path}");
        let document = json!({
            "issuer": issuer, "jwks_uri": at("keys"), "keys": [jwk], "authorization_endpoint": at("authorize"),
            "token_endpoint": at("token"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        documents.behave(Behaviour::answering(200, &document.to_string()));
        let harness = run(Surroundings::start().await, &issuer).await;
        Self { issuer, harness }
    }

    fn claims(&self, subject: &str) -> Value {
        let now = self.harness.clock.now().unix_seconds();
        json!({
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": format!("of-{subject}"), "sub": subject,
            "events": { EVENT: {} },
        })
    }

    fn sign(claims: &Value) -> String {
        Self::sign_as("1", claims)
    }

    /// Signs `claims` by a key that claims to be the one with the name `key_id`.
    fn sign_as(key_id: &str, claims: &Value) -> String {
        let header = Header {
            kid: Some(key_id.to_owned()),
            typ: Some("logout+jwt".to_owned()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, claims, &key()).unwrap()
    }

    async fn send(&self, token: &str) -> Answer {
        self.send_body("elsewhere", &[FORM], format!("logout_token={token}")).await
    }

    async fn send_body(&self, provider: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let path = format!("/backchannel-logout/{provider}");
        let answer = self.harness.send("POST", &path, headers, body.into_bytes()).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer
    }

    /// Waits until the log says `count` times that `subject` was signed out.
    async fn signed_out(&self, subject: &str, count: usize) {
        let user = conceal(&UserKey::from_parts(&self.issuer, subject)).to_string();
        let is_of_subject = |line: &&str| line.contains("a user was signed out everywhere") && line.contains(&user);
        let said = || logs::text().lines().filter(is_of_subject).count();
        wait_until("the lines of the log", async || said() >= count).await;
        assert_eq!(said(), count);
    }
}

fn key() -> EncodingKey {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials/client-key.pem");
    EncodingKey::from_rsa_pem(&std::fs::read(file).unwrap()).unwrap()
}

#[track_caller]
fn assert_refused(answer: &Answer, what: &str) {
    let expected = json!({ "error": "invalid_request", "error_description": "The logout token is not accepted." });
    assert_eq!((answer.status, answer.json()), (400, expected), "{what}");
}

#[tokio::test]
async fn a_logout_token_signs_its_person_out_once_and_a_repetition_is_refused() {
    let provider = OwnProvider::start().await;
    let token = OwnProvider::sign(&provider.claims("repeated-subject"));
    let answer = provider.send(&token).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{}", answer.text());
    provider.signed_out("repeated-subject", 1).await;
    assert_refused(&provider.send(&token).await, "a repetition");
    let mut again = provider.claims("repeated-subject");
    again["jti"] = "another".into();
    assert_eq!(provider.send(&OwnProvider::sign(&again)).await.status, 200);
    provider.signed_out("repeated-subject", 2).await;
}

#[tokio::test]
async fn a_session_that_is_not_known_here_is_no_error() {
    let provider = OwnProvider::start().await;
    let mut claims = provider.claims("unknown-session");
    claims["sub"] = Value::Null;
    claims["sid"] = "a-session-of-nobody".into();
    assert_eq!(provider.send(&OwnProvider::sign(&claims)).await.status, 200);
}

#[tokio::test]
async fn forged_and_foreign_tokens_and_other_bodies_have_no_effect_and_one_answer() {
    let provider = OwnProvider::start().await;
    let with = |name: &str, value: Value| {
        let mut claims = provider.claims("forged-subject");
        claims[name] = value;
        OwnProvider::sign(&claims)
    };
    let genuine = OwnProvider::sign(&provider.claims("forged-subject"));
    let (signed, _) = genuine.rsplit_once('.').unwrap();
    let id_token_like = {
        let mut claims = provider.claims("forged-subject");
        claims.as_object_mut().unwrap().remove("events");
        claims["nonce"] = "n".into();
        OwnProvider::sign(&claims)
    };
    let header = Header { kid: Some("1".to_owned()), ..Header::new(Algorithm::HS256) };
    let by_secret =
        jsonwebtoken::encode(&header, &provider.claims("forged-subject"), &EncodingKey::from_secret(b"s")).unwrap();
    for (what, token) in [
        ("another audience", with("aud", "another client".into())),
        ("another issuer", with("iss", "https://issuer.example".into())),
        ("a nonce", with("nonce", "n".into())),
        ("an ID token", id_token_like),
        ("an old token", with("iat", (provider.harness.clock.now().unix_seconds() - 3600).into())),
        ("no signature", format!("{signed}.")),
        ("another signature", format!("{signed}.{}", "A".repeat(342))),
        ("a shared secret", by_secret),
        ("no token", "hello".to_owned()),
        ("nothing", String::new()),
    ] {
        assert_refused(&provider.send(&token).await, what);
    }
    let body = format!("logout_token={genuine}");
    assert_refused(&provider.send_body("nobody", &[FORM], body.clone()).await, "another provider");
    assert_refused(&provider.send_body("entra", &[FORM], body.clone()).await, "a provider of another kind");
    assert_refused(&provider.send_body("elsewhere", &[("content-type", "text/plain")], body.clone()).await, "no form");
    assert_refused(&provider.send_body("elsewhere", &[FORM], format!("{body}&{body}")).await, "twice");
    let long = provider.send_body("elsewhere", &[FORM], format!("logout_token={}", "x".repeat(20_000))).await;
    assert_eq!(long.status, 413);
    assert_eq!(provider.send(&genuine).await.status, 200, "the refusals have used nothing up");
    provider.signed_out("forged-subject", 1).await;
}

#[tokio::test]
async fn an_address_with_many_refused_tokens_is_told_to_wait_and_a_good_token_from_there_counts_all_the_same() {
    let provider = OwnProvider::start().await;
    let mut last = None;
    for _ in 0..31 {
        last = Some(provider.send("forged").await);
    }
    let limited = last.unwrap();
    assert_eq!((limited.status, limited.json()["error"].as_str()), (429, Some("temporarily_unavailable")));
    assert!(limited.header("retry-after").is_some());
    assert_eq!(provider.send(&OwnProvider::sign(&provider.claims("limited-subject"))).await.status, 200);
}

#[tokio::test]
async fn tokens_of_keys_that_are_not_known_count_as_refused_ones() {
    let provider = OwnProvider::start().await;
    assert_eq!(provider.send(&OwnProvider::sign(&provider.claims("known-key"))).await.status, 200);
    let mut last = None;
    for number in 0..31 {
        let forged = OwnProvider::sign_as(&format!("made-up-{number}"), &provider.claims("made-up-key"));
        last = Some(provider.send(&forged).await.status);
    }
    assert_eq!(last, Some(429));
    assert_eq!(provider.send(&OwnProvider::sign(&provider.claims("known-key-again"))).await.status, 200);
}
