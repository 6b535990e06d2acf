//! Several sessions of one user, and what a sign-out means for those who ask after it.

use bot_sso::dev::{Fault, FaultRule, GrantKind, Signer};
use serde_json::{Value, json};

use super::fixture::BackEnds;
use crate::harness::waiting::wait_until;

/// A token of Ada from another session and client than that of `subject`.
fn of_another_session(back_ends: &BackEnds, subject: &str) -> String {
    back_ends.harness.forge(Signer::Tenant, subject, |claims| {
        claims["azp"] = json!("1fec8e78-bce4-4aaf-ab1b-5451cc387264");
        claims["sid"] = json!("of-the-desktop");
    })
}

async fn exchange(back_ends: &BackEnds, subject: &str) -> String {
    let answer = back_ends.exchange(subject, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_two_sessions_of_a_user_were_given_stays_active() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let first = exchange(&back_ends, &subject).await;
    let second = exchange(&back_ends, &of_another_session(&back_ends, &subject)).await;
    for given in [&first, &second] {
        assert_eq!(back_ends.introspect(given).await["active"], true);
    }
    assert_eq!((first == second, back_ends.harness.exchanges()), (true, 1));
}

#[tokio::test]
async fn a_revoked_token_that_looks_like_a_users_is_inactive() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    // The provider gives a token that this back end could present, too.
    let given = of_another_session(&back_ends, &subject);
    let body = json!({"access_token": given, "token_type": "Bearer", "expires_in": 3600}).to_string();
    let fault = Fault::Answer { status: 200, content_type: "application/json".to_owned(), body };
    back_ends.harness.stage.faults().add(FaultRule::new(fault).times(1));
    assert_eq!(exchange(&back_ends, &subject).await, given);
    assert_eq!(back_ends.introspect(&given).await["token_type"], "Bearer");
    assert_eq!(back_ends.post_as_orders("/oauth2/revoke", &[("token", &given)]).await.status, 200);
    assert_eq!(back_ends.introspect(&given).await, json!({"active": false}));
    assert_eq!(back_ends.introspect(&subject).await["active"], true, "the user's token itself stays valid");
}

#[tokio::test]
async fn a_caller_that_asks_after_a_sign_out_is_not_told_of_it() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let (ada, stage) = (back_ends.harness.user("Ada"), &back_ends.harness.stage);
    stage.faults().add(FaultRule::new(Fault::Slow { millis: 1500 }).times(1));
    let later = async {
        wait_until("the exchange", async || stage.calls().count(GrantKind::OnBehalfOf) > 0).await;
        assert_eq!(back_ends.harness.sign_out_everywhere(&format!("{}@{}", ada.oid, ada.tid)).await.status, 200);
        back_ends.exchange(&subject, &[]).await
    };
    let (earlier, later) = tokio::join!(back_ends.exchange(&subject, &[]), later);
    assert_eq!((earlier.status, earlier.json()["error"].clone()), (400, Value::from("invalid_grant")));
    assert_eq!(later.status, 200, "{}", later.text());
    assert_eq!(back_ends.harness.exchanges(), 2);
}
