//! ID tokens that applications bring as hints: only those that this directory has signed have an effect.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::browser::{Arrival, Browser};
use super::fixture::{ADA, CAMPUS, Directories, LIBRARY, MARKET, SHOP, SIGNED_OUT, TICKETS, claims, encoded, header};
use super::logout::sso_logout;
use super::sessions::{is_asked, signed_in};
use super::token::{text, tokens_of};

/// A token with this header and these claims, whose signature `sign` makes.
fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> String) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = sign(signed.as_bytes());
    format!("{signed}.{signature}")
}

fn with(value: &Value, name: &str, member: &Value) -> Value {
    let mut changed = value.clone();
    changed[name] = member.clone();
    changed
}

/// The modulus of the public key that the token names, and the key in PEM-like text, which a confused check could take as secrets.
async fn public_key(directories: &Directories, kid: &Value) -> Vec<Vec<u8>> {
    let list = directories.harness.send("GET", &MARKET.oauth("/publickeys"), &[], Vec::new()).await.json();
    let key = list["keys"].as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap().clone();
    let modulus = text(&key, "n");
    vec![
        URL_SAFE_NO_PAD.decode(modulus).unwrap(),
        modulus.as_bytes().to_vec(),
        key.to_string().into_bytes(),
        Vec::new(),
    ]
}

fn logouts(hint: &str) -> [String; 2] {
    let client = ("client_id", SHOP.client_id);
    let of_app_id = [("redirect_uri", SIGNED_OUT), client, ("all_sessions", "true"), ("id_token_hint", hint)];
    let of_openid = [("post_logout_redirect_uri", SIGNED_OUT), client, ("id_token_hint", hint)];
    [sso_logout(&of_app_id), format!("{}?{}", MARKET.oauth("/logout"), encoded(&of_openid))]
}

async fn silent(browser: &mut Browser, hint: &str) -> Arrival {
    let answer = browser.authorize(&TICKETS, &[("prompt", "none"), ("id_token_hint", hint)]).await;
    Arrival::of(&answer, &TICKETS)
}

#[tokio::test]
async fn a_hint_that_the_directory_has_not_signed_as_an_id_token_has_no_effect() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&CAMPUS, &ADA).await;
    let mut browser = signed_in(&directories).await;
    let arrival = browser.sign_in_silently(&SHOP).await;
    let tokens = directories.redeem(&SHOP, &arrival.code).await;
    let genuine = text(&tokens, "id_token");
    let (head, body) = (header(genuine), claims(genuine));
    let signature = genuine.rsplit('.').next().unwrap();
    let of_campus = tokens_of(&directories, &LIBRARY, &ADA).await;
    let foreign = text(&of_campus, "id_token");
    let foreign_signature = foreign.rsplit('.').next().unwrap();
    let mut hints = vec![
        ("no signature", token(&with(&head, "alg", &json!("none")), &body, |_| String::new())),
        ("none with the signature", token(&with(&head, "alg", &json!("None")), &body, |_| signature.to_owned())),
        ("another algorithm", token(&with(&head, "alg", &json!("RS512")), &body, |_| signature.to_owned())),
        ("changed claims", token(&head, &with(&body, "sid", &json!("another")), |_| signature.to_owned())),
        ("another tenant's", foreign.to_owned()),
        (
            "another tenant's key",
            token(&with(&head, "kid", &header(foreign)["kid"]), &body, |_| foreign_signature.to_owned()),
        ),
        ("no key id", token(&with(&head, "kid", &Value::Null), &body, |_| signature.to_owned())),
        ("an access token", text(&tokens, "access_token").to_owned()),
        ("no token", "x".to_owned()),
    ];
    for secret in public_key(&directories, &head["kid"]).await {
        let key = EncodingKey::from_secret(&secret);
        let sign = |signed: &[u8]| jsonwebtoken::crypto::sign(signed, &key, Algorithm::HS256).unwrap();
        hints.push(("HS256 with the public key", token(&with(&head, "alg", &json!("HS256")), &body, sign)));
    }
    for (case, hint) in &hints {
        assert_eq!(silent(&mut browser, hint).await.error, "login_required", "{case}");
        for address in logouts(hint) {
            let answer = browser.get(&address).await;
            assert_eq!(answer.header("location"), None, "{case}: {}", answer.status);
            assert!(!is_asked(&mut browser, &TICKETS).await, "{case}: the session goes on");
        }
    }
    assert_ne!(silent(&mut browser, genuine).await.code, "");
    for address in logouts(genuine) {
        let mut browser = browser.clone();
        assert_eq!(browser.get(&address).await.location(), SIGNED_OUT);
    }
    assert!(is_asked(&mut browser, &TICKETS).await);
}
