//! A connection of a provider that is not Entra: an unmodified `oidc-provider`, on whose own pages the user signs in.
//! The tests write the provider's output to `target/test-logs/oidc-provider-*.log`.

mod adjusted;
mod browser;
mod exchanges;
pub mod fixture;
mod logged_users;
mod logout;
mod own_tokens;
mod refused_exchanges;
mod token_exchange;

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::domain::{Secret, UserKey};
use bot_sso::identity_provider::{AssertionAlgorithm, IdentityProvider, RedeemFailure};
use bot_sso::token_validation::IdTokenError;
use serde_json::{Value, json};
use url::Url;

use self::browser::{Browser, Page};
use self::fixture::{
    CERTIFIED_CLIENT, CLIENT, CLIENT_SECRET, Client, OID, OidcProvider, TID, with_certificate, with_secret,
};
use crate::harness::{Harness, Options, activities};

fn query_of(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn payload_of(token: &Secret) -> Value {
    let payload = token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn user_info(oidc_provider: &OidcProvider, token: &Secret) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{}/me", oidc_provider.issuer)).bearer_auth(token.expose()).send().await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_user_of_another_issuer_is_never_the_entra_user_with_the_same_oid_and_tid() {
    let oidc_provider = OidcProvider::start("sign-in").await;
    let client = Client::new(&oidc_provider, CLIENT, with_secret());
    let begun = client.begin().await;
    let back = query_of(&oidc_provider.sign_in(&mut Browser::new(), begun.url.clone(), "ada").await);
    assert_eq!(back["state"], "the-state");
    assert_eq!(client.provider.admits_issuer(back.get("iss").map(String::as_str)).await, Ok(true));
    assert_eq!(client.provider.admits_issuer(None).await, Ok(false), "it promised to name itself");

    let token = client.redeem(&back["code"], &begun.verifier).await.unwrap();
    let id_token = token.id_token.unwrap();
    assert_eq!(payload_of(&id_token)["oid"], OID, "or this proves nothing");
    assert_eq!(payload_of(&id_token)["tid"], TID);
    let user = client.identify(&id_token, &begun.nonce).await.unwrap();
    assert_eq!(user.user, UserKey::from_parts(&oidc_provider.issuer, "ada"));
    assert_ne!(user.user, UserKey::entra(OID, TID));
    assert_eq!((user.object_id, user.tenant_id), (None, None));
    assert_eq!(user.display_name.as_deref(), Some("Ada of Elsewhere"));
    assert_eq!(user.account_name.as_deref(), Some("ada"));
    let other_nonce = client.identify(&id_token, &Secret::from("another")).await;
    assert_eq!(other_nonce, Err(IdTokenError::Rejected { check: "nonce" }));
    assert_eq!(user_info(&oidc_provider, &token.access_token).await["sub"], "ada");
}

#[tokio::test]
async fn reusing_a_rotated_refresh_token_revokes_its_successor_too() {
    let oidc_provider = OidcProvider::start("refresh").await;
    let client = Client::new(&oidc_provider, CLIENT, with_secret());
    let begun = client.begin().await;
    let back = query_of(&oidc_provider.sign_in(&mut Browser::new(), begun.url.clone(), "grace").await);
    let first = client.redeem(&back["code"], &begun.verifier).await.unwrap().refresh_token.unwrap();
    let refreshed = client.refresh(&first, "grace").await.unwrap();
    assert_eq!(user_info(&oidc_provider, &refreshed.access_token).await["name"], "Grace of Elsewhere");
    let second = refreshed.refresh_token.unwrap();
    assert_ne!(second.expose(), first.expose());
    for token in [&first, &second] {
        let refused = client.refresh(token, "grace").await.unwrap_err();
        assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims: None });
    }
}

