//! Users whom an application signs in by itself (`appid_custom`): the grant `jwt-bearer`.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::fixture::{BodyForm, Directories, MARKET, Setup, TICKETS, TestApp, claims};
use super::token::{assert_error, text};
use crate::harness::Answer;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An application whose configuration has a key.
static SIGNER: TestApp = TestApp {
    directory: &MARKET,
    name: "signer",
    client_id: "5a4b0000-0000-4000-8000-0000000000ff",
    secret: Some("signer-secret-of-the-local-stage"),
    redirect_uri: "https://signer.example.com/callback",
};

/// The application with `signer`, and the key of its assertions.
struct Signing {
    directories: Directories,
    key: EncodingKey,
    /// Has the public key, which a restart reads again.
    _folder: tempfile::TempDir,
}

impl Signing {
    async fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signer.pem");
        std::fs::write(&path, pair.public_key_pem()).unwrap();
        let hash = bot_sso::domain::SecretHash::of(SIGNER.secret.unwrap()).to_text();
        let tables = format!(
            "[directories.market.applications.signer]\nclient_id = \"{}\"\nsecret_sha256 = [\"{hash}\"]\n\
             assertion_key_file = \"{}\"\n",
            SIGNER.client_id,
            path.display()
        );
        let directories = Directories::with(Setup { tables: tables.leak(), ..Setup::default() }).await;
        Self { directories, key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(), _folder: folder }
    }

    /// The claims of an assertion about the user `grace`, with `changes`.
    fn assertion(&self, changes: &Value) -> String {
        let now = self.directories.harness.now();
        let mut claims = json!({
            "iss": SIGNER.client_id, "sub": "grace", "aud": self.directories.issuer(&MARKET),
            "iat": now, "exp": now + 300, "name": "Grace Hopper", "email": "grace@contoso.example",
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).unwrap()
    }

    async fn redeem(&self, assertion: &str) -> Answer {
        let fields = [("grant_type", JWT_BEARER), ("scope", ""), ("assertion", assertion)];
        self.directories.token_as(&SIGNER, BodyForm::Json, &fields).await
    }
}

#[tokio::test]
async fn an_application_vouches_for_a_user_of_its_own_who_gets_no_refresh_token() {
    let signing = Signing::start().await;
    let answer = signing.redeem(&signing.assertion(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert_eq!(tokens["refresh_token"], Value::Null);
    let (access, id) = (claims(text(&tokens, "access_token")), claims(text(&tokens, "id_token")));
    assert_eq!((&access["amr"][0], &id["identities"][0]["provider"]), (&"appid_custom".into(), &"appid_custom".into()));
    assert_eq!((&id["identities"][0]["id"], &id["name"]), (&"grace".into(), &"Grace Hopper".into()));
    assert_eq!(access["sub"], id["sub"]);
    assert_ne!(access["sub"], "grace");
    let user = signing.directories.userinfo(&MARKET, text(&tokens, "access_token")).await;
    assert_eq!((user.status, &user.json()["sub"]), (200, &id["sub"]));
    assert!(signing.directories.is_active(&TICKETS, text(&tokens, "access_token")).await);
    let again = signing.redeem(&signing.assertion(&json!({}))).await.json();
    assert_eq!(claims(text(&again, "id_token"))["sub"], id["sub"], "the same user has the same id");
}

#[tokio::test]
async fn an_assertion_that_fails_a_check_gets_nothing() {
    let signing = Signing::start().await;
    let now = signing.directories.harness.now();
    for changes in [
        json!({ "iss": TICKETS.client_id }),
        json!({ "aud": "https://other.example.com" }),
        json!({ "aud": null }),
        json!({ "exp": now - 600 }),
        json!({ "exp": now + 86_400 }),
        json!({ "exp": null }),
        json!({ "nbf": now + 600 }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
    ] {
        assert_error(&signing.redeem(&signing.assertion(&changes)).await, 400, "invalid_grant");
    }
    let genuine = signing.assertion(&json!({}));
    let (signed, _) = genuine.rsplit_once('.').unwrap();
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let forged = Signing { key: EncodingKey::from_ec_pem(other.serialize_pem().as_bytes()).unwrap(), ..signing };
    let foreign = forged.assertion(&json!({}));
    for assertion in [format!("{signed}."), format!("{signed}.AAAA"), foreign, "x".to_owned()] {
        assert_error(&forged.redeem(&assertion).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn an_assertion_with_an_id_is_good_once_also_after_a_restart() {
    let mut signing = Signing::start().await;
    let once = signing.assertion(&json!({ "jti": "1" }));
    assert_eq!(signing.redeem(&once).await.status, 200);
    assert_error(&signing.redeem(&once).await, 400, "invalid_grant");
    signing.directories.restart().await;
    assert_error(&signing.redeem(&once).await, 400, "invalid_grant");
    let again = signing.assertion(&json!({ "jti": "1", "sub": "another" }));
    assert_error(&signing.redeem(&again).await, 400, "invalid_grant");
    assert_eq!(signing.redeem(&signing.assertion(&json!({ "jti": "2" }))).await.status, 200);
    let without = signing.assertion(&json!({}));
    assert_eq!([signing.redeem(&without).await.status, signing.redeem(&without).await.status], [200, 200]);
    for odd in [json!(1), json!("x".repeat(256)), json!("a\nb")] {
        assert_error(&signing.redeem(&signing.assertion(&json!({ "jti": odd }))).await, 400, "invalid_grant");
    }
}
