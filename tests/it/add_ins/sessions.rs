//! Two Office sessions of one user: other clients, other sessions, one kept token.

use bot_sso::dev::Signer;
use serde_json::json;

use super::fixture::{Fixture, ME};

/// A token of Ada from a session of the client that the stage calls `client`.
async fn session_token(fixture: &Fixture, client: &str, session: &str) -> String {
    let token = fixture.office_token("Ada").await;
    let directory = fixture.stage.directory();
    let client_id = directory.clients.iter().find(|entry| entry.name == client).unwrap().client_id;
    fixture.harness.forge(Signer::Tenant, &token, |claims| {
        claims["azp"] = json!(client_id);
        claims["sid"] = json!(session);
    })
}

#[tokio::test]
async fn two_sessions_of_a_user_that_call_in_turn_share_one_exchange() {
    let fixture = Fixture::start().await;
    let office = session_token(&fixture, "office", "of-the-browser").await;
    let teams = session_token(&fixture, "teams-desktop", "of-the-desktop").await;
    for _ in 0..10 {
        for token in [&office, &teams] {
            let answer = fixture.get_as(token, ME).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert_eq!(fixture.exchanges(), 1);
    let calls = fixture.api.calls();
    assert_eq!(calls.len(), 20);
    assert!(calls.iter().all(|call| call.bearer() == calls[0].bearer()));
}

#[tokio::test]
async fn a_token_of_a_stronger_sign_in_gets_an_exchange_of_its_own() {
    let fixture = Fixture::start().await;
    let plain = fixture.office_token("Ada").await;
    let stronger = fixture.harness.forge(Signer::Tenant, &plain, |claims| claims["acrs"] = json!(["c1"]));
    for token in [&plain, &stronger, &stronger] {
        assert_eq!(fixture.get_as(token, ME).await.status, 200);
    }
    assert_eq!(fixture.exchanges(), 2);
}
