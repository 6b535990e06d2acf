#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DirectoryTokens, IssuedTokens, TokenRefusal, TokenSubject, UserClaims};
use crate::domain::{Directory, TokenSettings};
use crate::token_issuer::directory::DirectoryKeyRing;
use crate::token_issuer::directory::testing::{TestDirectory, USER, application, grant, user};

struct Issuing {
    test: TestDirectory,
    ring: DirectoryKeyRing,
    tokens: DirectoryTokens,
}

async fn issuing() -> Issuing {
    let test = TestDirectory::new();
    let ring = test.open_keys().await;
    let tokens = DirectoryTokens::new(ring.clone(), test.storage.shared_clock.clone());
    Issuing { test, ring, tokens }
}

impl Issuing {
    fn issue(&self, subject: &TokenSubject<'_>) -> IssuedTokens {
        self.issue_of(&self.test.directory, subject)
    }

    fn issue_of(&self, directory: &Directory, subject: &TokenSubject<'_>) -> IssuedTokens {
        self.tokens.issue(directory, &application("shop"), &TokenSettings::default(), subject).unwrap()
    }

    /// The tokens of a user, access token first.
    fn issue_for_user(&self) -> [String; 2] {
        let (user, grant) = (user(), grant("g"));
        let issued = self.issue(&TokenSubject::User { user: &user, grant: &grant, nonce: Some("n") });
        [issued.access_token.expose().to_owned(), issued.id_token.unwrap().expose().to_owned()]
    }

