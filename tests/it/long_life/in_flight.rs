//! A sign-out ends tokens that are being fetched at that moment: such a token is neither returned nor stored.

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::operations::key_of;
use super::{
    ADA, UNTIL_EXPIRED, assert_nothing, fail_refreshes_with, get, refreshable, refreshes, requests_with,
    sign_ben_in_anew, sign_in, token, with_ada,
};
use crate::harness::waiting::wait_until;
use crate::harness::{Harness, activities};

const SLOW: Fault = Fault::Slow { millis: 700 };

#[derive(Clone, Copy, Debug)]
enum SignOutKind {
    OneConnection,
    AllConnections,
    Operator,
}

const SIGN_OUT_KINDS: [SignOutKind; 3] =
    [SignOutKind::OneConnection, SignOutKind::AllConnections, SignOutKind::Operator];

/// Signs Ada out when the identity provider has received `count` requests with `grant` and not yet answered the last.
async fn sign_out_when(harness: &Harness, way: SignOutKind, grant: GrantKind, count: u64) {
    wait_until("a request", async || harness.stage.calls().count(grant) == count).await;
    let answer = match way {
        SignOutKind::OneConnection => harness.sign_out(&ADA).await,
        SignOutKind::AllConnections => harness.sign_out(&[ADA[0], ADA[2]]).await,
        SignOutKind::Operator => harness.sign_out_everywhere(&key_of(harness, "Ada")).await,
    };
    assert_eq!(answer.status, 200);
    assert_eq!(requests_with(harness, grant).len() as u64, count - 1, "{way:?}: it was still in flight");
}

/// Asserts that neither the memory nor the store has a token, and that no refresh can obtain one.
async fn assert_gone(harness: &mut Harness) {
    harness.stage.faults().clear();
    let before = refreshes(harness);
    assert_nothing(&get(harness).await);
    harness.restart(&refreshable()).await;
    assert_nothing(&get(harness).await);
    assert_eq!(refreshes(harness), before);
}

#[tokio::test]
async fn a_refresh_that_a_bot_waits_for_stores_no_token_after_a_sign_out() {
    for way in SIGN_OUT_KINDS {
        let mut harness = with_ada(refreshable()).await;
        harness.clock.advance(UNTIL_EXPIRED);
        fail_refreshes_with(&harness, SLOW);
        let signing_out = sign_out_when(&harness, way, GrantKind::RefreshToken, 1);
        let (answer, ()) = tokio::join!(get(&harness), signing_out);
        assert_nothing(&answer);
        assert_eq!(requests_with(&harness, GrantKind::RefreshToken)[0]["status"], 200, "{way:?}: and it was answered");
        assert_gone(&mut harness).await;
    }
}

#[tokio::test]
async fn a_background_refresh_stores_no_token_after_a_sign_out() {
    for way in SIGN_OUT_KINDS {
        let mut harness = Harness::with(refreshable()).await;
        harness.stage.sessions().set_refresh_in(Some(600));
        assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
        harness.clock.advance(UNTIL_EXPIRED / 2);
        fail_refreshes_with(&harness, SLOW);
        token(&harness).await;
        sign_out_when(&harness, way, GrantKind::RefreshToken, 1).await;
        assert_nothing(&get(&harness).await);
        wait_until("the answer", async || requests_with(&harness, GrantKind::RefreshToken).len() == 1).await;
        sign_ben_in_anew(&harness).await;
        assert_gone(&mut harness).await;
    }
}

#[tokio::test]
async fn an_exchange_stores_no_token_after_a_sign_out_and_the_client_shows_its_card() {
    for way in SIGN_OUT_KINDS {
        let mut harness = with_ada(refreshable()).await;
        assert_eq!(harness.sign_out(&ADA).await.status, 200);
        harness.stage.faults().add(FaultRule::new(SLOW));
        let signing_out = sign_out_when(&harness, way, GrantKind::OnBehalfOf, 2);
        let (answer, ()) = tokio::join!(sign_in(&harness, "Ada", "graph", "second"), signing_out);
        assert_eq!((answer.status, answer.detail().contains("sign")), (412, true), "{way:?}: {}", answer.detail());
        assert_gone(&mut harness).await;
        assert_eq!(sign_in(&harness, "Ada", "graph", "third").await.status, 200, "{way:?}: and then as ever");
        assert_eq!(get(&harness).await.status, 200);
    }
}

#[tokio::test]
async fn a_sign_out_does_not_affect_an_exchange_for_another_connection() {
    let harness = with_ada(refreshable()).await;
    harness.stage.faults().add(FaultRule::new(SLOW));
    let signing_out = sign_out_when(&harness, SignOutKind::OneConnection, GrantKind::OnBehalfOf, 2);
    let (answer, ()) = tokio::join!(sign_in(&harness, "Ada", "mail", "mail"), signing_out);
    assert_eq!(answer.status, 200);
    assert_eq!(harness.get_token("msteams", "29:ada", "mail").await.status, 200);
}

#[tokio::test]
async fn an_exchange_that_ends_after_a_sign_out_does_not_pin_its_account() {
    let harness = Harness::with(refreshable()).await;
    let exchange = async |user: &str, id: &str| {
        let token = harness.user_token(user, "graph").await;
        let activity = activities::exchange(&harness, &harness.user(user), id, &token);
        harness.post(&activities::on_channel(activity, "directline", "dl_1")).await.status
    };
    harness.stage.faults().add(FaultRule::new(SLOW).times(1));
    let sign_out = async {
        wait_until("the exchange", async || harness.exchanges() == 1).await;
        harness.sign_out(&[("userId", "dl_1"), ("channelId", "directline")]).await.status
    };
    assert_eq!(tokio::join!(exchange("Ada", "1"), sign_out), (412, 200));
    assert_eq!(exchange("Ben", "2").await, 200, "the account is nobody's");
}
