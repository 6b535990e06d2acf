//! Direct Line and Web Chat, where a client may choose its own user id: which ids count as verified, and how an account
//! is pinned to an identity.

use serde_json::Value;

use super::{Scenario, assert_mismatch, is_kept, success};
use crate::harness::{Harness, Options, activities};

async fn exchange(harness: &Harness, user: &str, channel: &str, user_id: &str) -> Value {
    activities::on_channel(super::exchange_of(harness, user, "x").await, channel, user_id)
}

#[tokio::test]
async fn a_user_id_that_the_client_may_have_chosen_is_refused() {
    let harness = Harness::start().await;
    let oid = harness.user("Ada").oid;
    for channel in ["directline", "webchat"] {
        for user_id in ["r_ada", "ada", oid, "DL_ada", "xdl_ada"] {
            let activity = exchange(&harness, "Ada", channel, user_id).await;
            assert_mismatch(&format!("{channel} {user_id}"), &harness.post(&activity).await, "unverified_id");
            assert!(!is_kept(&harness, &activity, "graph").await);
        }
        let mut claimed = exchange(&harness, "Ada", channel, "r_ada").await;
        claimed["from"]["aadObjectId"] = oid.into();
        assert_mismatch("a claimed aadObjectId proves nothing", &harness.post(&claimed).await, "unverified_id");
    }
    assert_eq!(harness.exchanges(), 0);
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_user_id_that_the_operator_declares_verified_is_accepted() {
    for (setting, accepted, refused) in [("\"all\"", "anything", None), ("[\"r_\"]", "r_ada", Some("dl_ada"))] {
        let identity = format!("verified_user_ids = {setting}");
        let harness = Harness::with(Options { identity, ..Options::default() }).await;
        let answer = harness.post(&exchange(&harness, "Ada", "webchat", accepted).await).await;
        assert_eq!((answer.status, answer.json()), (200, success()), "{setting}");
        if let Some(user_id) = refused {
            let answer = harness.post(&exchange(&harness, "Ada", "webchat", user_id).await).await;
            assert_mismatch(setting, &answer, "unverified_id");
        }
    }
}

#[tokio::test]
async fn an_account_stays_pinned_to_its_first_identity_across_a_restart() {
    let mut harness = Harness::start().await;
    let (ada, ben) =
        (exchange(&harness, "Ada", "directline", "dl_1").await, exchange(&harness, "Ben", "directline", "dl_1").await);
    let cleo = exchange(&harness, "Cleo", "directline", "dl_1").await;
    assert_eq!(harness.post(&cleo).await.status, 412, "a failure pins nobody");
    assert_eq!(harness.post(&ada).await.status, 200);
    harness.bot_received(1).await;
    assert_mismatch("pinned", &harness.post(&ben).await, "pin");
    harness.restart(&Options::default()).await;
    assert_mismatch("pinned, restarted", &harness.post(&ben).await, "pin");
    assert_eq!(harness.post(&ada).await.status, 200);
    assert_eq!(harness.exchanges(), 2, "Cleo's and Ada's");
    let kept = harness.get_token("directline", "dl_1", "graph").await.json();
    assert_eq!(kept["token"], harness.bot.received()[0].json()["value"]["token"]);
    let elsewhere = exchange(&harness, "Ben", "webchat", "dl_1").await;
    assert_eq!(harness.post(&elsewhere).await.status, 200, "a pin is one channel's");
}

#[tokio::test]
async fn exactly_one_of_two_identities_that_race_for_an_account_is_pinned() {
    let scenario = Scenario::start().await;
    let harness = &scenario.harness;
    for round in 0..3 {
        let user_id = format!("dl_race_{round}");
        let (ada, ben) = (
            exchange(harness, "Ada", "directline", &user_id).await,
            exchange(harness, "Ben", "directline", &user_id).await,
        );
        let before = harness.bot.received().len();
        let (first, second) = tokio::join!(harness.post(&ada), harness.post(&ben));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        let events = harness.received_once_settled().await;
        assert_eq!(events.len(), before + 1, "the bot hears of the winner only");
        let kept = harness.get_token("directline", &user_id, "graph").await.json();
        assert_eq!(kept["token"], events[before].json()["value"]["token"]);
    }
}
