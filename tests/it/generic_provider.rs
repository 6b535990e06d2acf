//! A connection of a provider that is not Entra: an unmodified `oidc-provider`, whose own pages a user signs in on. What it
//! printed is in `target/test-logs/oidc-provider-*.log`.

mod browser;
mod stand;

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::domain::{Secret, UserKey};
use bot_sso::identity_provider::{AssertionAlgorithm, IdentityProvider, RedeemFailure};
use bot_sso::token_validation::IdTokenError;
use serde_json::{Value, json};
use url::Url;

use self::browser::Browser;
use self::stand::{
    CERTIFIED_CLIENT, CLIENT, CLIENT_SECRET, Client, Elsewhere, OID, TID, with_certificate, with_secret,
};
use crate::harness::{Harness, Options, activities};

fn query_of(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn payload_of(token: &Secret) -> Value {
    let payload = token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn me(elsewhere: &Elsewhere, token: &Secret) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{}/me", elsewhere.issuer)).bearer_auth(token.expose()).send().await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_user_signs_in_elsewhere_and_is_nobody_in_entra() {
    let elsewhere = Elsewhere::start("sign-in", (OID, TID)).await;
    let client = Client::new(&elsewhere, CLIENT, with_secret());
    let begun = client.begin().await;
    let back = query_of(&elsewhere.sign_in(&mut Browser::new(), begun.url.clone(), "ada").await);
    assert_eq!(back["state"], "the-state");
    assert_eq!(client.provider.admits_issuer(back.get("iss").map(String::as_str)).await, Ok(true));
    assert_eq!(client.provider.admits_issuer(None).await, Ok(false), "it promised to name itself");

    let token = client.redeem(&back["code"], &begun.verifier).await.unwrap();
    let id_token = token.id_token.unwrap();
    assert_eq!(payload_of(&id_token)["oid"], OID, "or this proves nothing");
    assert_eq!(payload_of(&id_token)["tid"], TID);
    let user = client.identify(&id_token, &begun.nonce).await.unwrap();
    assert_eq!(user.user, UserKey::from_parts(&elsewhere.issuer, "ada"));
    assert_ne!(user.user, UserKey::entra(OID, TID));
    assert_eq!((user.object_id, user.tenant_id), (None, None));
    assert_eq!(user.display_name.as_deref(), Some("Ada of Elsewhere"));
    assert_eq!(user.account_name.as_deref(), Some("ada"));
    let other_nonce = client.identify(&id_token, &Secret::from("another")).await;
    assert_eq!(other_nonce, Err(IdTokenError::Rejected { check: "nonce" }));
    assert_eq!(me(&elsewhere, &token.access_token).await["sub"], "ada");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_an_old_one_ends_them_all() {
    let elsewhere = Elsewhere::start("refresh", (OID, TID)).await;
    let client = Client::new(&elsewhere, CLIENT, with_secret());
    let begun = client.begin().await;
    let back = query_of(&elsewhere.sign_in(&mut Browser::new(), begun.url.clone(), "grace").await);
    let first = client.redeem(&back["code"], &begun.verifier).await.unwrap().refresh_token.unwrap();
    let refreshed = client.refresh(&first, "grace").await.unwrap();
    assert_eq!(me(&elsewhere, &refreshed.access_token).await["name"], "Grace of Elsewhere");
    let second = refreshed.refresh_token.unwrap();
    assert_ne!(second.expose(), first.expose());
    for token in [&first, &second] {
        let refused = client.refresh(token, "grace").await.unwrap_err();
        assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims: None });
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_with_its_own_verifier() {
    let elsewhere = Elsewhere::start("codes", (OID, TID)).await;
    let client = Client::new(&elsewhere, CLIENT, with_secret());
    let mut browser = Browser::new();
    let begun = client.begin().await;
    let back = query_of(&elsewhere.sign_in(&mut browser, begun.url, "ada").await);
    let refused = client.redeem(&back["code"], &Secret::new("w".repeat(43))).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims: None });

    let mut browser = Browser::new();
    let begun = client.begin().await;
    let back = query_of(&elsewhere.sign_in(&mut browser, begun.url, "ada").await);
    client.redeem(&back["code"], &begun.verifier).await.unwrap();
    assert!(client.redeem(&back["code"], &begun.verifier).await.is_err());

    let begun = client.begin().await;
    let back = query_of(&elsewhere.cancel(&mut Browser::new(), begun.url).await);
    assert_eq!((back["error"].as_str(), back["iss"].as_str()), ("access_denied", elsewhere.issuer.as_str()));
}

#[tokio::test]
async fn a_client_proves_itself_by_its_certificate_too() {
    let elsewhere = Elsewhere::start("certificate", (OID, TID)).await;
    for algorithm in [AssertionAlgorithm::Ps256, AssertionAlgorithm::Rs256] {
        let client = Client::new(&elsewhere, CERTIFIED_CLIENT, with_certificate(algorithm));
        let begun = client.begin().await;
        let back = query_of(&elsewhere.sign_in(&mut Browser::new(), begun.url, "ada").await);
        let token = client.redeem(&back["code"], &begun.verifier).await.unwrap();
        client.identify(&token.id_token.unwrap(), &begun.nonce).await.unwrap();
    }
    let methods: Vec<_> = elsewhere.peer.events().into_iter().filter(|event| event["event"] == "grant").collect();
    assert!(methods.iter().all(|event| event["method"] == "private_key_jwt") && methods.len() == 2, "{methods:?}");
    let wrong = Client::new(&elsewhere, CLIENT, with_certificate(AssertionAlgorithm::Ps256));
    let begun = wrong.begin().await;
    let back = query_of(&elsewhere.sign_in(&mut Browser::new(), begun.url, "ada").await);
    let refused = wrong.redeem(&back["code"], &begun.verifier).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::Misconfigured);
}

/// The application with a connection `tickets` of the provider.
async fn harness_with(elsewhere: &Elsewhere) -> Harness {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("tickets.secret");
    crate::harness::write_private(&secret, CLIENT_SECRET);
    let appended = format!(
        "[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"{}\"\n[connections.tickets]\nbot = \"demo\"\n\
         identity_provider = \"elsewhere\"\nclient_id = \"{CLIENT}\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"openid\", \"profile\", \"offline_access\"]\n",
        elsewhere.issuer,
        secret.display()
    );
    let connection = "identity_provider = \"entra\"".to_owned();
    Harness::with(Options { appended, connection, ..Options::default() }).await
}

#[tokio::test]
async fn its_card_offers_no_silent_sign_in_and_entras_tokens_are_none_of_its() {
    let elsewhere = Elsewhere::start("application", (OID, TID)).await;
    let harness = harness_with(&elsewhere).await;
    let ada = harness.user("Ada");
    let message = activities::message(&harness, &ada, "hello");
    let resource = harness.sign_in_resource(&message, "tickets").await;
    assert!(resource["signInLink"].is_string(), "{resource}");
    assert_eq!(resource.get("tokenExchangeResource"), None, "{resource}");
    let token = harness.user_token("Ada", "graph").await;
    let mut invoke = activities::exchange(&harness, &ada, "an id", &token);
    invoke["value"]["connectionName"] = json!("tickets");
    let refused = harness.post(&invoke).await;
    assert_eq!(refused.status, 400, "{}", String::from_utf8_lossy(&refused.body));
    assert_eq!(harness.get_token("msteams", "29:ada", "tickets").await.status, 404);
}