    fn refusal(&self, token: &str) -> &'static str {
        self.tokens.check_access_token(&self.test.directory, token).unwrap_err().0
    }

    /// Verifies `token` as a client does: by the published key set alone.
    fn verify_by_published_keys(&self, token: &str) -> Value {
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let published =
            serde_json::to_value(self.ring.find(&self.test.directory.tenant).unwrap().public_keys()).unwrap();
        let jwk = published.as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str()).unwrap();
        assert_eq!((&jwk["kty"], &jwk["use"], &jwk["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
        let key = DecodingKey::from_rsa_components(jwk["n"].as_str().unwrap(), jwk["e"].as_str().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&["shop"]);
        validation.set_issuer(&[&self.test.directory.issuer]);
        jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
    }
}

#[tokio::test]
async fn a_logout_token_is_checked_by_the_published_keys_and_passes_as_no_other_token() {
    let issuing = issuing().await;
    let directory = &issuing.test.directory;
    for session in [Some("session"), None] {
        let token = issuing.tokens.issue_logout_token(directory, "shop", USER, session).unwrap();
        let (header, claims) = (header_of(token.expose()), issuing.verify_by_published_keys(token.expose()));
        assert_eq!((&header["typ"], &header["ver"]), (&json!("logout+jwt"), &Value::Null));
        assert_eq!((&claims["sub"], &claims["sid"]), (&json!(USER), &json!(session)));
        assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
        assert_eq!(issuing.refusal(token.expose()), "ver");
        assert!(issuing.tokens.check_id_token_hint(directory, token.expose()).is_err());
        let again = issuing.tokens.issue_logout_token(directory, "shop", USER, session).unwrap();
        assert_ne!(issuing.verify_by_published_keys(again.expose())["jti"], claims["jti"]);
    }
}

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_users_tokens_have_the_shape_that_app_ids_sdk_demands() {
    let issuing = issuing().await;
    let [access, id] = issuing.issue_for_user();
    for token in [&access, &id] {
        let header = header_of(token);
        assert_eq!((&header["alg"], &header["ver"], &header["typ"]), (&json!("RS256"), &json!(4), &json!("JWT")));
    }
    let [access_claims, claims] = [&access, &id].map(|token| issuing.verify_by_published_keys(token));
    for claims in [&access_claims, &claims] {
        assert_eq!(claims["iss"], issuing.test.directory.issuer);
        assert_eq!(claims["aud"], json!(["shop"]));
        assert_eq!(claims["tenant"], "market");
        assert_eq!(claims["sub"], USER);
        assert_eq!(claims["amr"], json!(["cloud_directory"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    }
    assert_eq!(access_claims["scope"], "openid appid_default");
    assert_eq!(access_claims["grant"], "g");
    assert_eq!(claims["identities"], json!([{"provider": "cloud_directory", "id": USER}]));
    for (name, value) in [
        ("name", json!("Ada Lovelace")),
        ("given_name", json!("Ada")),
        ("family_name", json!("Lovelace")),
        ("email", json!("ada@example.com")),
        ("email_verified", json!(true)),
        ("preferred_username", json!("ada@example.com")),
        ("nonce", json!("n")),
        ("sid", json!("session")),
        ("auth_time", json!(1_700_000_000)),
    ] {
        assert_eq!(claims[name], value, "{name}");
        assert_eq!(access_claims.get(name), None, "an access token says nothing of the person: {name}");
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access.as_bytes());
    assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));
}

#[tokio::test]
async fn a_custom_user_has_a_stable_subject_that_is_no_directory_users() {
    let issuing = issuing().await;
    let claims = UserClaims { sub: USER.to_owned(), name: Some("Ada".to_owned()), email: None };
    let subject = |directory: &Directory, client_id: &str| {
        let subject = TokenSubject::Custom { claims: &claims, scope: "openid" };
        let issued = issuing.tokens.issue(directory, &application(client_id), &TokenSettings::default(), &subject);
        let checked = issuing.tokens.check_access_token(directory, issued.unwrap().access_token.expose()).unwrap();
        assert_eq!((checked.provider.as_deref(), &checked.grant_id), (Some("appid_custom"), &None));
        checked.subject
    };
    let (own, other) = (&issuing.test.directory, &issuing.test.other);
    let subjects = [subject(own, "shop"), subject(own, "mail"), subject(other, "shop"), USER.to_owned()];
    assert_eq!(subject(own, "shop"), subjects[0]);
    assert_eq!(subjects.iter().collect::<HashSet<_>>().len(), 4, "{subjects:?}");
    let issued = issuing.issue(&TokenSubject::Custom { claims: &claims, scope: "openid" });
    let id = issuing.verify_by_published_keys(issued.id_token.unwrap().expose());
    assert_eq!(id["identities"], json!([{"provider": "appid_custom", "id": USER}]));
    assert_eq!((&id["name"], id.get("email")), (&json!("Ada"), None));
}

#[tokio::test]
async fn an_application_gets_an_access_token_of_its_own() {
    let issuing = issuing().await;
    let issued = issuing.issue(&TokenSubject::Application { scope: "appid_default" });
    assert!(issued.id_token.is_none());
    let claims = issuing.tokens.check_access_token(&issuing.test.directory, issued.access_token.expose()).unwrap();
    assert_eq!((claims.client_id.as_str(), claims.subject.as_str()), ("shop", "shop"));
    assert_eq!((claims.provider, claims.grant_id, claims.scope.as_str()), (None, None, "appid_default"));
    let payload = issuing.verify_by_published_keys(issued.access_token.expose());
    assert!(payload["amr"].as_array().is_some_and(|amr| !amr.is_empty()));
}

#[tokio::test]
async fn an_access_token_ends_with_its_life_and_is_good_until_then() {
    let issuing = issuing().await;
    let [access, id] = issuing.issue_for_user();
    let claims = issuing.tokens.check_access_token(&issuing.test.directory, &access).unwrap();
    assert_eq!((claims.subject.as_str(), claims.grant_id.as_deref()), (USER, Some("g")));
    assert_eq!(claims.issued_at.until(claims.expires_at), Duration::from_hours(1));
    issuing.test.storage.clock.advance(Duration::from_mins(59));
    assert!(issuing.tokens.check_access_token(&issuing.test.directory, &access).is_ok());
    issuing.test.storage.clock.advance(Duration::from_mins(1));
    assert_eq!(issuing.refusal(&access), "exp");
    let hint = issuing.tokens.check_id_token_hint(&issuing.test.directory, &id).unwrap();
    assert_eq!((hint.client_id.as_str(), hint.user_id.as_str()), ("shop", USER));
    assert_eq!(hint.session_id.as_deref(), Some("session"));
}

#[tokio::test]
async fn neither_token_passes_as_the_other() {
    let issuing = issuing().await;
    let [access, id] = issuing.issue_for_user();
    assert_eq!(issuing.refusal(&id), "token_use");
    let hint = issuing.tokens.check_id_token_hint(&issuing.test.directory, &access);
    assert_eq!(hint.unwrap_err(), TokenRefusal("token_use"));
}

#[tokio::test]
async fn tokens_of_another_directory_are_refused() {
    let issuing = issuing().await;
    let subject = TokenSubject::Application { scope: "openid" };
    let foreign = issuing.issue_of(&issuing.test.other, &subject).access_token;
    assert_eq!(issuing.refusal(foreign.expose()), "kid");
    let renamed =
        Directory { issuer: "https://sso.example.com/oauth/v4/harbour".to_owned(), ..issuing.test.directory.clone() };
    let elsewhere = issuing.issue_of(&renamed, &subject).access_token;
    assert_eq!(issuing.refusal(elsewhere.expose()), "iss", "the issuer is compared exactly");
}

#[tokio::test]
async fn tokens_of_a_replaced_key_are_good_until_they_end() {
    let issuing = issuing().await;
    let [_, id] = issuing.issue_for_user();
    let lifetime = Duration::from_secs(issuing.test.directory.signing_key_lifetime_seconds);
    issuing.test.storage.clock.advance(lifetime.saturating_sub(Duration::from_mins(1)));
    let [access, _] = issuing.issue_for_user();
    issuing.test.storage.clock.advance(Duration::from_mins(1));
    issuing.ring.rotate(|_| {}).await.unwrap();
    assert!(issuing.tokens.check_access_token(&issuing.test.directory, &access).is_ok());
    assert!(issuing.tokens.check_id_token_hint(&issuing.test.directory, &id).is_ok());
    let [newer, _] = issuing.issue_for_user();
    assert_ne!(header_of(&access)["kid"], header_of(&newer)["kid"]);
    issuing.verify_by_published_keys(&newer);
    issuing.test.storage.clock.advance(Duration::from_hours(25));
    issuing.ring.rotate(|_| {}).await.unwrap();
    assert_eq!(issuing.refusal(&access), "kid");
}

/// `token` with another header, and without a signature of the directory.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[tokio::test]
async fn no_game_with_the_header_is_won() {
    let issuing = issuing().await;
    let [access, _] = issuing.issue_for_user();
    let (kid, payload) = (header_of(&access)["kid"].clone(), access.split('.').nth(1).unwrap());
    let changed = |member: &str, value: Value| {
        let mut header = header_of(&access);
        header[member] = value;
        with_header(&access, &header)
    };
    for (alg, check) in [
        (json!("none"), "alg"),
        (json!("None"), "alg"),
        (json!(""), "alg"),
        (json!("HS256"), "alg"),
        (json!("ES256"), "alg"),
        (json!("PS256"), "alg"),
        (json!("RS512"), "alg"),
        (json!("rs256"), "alg"),
        (json!(["RS256"]), "alg"),
        (json!(null), "alg"),
    ] {
        assert_eq!(issuing.refusal(&changed("alg", alg.clone())), check, "{alg}");
    }
    assert_eq!(issuing.refusal(&changed("kid", json!("unknown"))), "kid");
    assert_eq!(issuing.refusal(&changed("kid", json!(["x"]))), "kid");
    assert_eq!(issuing.refusal(&changed("crit", json!(["exp"]))), "crit");
    assert_eq!(issuing.refusal(&changed("ver", json!(3))), "signature", "the signature is checked before the version");
    let unsigned = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": kid}).to_string()));
    assert_eq!(issuing.refusal(&unsigned), "alg");
}

#[tokio::test]
async fn a_key_that_the_token_brings_or_the_public_key_as_a_secret_verifies_nothing() {
    let issuing = issuing().await;
    let [access, _] = issuing.issue_for_user();
    let claims = issuing.verify_by_published_keys(&access);
    let published = issuing.ring.find(&issuing.test.directory.tenant).unwrap().public_keys().remove(0);
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(published.kid.clone());
    for secret in [published.n.as_bytes(), &URL_SAFE_NO_PAD.decode(&published.n).unwrap()] {
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(issuing.refusal(&forged), "alg");
        let (head, rest) = forged.split_once('.').unwrap();
        assert!(!head.is_empty());
        let renamed = format!(
            "{}.{rest}",
            URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "kid": published.kid, "ver": 4}).to_string())
        );
        assert_eq!(issuing.refusal(&renamed), "signature");
    }
    let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let key = EncodingKey::from_rsa_pem(own.serialize_pem().as_bytes()).unwrap();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(published.kid);
    header.jwk = Some(jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap());
    header.jku = Some("https://evil.example/keys".to_owned());
    header.x5u = header.jku.clone();
    let forged = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    assert_eq!(issuing.refusal(&forged), "signature");
}

#[tokio::test]
async fn a_changed_byte_anywhere_refuses_the_token() {
    let issuing = issuing().await;
    let [access, id] = issuing.issue_for_user();
    for token in [access, id] {
        // The last character of the signature has bits that no byte uses: they must be zero.
        for at in (0..token.len()).step_by(7).chain([token.len() - 1]) {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(issuing.tokens.check_access_token(&issuing.test.directory, &changed).is_err(), "{at}");
            assert!(issuing.tokens.check_id_token_hint(&issuing.test.directory, &changed).is_err(), "{at}");
        }
    }
    for text in ["", ".", "..", "a.b.c", "a.b", &"x".repeat(20_000)] {
        assert_eq!(issuing.refusal(text), "form", "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_header_or_payload_panics(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), rest in any::<String>()) {
        let raw = format!("{}.{}.{rest}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let _ = super::unverified_jws::UnverifiedJws::parse(&raw);
        let _ = super::unverified_jws::UnverifiedJws::parse(&rest);
    }
}
