//! The metadata and the public keys of a directory.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::fixture::{ADA, CAMPUS, Directories, MARKET, SHOP, TestDirectory, header};
use super::token::{text, tokens_of};

async fn get(directories: &Directories, path: &str) -> Value {
    let answer = directories.harness.send("GET", path, &[], Vec::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn keys_of(directories: &Directories, directory: &TestDirectory) -> Vec<Value> {
    get(directories, &directory.oauth("/publickeys")).await["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_endpoint_that_discovery_names_is_there_under_the_exact_issuer() {
    let directories = Directories::start().await;
    let issuer = directories.issuer(&MARKET);
    let found = get(&directories, &MARKET.oauth("/.well-known/openid-configuration")).await;
    assert_eq!(found["issuer"], issuer.as_str());
    let endpoints: Vec<_> = found.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint")).collect();
    assert!(endpoints.len() >= 7, "{found}");
    for (name, url) in endpoints.into_iter().chain([(&"jwks_uri".to_owned(), &found["jwks_uri"])]) {
        let url = url.as_str().unwrap();
        if name == "management_endpoint" {
            assert_eq!(url, format!("{}{}", directories.harness.base, MARKET.management("")));
            continue;
        }
        assert!(url.starts_with(&format!("{issuer}/")), "{name}: {url}");
        // Every method of a path is answered otherwise than with a constant 404.
        assert_ne!(directories.harness.send("GET", url, &[], Vec::new()).await.status, 404, "{name}: {url}");
    }
    assert_eq!(found["end_session_endpoint"], format!("{issuer}/logout"));
    assert_eq!(found["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(found["authorization_response_iss_parameter_supported"], true);
    let elsewhere = format!("/.well-known/oauth-authorization-server{}", MARKET.oauth(""));
    assert_eq!(get(&directories, &elsewhere).await, found, "RFC 8414 looks here");
    assert_eq!(
        get(&directories, &CAMPUS.oauth("/.well-known/openid-configuration")).await["issuer"],
        directories.issuer(&CAMPUS)
    );
}

#[tokio::test]
async fn the_published_key_checks_the_tokens_of_its_directory_and_of_no_other() {
    let mut directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    directories.restart().await;
    let keys = keys_of(&directories, &MARKET).await;
    for key in &keys {
        let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(members.iter().all(|name| ["kty", "use", "alg", "kid", "n", "e"].contains(name)), "{members:?}");
        assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&"RSA".into(), &"sig".into(), &"RS256".into()));
    }
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[SHOP.client_id]);
    validation.set_issuer(&[directories.issuer(&MARKET)]);
    validation.validate_exp = false;
    for token in [text(&tokens, "access_token"), text(&tokens, "id_token")] {
        let key = keys.iter().find(|key| key["kid"] == header(token)["kid"]).unwrap();
        let key = DecodingKey::from_rsa_components(text(key, "n"), text(key, "e")).unwrap();
        assert!(jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok());
    }
    let others = keys_of(&directories, &CAMPUS).await;
    assert!(others.iter().all(|other| keys.iter().all(|key| key["kid"] != other["kid"] && key["n"] != other["n"])));
}

#[tokio::test]
async fn metadata_may_be_kept_for_minutes_and_keys_may_not_since_a_new_one_signs_at_once() {
    let directories = Directories::start().await;
    for (path, kept) in [("/publickeys", "no-cache"), ("/.well-known/openid-configuration", "public, max-age=300")] {
        for method in ["GET", "HEAD"] {
            let answer = directories.harness.send(method, &MARKET.oauth(path), &[], Vec::new()).await;
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some(kept)));
            assert_eq!(answer.header("vary"), Some("Origin"), "caches keep the answers of origins apart");
        }
    }
}
