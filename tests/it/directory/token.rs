//! The token endpoint: its grants, the forms of a body, and the answers to what is refused.

use serde_json::Value;

use super::fixture::{
    ADA, BEN, BodyForm, CATALOGUE, Directories, LIBRARY, MARKET, Person, SHOP, Setup, TICKETS, TestApp, claims, header,
};
use crate::harness::Answer;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The verifier and the challenge of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: [(&str, &str); 2] =
    [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];

/// A token request with the password of `person`.
pub fn password_of<'a>(person: &'a Person, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let fields = [("grant_type", "password"), ("username", person.email), ("password", person.password)];
    fields.into_iter().chain(more.iter().copied()).collect()
}

/// The tokens that `app` gets for the password of `person`.
pub async fn tokens_of(directories: &Directories, app: &TestApp, person: &Person) -> Value {
    let answer = directories.token(app, &password_of(person, &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A member that is a text.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

/// Asserts an error of OAuth, which no cache may store.
#[track_caller]
pub fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["error"], error, "{body}");
    assert!(body["error_description"].as_str().is_some_and(|sentence| sentence.len() > 10), "{body}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn each_form_of_a_body_gets_tokens_as_the_sdk_demands_them() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    for form in BodyForm::ALL {
        let answer = directories.token_as(&SHOP, form, &password_of(&ADA, &[("scope", "openid email")])).await;
        assert_eq!(answer.status, 200, "{form:?}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &3600.into()));
        assert!(!text(&body, "refresh_token").starts_with("eyJ"), "a refresh token is no JWT");
        let (access, id) = (claims(text(&body, "access_token")), claims(text(&body, "id_token")));
        for token in [text(&body, "access_token"), text(&body, "id_token")] {
            assert_eq!((&header(token)["ver"], &header(token)["alg"]), (&4.into(), &"RS256".into()));
        }
        assert_eq!((&access["sub"], &id["sub"]), (&ada.as_str().into(), &ada.as_str().into()));
        assert_eq!((&access["aud"], &id["aud"]), (&[SHOP.client_id].into(), &[SHOP.client_id].into()));
        assert_eq!(access["iss"], directories.issuer(&MARKET).as_str());
        assert_eq!((&access["amr"][0], &id["identities"][0]["id"]), (&"cloud_directory".into(), &ada.as_str().into()));
        assert_eq!(access["scope"], body["scope"]);
        for scope in ["openid", "appid_default", "email"] {
            assert!(text(&body, "scope").split(' ').any(|granted| granted == scope), "{body}");
        }
    }
}

#[tokio::test]
async fn a_code_is_redeemed_with_the_redirect_uri_of_its_request() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let arrival = browser.sign_in_with(&SHOP, &ADA, &[("nonce", "the-nonce")]).await;
    let tokens = directories.redeem(&SHOP, &arrival.code).await;
    let id = claims(text(&tokens, "id_token"));
    assert_eq!((&id["nonce"], &id["sub"]), (&"the-nonce".into(), &ada.as_str().into()));
    assert!(id["sid"].is_string() && id["auth_time"].is_i64(), "{id}");
    assert_eq!(directories.userinfo(&MARKET, text(&tokens, "access_token")).await.json()["sub"], ada.as_str());
}

#[tokio::test]
async fn a_public_application_redeems_its_code_by_its_verifier_and_as_the_spa_sdk_writes_it() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let fields = |code: &str| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", CATALOGUE.redirect_uri.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    };
    let code = browser.sign_in_with(&CATALOGUE, &ADA, &CHALLENGE).await.code;
    let own = fields(&code);
    let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(directories.token(&CATALOGUE, &own).await.status, 200);

    let code = super::browser::Arrival::of(&browser.authorize(&CATALOGUE, &CHALLENGE).await, &CATALOGUE).code;
    let spa = fields(&code);
    let spa: Vec<_> = spa.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let with_secret = |secret: &str| super::fixture::basic(CATALOGUE.client_id, secret);
    let send = async |authorization: String| {
        let (content_type, body) = BodyForm::UrlEncoded.write(&spa);
        let headers = [("authorization", authorization.as_str()), ("content-type", content_type.as_str())];
        directories.harness.send("POST", &MARKET.oauth("/token"), &headers, body).await
    };
    assert_error(&send(with_secret("another-verifier")).await, 401, "invalid_client");
    let answer = send(with_secret(VERIFIER)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn an_application_gets_an_access_token_of_its_own_and_nothing_else() {
    let directories = Directories::start().await;
    for form in BodyForm::ALL {
        let answer = directories.token_as(&SHOP, form, &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!((&body["id_token"], &body["refresh_token"]), (&Value::Null, &Value::Null));
        assert_eq!(body["scope"], "appid_default");
        let access = claims(text(&body, "access_token"));
        assert_eq!((&access["sub"], &access["aud"]), (&SHOP.client_id.into(), &[SHOP.client_id].into()));
        let refused = directories.userinfo(&MARKET, text(&body, "access_token")).await;
        assert_error(&refused, 403, "insufficient_scope");
        assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
        assert!(directories.is_active(&TICKETS, text(&body, "access_token")).await);
    }
}

#[tokio::test]
async fn a_public_application_may_use_no_grant_that_needs_a_secret() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let assertion = [("grant_type", JWT_BEARER), ("assertion", "x.y.z")];
    let password = password_of(&ADA, &[]);
    for fields in [&password[..], &[("grant_type", "client_credentials")], &assertion] {
        assert_error(&directories.token(&CATALOGUE, fields).await, 400, "unauthorized_client");
    }
    // A confidential application without a key for assertions may not, either.
    assert_error(&directories.token(&SHOP, &assertion).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn a_wrong_password_an_unknown_user_and_a_disabled_one_get_the_same_answer() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let ben = Person { password: "not-the-password-of-ben", ..BEN };
    let nobody = Person { email: "nobody@contoso.example", ..ADA };
    let mut bodies = Vec::new();
    for person in [&ben, &nobody] {
        let answer = directories.token(&SHOP, &password_of(person, &[])).await;
        assert_error(&answer, 400, "invalid_grant");
        bodies.push(answer.text());
    }
    let disabled = serde_json::json!({ "emails": [{ "value": ADA.email, "primary": true }], "active": false });
    let path = format!("/cloud_directory/Users/{ada}");
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &disabled).await.status, 200);
    bodies.push(directories.token(&SHOP, &password_of(&ADA, &[])).await.text());
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(directories.token(&SHOP, &password_of(&BEN, &[])).await.status, 200);
}

#[tokio::test]
async fn an_expired_password_is_said_so_with_the_id_of_the_user() {
    let tables = "[directories.market.passwords]\nadvanced = true\nexpires_after_days = 1\n";
    let directories = Directories::with(Setup { tables, ..Setup::default() }).await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    assert_eq!(directories.token(&SHOP, &password_of(&ADA, &[])).await.status, 200);
    directories.pass(2 * 86_400);
    let answer = directories.token(&SHOP, &password_of(&ADA, &[])).await;
    assert_error(&answer, 400, "invalid_grant");
    let body = answer.json();
    assert_eq!((&body["error_description"], &body["user_id"]), (&"Password expired".into(), &ada.into()));
    let wrong = Person { password: "not-the-password", ..ADA };
    assert_eq!(directories.token(&SHOP, &password_of(&wrong, &[])).await.json()["user_id"], Value::Null);
}

#[tokio::test]
async fn many_wrong_passwords_of_a_user_are_answered_429_with_a_wait() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let wrong = Person { password: "not-the-password", ..ADA };
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(directories.token(&SHOP, &password_of(&wrong, &[])).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 11, "{statuses:?}");
    let limited = directories.token(&SHOP, &password_of(&ADA, &[])).await;
    assert_error(&limited, 429, "temporarily_unavailable");
    assert!((1..=60).contains(&limited.header("retry-after").unwrap().parse::<u64>().unwrap()));
    directories.audited("directory_sign_ins_limited", None).await;
    directories.pass(61);
    assert_eq!(directories.token(&SHOP, &password_of(&ADA, &[])).await.status, 200);
}

