//! Tokens of Entra that are exchanged at another provider.

use std::time::Duration;

use bot_sso::domain::UserKey;
use serde_json::json;

use super::browser::Browser;
use super::exchanges::{Exchanges, ExchangingConnection, OF_ENTRA};
use super::{code_on, reachable_url, user_info};
use crate::harness::activities;
use crate::harness::refusals::{assert_mismatch, assert_refused};
use crate::harness::waiting::wait_for;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[tokio::test]
async fn a_user_of_teams_signs_in_silently_at_another_provider_with_a_token_of_entra() {
    let table = format!(
        "{OF_ENTRA}, audience = [\"tickets-api\", \"tickets archive\"], requested_token_type = \"access_token\", parameters = {{ subject_issuer = \"corporate\" }}"
    );
    let fixture = Exchanges::start("teams", &[ExchangingConnection::new("tickets", table)]).await;
    let (harness, ada) = (&fixture.harness, fixture.user("Ada"));
    let message = activities::message(harness, &ada, "hello");
    let card = harness.sign_in_resource(&message, "tickets").await;
    let uri = format!("api://botid-{}", harness.bot_app_id("demo"));
    assert_eq!(card["tokenExchangeResource"]["uri"], json!(uri), "the card is silent: {card}");

    let token = fixture.entra_token("Ada").await;
    for duplicate in 0..3 {
        let answer = fixture.exchange(&message, "tickets", &token).await;
        assert_eq!(answer.status, 200, "{duplicate}: {}", String::from_utf8_lossy(&answer.body));
    }
    assert_eq!(
        fixture.seen(),
        [json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": true,
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": ["tickets-api", "tickets archive"],
            "scope": "openid profile offline_access",
            "subject_issuer": "corporate",
        })],
        "duplicates make one exchange"
    );
    let first = fixture.get_token("msteams", "29:ada", "tickets").await.unwrap();
    assert_eq!(user_info(&fixture.provider, &first).await["sub"], "ada");

    // The provider's tokens are valid for ten minutes, and are refreshed five minutes before they end.
    harness.clock.advance(Duration::from_mins(6));
    let second = fixture.get_token("msteams", "29:ada", "tickets").await.unwrap();
    assert_ne!(second.expose(), first.expose());
    assert_eq!(user_info(&fixture.provider, &second).await["sub"], "ada");
    assert_eq!(fixture.seen().len(), 1, "a refresh is no exchange");

    let person = UserKey::entra(ada.oid, ada.tid).to_string();
    assert_eq!(harness.sign_out_everywhere(&person).await.status, 200);
    assert_eq!(fixture.get_token("msteams", "29:ada", "tickets").await.err(), Some(404));
    wait_for("the revocation at the provider", async || {
        (user_info(&fixture.provider, &second).await["error"] == "invalid_token").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_token_of_entra_is_bound_as_ever_before_it_is_sent_anywhere() {
    let fixture = Exchanges::start("bound", &[ExchangingConnection::new("tickets", OF_ENTRA)]).await;
    let (harness, ada) = (&fixture.harness, fixture.user("Ada"));
    let message = activities::message(harness, &ada, "hello");
    let bens = fixture.entra_token("Ben").await;
    assert_mismatch("another person's", &fixture.exchange(&message, "tickets", &bens).await, "oid");
    let chosen = fixture.on_web_chat("chosen by the client");
    assert_mismatch("unverified", &fixture.exchange(&chosen, "tickets", &bens).await, "unverified_id");
    let own = fixture.page_token("ada", Some(super::exchanges::RESOURCE)).await;
    assert_refused("the provider's", &fixture.exchange(&message, "tickets", &own).await, 400, "assertion_rejected");
    assert_eq!(fixture.seen(), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_provider_without_token_exchange_is_asked_by_the_grant_jwt_bearer() {
    let table = format!("{OF_ENTRA}, grant = \"jwt_bearer\", resource = [\"https://tickets.example/\"]");
    let fixture = Exchanges::start("jwt-bearer", &[ExchangingConnection::new("tickets", table)]).await;
    let message = activities::message(&fixture.harness, &fixture.user("Ada"), "hello");
    let answer = fixture.exchange(&message, "tickets", &fixture.entra_token("Ada").await).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let seen = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": true,
        "resource": "https://tickets.example/",
        "scope": "openid profile offline_access",
    });
    assert_eq!(fixture.seen(), [seen]);
    let token = fixture.get_token("msteams", "29:ada", "tickets").await.unwrap();
    assert_eq!(user_info(&fixture.provider, &token).await["sub"], "ada");
}

/// Signs `login` in behind a card for the activity's user, and brings the code into the chat.
async fn sign_in_by_browser(fixture: &Exchanges, activity: &serde_json::Value, login: &str) {
    let (harness, mut browser) = (&fixture.harness, Browser::new());
    let card = harness.sign_in_resource(activity, "tickets").await;
    let begun = browser.get(reachable_url(harness, card["signInLink"].as_str().unwrap())).await;
    let back = fixture.provider.sign_in(&mut browser, begun.location.unwrap(), login).await;
    let page = browser.get(reachable_url(harness, back.as_str())).await;
    let page = browser.follow(page, "nowhere").await;
    let page = browser.submit(&page, &[("decision", "continue")]).await;
    let page = browser.get(page.location.unwrap()).await;
    let user_id = activity["from"]["id"].as_str().unwrap();
    let query =
        [("userId", user_id), ("connectionName", "tickets"), ("channelId", "webchat"), ("code", code_on(&page))];
    let redeemed = harness.get_token_as("demo", &query).await;
    assert_eq!(redeemed.status, 200, "{}", String::from_utf8_lossy(&redeemed.body));
}

#[tokio::test]
async fn a_browser_sign_in_at_the_provider_neither_locks_out_nor_replaces_the_person_of_entra() {
    let fixture = Exchanges::start("browser", &[ExchangingConnection::new("tickets", OF_ENTRA)]).await;
    let activity = fixture.on_web_chat("dl_ada");
    let (adas, bens) = (fixture.entra_token("Ada").await, fixture.entra_token("Ben").await);
    let who = async || {
        let token = fixture.get_token("webchat", "dl_ada", "tickets").await.unwrap();
        user_info(&fixture.provider, &token).await["sub"].as_str().unwrap().to_owned()
    };
    // The browser's user has an id of the provider, which says nothing about whose the account is at Entra.
    sign_in_by_browser(&fixture, &activity, "lin").await;
    assert_eq!(who().await, "lin");
    let answer = fixture.exchange(&activity, "tickets", &adas).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(who().await, "ada");
    assert_mismatch("pinned", &fixture.exchange(&activity, "tickets", &bens).await, "pin");

    sign_in_by_browser(&fixture, &activity, "grace").await;
    assert_eq!(who().await, "grace", "the user who brought the code has chosen another account of the provider");
    assert_mismatch("still pinned", &fixture.exchange(&activity, "tickets", &bens).await, "pin");
    assert_eq!(fixture.exchange(&activity, "tickets", &adas).await.status, 200);
    assert_eq!(who().await, "ada");
    assert_eq!(fixture.seen().len(), 2, "neither of Ben's attempts");
}