#[tokio::test]
async fn an_authorization_code_is_redeemed_once_and_only_with_its_own_verifier() {
    let oidc_provider = OidcProvider::start("codes").await;
    let client = Client::new(&oidc_provider, CLIENT, with_secret());
    let mut browser = Browser::new();
    let begun = client.begin().await;
    let back = query_of(&oidc_provider.sign_in(&mut browser, begun.url, "ada").await);
    let refused = client.redeem(&back["code"], &Secret::new("w".repeat(43))).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::InteractionRequired { claims: None });

    let mut browser = Browser::new();
    let begun = client.begin().await;
    let back = query_of(&oidc_provider.sign_in(&mut browser, begun.url, "ada").await);
    client.redeem(&back["code"], &begun.verifier).await.unwrap();
    assert!(client.redeem(&back["code"], &begun.verifier).await.is_err());

    let begun = client.begin().await;
    let back = query_of(&oidc_provider.cancel(&mut Browser::new(), begun.url).await);
    assert_eq!((back["error"].as_str(), back["iss"].as_str()), ("access_denied", oidc_provider.issuer.as_str()));
}

#[tokio::test]
async fn a_client_authenticates_with_its_certificate() {
    let oidc_provider = OidcProvider::start("certificate").await;
    for (number, algorithm) in [AssertionAlgorithm::Ps256, AssertionAlgorithm::Rs256].into_iter().enumerate() {
        let client = Client::new(&oidc_provider, CERTIFIED_CLIENT, with_certificate(algorithm));
        let begun = client.begin().await;
        let back = query_of(&oidc_provider.sign_in(&mut Browser::new(), begun.url, "ada").await);
        let token = client.redeem(&back["code"], &begun.verifier).await.unwrap();
        client.identify(&token.id_token.unwrap(), &begun.nonce).await.unwrap();
        let granted = oidc_provider.grants(number + 1).await;
        assert_eq!(granted[number]["method"], "private_key_jwt", "{granted:?}");
    }
    let wrong = Client::new(&oidc_provider, CLIENT, with_certificate(AssertionAlgorithm::Ps256));
    let begun = wrong.begin().await;
    let back = query_of(&oidc_provider.sign_in(&mut Browser::new(), begun.url, "ada").await);
    let refused = wrong.redeem(&back["code"], &begun.verifier).await.unwrap_err();
    assert_eq!(refused.failure, RedeemFailure::Misconfigured);
}

/// Starts the application with a connection `tickets` of the provider.
async fn harness_with(oidc_provider: &OidcProvider) -> Harness {
    harness_with_lines(oidc_provider, "", "").await
}

/// The same, with more lines in the sections of the provider and the connection.
async fn harness_with_lines(oidc_provider: &OidcProvider, provider: &str, connection: &str) -> Harness {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("tickets.secret");
    crate::harness::write_private(&secret, CLIENT_SECRET);
    let appended = format!(
        "[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"{}\"\n{provider}\n[connections.tickets]\nbot = \"demo\"\n\
         identity_provider = \"elsewhere\"\nclient_id = \"{CLIENT}\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"openid\", \"profile\", \"offline_access\"]\n{connection}\n",
        oidc_provider.issuer,
        secret.display()
    );
    let every_connection = "identity_provider = \"entra\"".to_owned();
    Harness::with(Options { appended, connection: every_connection, ..Options::default() }).await
}