#[tokio::test]
async fn what_is_malformed_or_unknown_is_refused_with_the_error_of_the_standard() {
    let directories = Directories::start().await;
    for form in BodyForm::ALL {
        let send = async |fields: &[(&str, &str)]| directories.token_as(&SHOP, form, fields).await;
        assert_error(&send(&[]).await, 400, "invalid_request");
        assert_error(&send(&[("grant_type", "implicit")]).await, 400, "unsupported_grant_type");
        assert_error(&send(&[("grant_type", "password"), ("username", "x")]).await, 400, "invalid_request");
        assert_error(&send(&[("grant_type", "authorization_code")]).await, 400, "invalid_request");
        assert_error(&send(&[("grant_type", "refresh_token")]).await, 400, "invalid_request");
    }
    let authorization = super::fixture::basic(SHOP.client_id, SHOP.secret.unwrap());
    for (content_type, body) in [
        ("text/plain", "grant_type=client_credentials"),
        ("application/json", "{\"grant_type\":1}"),
        ("application/json", "[]"),
        ("multipart/form-data", "grant_type=client_credentials"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\nx\r\n--b--",
        ),
    ] {
        let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
        let answer = directories.harness.send("POST", &MARKET.oauth("/token"), &headers, body.into()).await;
        assert_error(&answer, 400, "invalid_request");
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_404_at_every_operation() {
    let directories = Directories::start().await;
    for (method, path) in [
        ("POST", "/token"),
        ("OPTIONS", "/token"),
        ("POST", "/introspect"),
        ("POST", "/revoke"),
        ("GET", "/userinfo"),
        ("POST", "/userinfo"),
        ("GET", "/publickeys"),
        ("GET", "/.well-known/openid-configuration"),
        ("POST", "/activity_logging"),
    ] {
        for tenant in ["nobody", "MARKET", MARKET.name] {
            let answer = directories.harness.send(method, &format!("/oauth/v4/{tenant}{path}"), &[], Vec::new()).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &"NotFound".into()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn an_application_of_another_tenant_is_unknown() {
    let directories = Directories::start().await;
    let authorization = super::fixture::basic(LIBRARY.client_id, LIBRARY.secret.unwrap());
    let (content_type, body) = BodyForm::UrlEncoded.write(&[("grant_type", "client_credentials")]);
    let headers = [("authorization", authorization.as_str()), ("content-type", content_type.as_str())];
    let answer = directories.harness.send("POST", &MARKET.oauth("/token"), &headers, body).await;
    assert_error(&answer, 401, "invalid_client");
}
