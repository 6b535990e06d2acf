//! A provider's own access tokens, which are exchanged at that provider: bound by a verified user id and a pin, and refused
//! where a channel states users by Entra's ids.

use std::time::Duration;

use serde_json::Value;

use super::exchanges::{Exchanges, ExchangingConnection, OWN, RESOURCE};
use super::user_info;
use crate::harness::refusals::{assert_mismatch, assert_refused};
use crate::harness::{Answer, activities, logs};

#[tokio::test]
async fn the_first_user_of_the_provider_keeps_the_account_until_sign_out() {
    let fixture = Exchanges::start("own", &[ExchangingConnection::new("tickets", OWN)]).await;
    let (harness, activity) = (&fixture.harness, fixture.on_web_chat("dl_ada"));
    let card = harness.sign_in_resource(&activity, "tickets").await;
    assert!(card["tokenExchangeResource"]["uri"].is_string(), "the card is silent: {card}");
    let (adas, graces) =
        (fixture.page_token("ada", Some(RESOURCE)).await, fixture.page_token("grace", Some(RESOURCE)).await);
    assert_eq!(fixture.exchange(&activity, "tickets", &adas).await.status, 200);
    let token = fixture.get_token("webchat", "dl_ada", "tickets").await.unwrap();
    assert_eq!(user_info(&fixture.provider, &token).await["sub"], "ada");
    assert_mismatch("pinned", &fixture.exchange(&activity, "tickets", &graces).await, "pin");
    assert_eq!(fixture.exchange(&fixture.on_web_chat("dl_grace"), "tickets", &graces).await.status, 200);

    let account = [("userId", "dl_ada"), ("channelId", "webchat")];
    assert_eq!(harness.sign_out(&account).await.status, 200);
    assert_eq!(fixture.get_token("webchat", "dl_ada", "tickets").await.err(), Some(404));
    assert_eq!(fixture.exchange(&activity, "tickets", &graces).await.status, 200, "the pin has ended");
}

#[tokio::test]
async fn a_persons_pins_at_entra_and_at_the_provider_do_not_contradict_each_other() {
    let fixture = Exchanges::start("two-pins", &[ExchangingConnection::new("tickets", OWN)]).await;
    let activity = fixture.on_web_chat("dl_ada");
    assert_eq!(fixture.exchange(&activity, "graph", &fixture.entra_token("Ada").await).await.status, 200);
    let adas = fixture.page_token("ada", Some(RESOURCE)).await;
    assert_eq!(fixture.exchange(&activity, "tickets", &adas).await.status, 200);
    let graces = fixture.page_token("grace", Some(RESOURCE)).await;
    assert_mismatch("the provider's pin", &fixture.exchange(&activity, "tickets", &graces).await, "pin");
    assert_mismatch(
        "Entra's pin",
        &fixture.exchange(&activity, "graph", &fixture.entra_token("Ben").await).await,
        "pin",
    );
}

#[tokio::test]
async fn nothing_binds_a_providers_own_token_on_teams_or_to_an_id_that_the_client_has_chosen() {
    let fixture = Exchanges::start("unbound", &[ExchangingConnection::new("tickets", OWN)]).await;
    let harness = &fixture.harness;
    let message = activities::message(harness, &fixture.user("Ada"), "hello");
    let card = harness.sign_in_resource(&message, "tickets").await;
    assert_eq!(card.get("tokenExchangeResource"), None, "the card asks for no token: {card}");
    let adas = fixture.page_token("ada", Some(RESOURCE)).await;
    assert_mismatch("Teams", &fixture.exchange(&message, "tickets", &adas).await, "other_issuer");
    let chosen = fixture.on_web_chat("chosen by the client");
    let card = harness.sign_in_resource(&chosen, "tickets").await;
    assert_eq!(card.get("tokenExchangeResource"), None, "{card}");
    assert_mismatch("Web Chat", &fixture.exchange(&chosen, "tickets", &adas).await, "unverified_id");
    assert_eq!(fixture.seen(), Vec::<Value>::new());
}

/// Asserts that the token was refused by `check` and that the log has a hint with these words.
fn assert_rejected(case: &str, answer: &Answer, check: &str, hint: &str) {
    assert_refused(case, answer, 400, &format!("assertion_rejected:{check}"));
    let lines = logs::lines_of(&answer.correlation_id());
    let has_hint = |line: &Value| line["hint"].as_str().is_some_and(|text| text.contains(hint));
    assert!(lines.iter().any(has_hint), "{case}: {lines:?}");
}

#[tokio::test]
async fn a_token_that_is_no_users_access_token_for_this_application_is_refused() {
    let strict = ExchangingConnection::new("strict", OWN).with("required_scopes = [\"chat.write\"]");
    let listed = ExchangingConnection::new("listed", OWN).with("authorized_clients = [\"another page\"]");
    let connections = [ExchangingConnection::new("tickets", OWN), strict, listed];
    let fixture = Exchanges::start("own-refused", &connections).await;
    let activity = fixture.on_web_chat("dl_ada");
    let adas = fixture.page_token("ada", Some(RESOURCE)).await;
    let elsewhere = fixture.page_token("ada", Some("https://other.example.com")).await;
    let (opaque, apps) = (fixture.page_token("ada", None).await, fixture.app_token().await);
    let entras = fixture.entra_token("Ada").await;
    let (unsigned, _) = adas.rsplit_once('.').unwrap();
    let forged = format!("{unsigned}.{}", elsewhere.rsplit_once('.').unwrap().1);
    for (case, connection, token, check, hint) in [
        ("another audience", "tickets", &elsewhere, "aud", "accepted_audiences"),
        ("opaque", "tickets", &opaque, "form", "is opaque"),
        ("an application's", "tickets", &apps, "app_only", "client_credentials"),
        ("Entra's", "tickets", &entras, "iss", "subject = \"entra\""),
        ("forged", "tickets", &forged, "signature", "key set"),
        ("another scope", "strict", &adas, "scp", "required_scopes"),
        ("another client", "listed", &adas, "azp", "authorized_clients"),
    ] {
        assert_rejected(case, &fixture.exchange(&activity, connection, token).await, check, hint);
    }
    assert_eq!(fixture.seen(), Vec::<Value>::new(), "nothing was sent to the provider");
    fixture.harness.clock.advance(Duration::from_mins(10));
    assert_refused("ended", &fixture.exchange(&activity, "tickets", &adas).await, 412, "assertion_expired");
}