#[tokio::test]
async fn a_card_of_another_provider_offers_no_silent_sign_in_and_an_entra_token_is_refused() {
    let oidc_provider = OidcProvider::start("application").await;
    let harness = harness_with(&oidc_provider).await;
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

/// Replaces the configured public address, on which no server listens, by the application's real address.
fn reachable_url(harness: &Harness, url: &str) -> Url {
    Url::parse(&url.replacen("http://127.0.0.1:1", &harness.base, 1)).unwrap()
}

/// Signs `login` in on the pages that the card links to; returns the browser and the last page.
async fn sign_in_behind_the_card(
    oidc_provider: &OidcProvider,
    harness: &Harness,
    message: &Value,
    login: &str,
) -> (Browser, Page) {
    let mut browser = Browser::new();
    let resource = harness.sign_in_resource(message, "tickets").await;
    let begun = browser.get(reachable_url(harness, resource["signInLink"].as_str().unwrap())).await;
    let to_provider = begun.location.unwrap_or_else(|| panic!("{} {}", begun.status, begun.text));
    assert!(to_provider.as_str().starts_with(&oidc_provider.issuer), "{to_provider}");
    let back = oidc_provider.sign_in(&mut browser, to_provider, login).await;
    let page = browser.get(reachable_url(harness, back.as_str())).await;
    let page = browser.follow(page, "nowhere").await;
    (browser, page)
}

fn code_on(page: &Page) -> &str {
    let (_, rest) = page.text.split_once("id=\"code\">").unwrap_or_else(|| panic!("no code: {}", page.text));
    rest.split('<').next().unwrap()
}

#[tokio::test]
async fn a_user_signs_in_through_the_card_but_only_the_code_links_them_to_the_chats_user() {
    let oidc_provider = OidcProvider::start("card").await;
    let harness = harness_with(&oidc_provider).await;
    let ada = harness.user("Ada");
    assert_eq!((ada.oid, ada.tid), (OID, TID), "the claims name her, or this proves nothing");
    let message = activities::message(&harness, &ada, "hello");
    let (mut browser, page) = sign_in_behind_the_card(&oidc_provider, &harness, &message, "ada").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("value=\"continue\"") && page.text.contains("<strong>ada</strong>"), "{}", page.text);
    let page = browser.submit(&page, &[("decision", "continue")]).await;
    let page = browser.get(page.location.unwrap()).await;
    assert!(page.text.contains("microsoftTeams"), "in Teams the page says so itself: {}", page.text);
    let code = code_on(&page).to_owned();
    let account = [("userId", "29:ada"), ("connectionName", "tickets"), ("channelId", "msteams")];
    assert_eq!(harness.get_token_as("demo", &account).await.status, 404, "nothing before the code");

    let [user, connection, channel] = account;
    let redeemed = harness.get_token_as("demo", &[user, connection, channel, ("code", &code)]).await;
    assert_eq!(redeemed.status, 200, "{}", String::from_utf8_lossy(&redeemed.body));
    let first = Secret::from(redeemed.json()["token"].as_str().unwrap());
    assert_eq!(user_info(&oidc_provider, &first).await["sub"], "ada");

    // The provider's tokens are valid for ten minutes, and the application refreshes them five minutes before they
    // expire.
    harness.clock.advance(Duration::from_mins(6));
    let refreshed = harness.get_token_as("demo", &account).await;
    assert_eq!(refreshed.status, 200, "{}", String::from_utf8_lossy(&refreshed.body));
    let second = Secret::from(refreshed.json()["token"].as_str().unwrap());
    assert_ne!(second.expose(), first.expose());
    assert_eq!(user_info(&oidc_provider, &second).await["sub"], "ada");
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404, "another connection is another's");
}

#[tokio::test]
async fn a_user_whom_the_provider_sends_back_with_access_denied_is_not_told_that_they_cancelled() {
    let oidc_provider = OidcProvider::start("cancel").await;
    let harness = harness_with(&oidc_provider).await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let mut browser = Browser::new();
    let resource = harness.sign_in_resource(&message, "tickets").await;
    let begun = browser.get(reachable_url(&harness, resource["signInLink"].as_str().unwrap())).await;
    let back = oidc_provider.cancel(&mut browser, begun.location.unwrap()).await;
    let page = browser.get(reachable_url(&harness, back.as_str())).await;
    assert!(page.location.is_none() && page.text.contains("perhaps by you or by your administrator"), "{}", page.text);
    let again = browser.get(reachable_url(&harness, back.as_str())).await;
    assert!(
        again.location.is_none() && again.text.contains("perhaps by you or by your administrator"),
        "repeated: {}",
        again.text
    );
}

#[tokio::test]
async fn an_authorization_response_without_its_issuer_is_not_redeemed() {
    let oidc_provider = OidcProvider::start("issuer").await;
    let harness = harness_with(&oidc_provider).await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    for iss in [None, Some("https://elsewhere.example")] {
        let mut browser = Browser::new();
        let resource = harness.sign_in_resource(&message, "tickets").await;
        let begun = browser.get(reachable_url(&harness, resource["signInLink"].as_str().unwrap())).await;
        let back = oidc_provider.sign_in(&mut browser, begun.location.unwrap(), "ada").await;
        let mut forged = reachable_url(&harness, back.as_str());
        let kept = back.query_pairs().into_owned().filter(|(name, _)| name != "iss");
        forged.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(iss.map(|iss| ("iss", iss)));
        let page = browser.get(forged).await;
        assert!(page.status >= 400 && page.location.is_none(), "{}", page.text);
    }
    assert!(!oidc_provider.peer.events().iter().any(|event| event["event"] == "grant"), "no code got there");
}
