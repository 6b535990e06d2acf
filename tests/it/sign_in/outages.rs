//! An outage between two steps of a browser's sign-in: what was redeemed waits for the same browser
//! (docs/architecture.md §The same browser gets the same answer).

use std::path::PathBuf;
use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::{WEB_CHAT_USER, assert_notice, card, redeem, token_owner};
use crate::harness::waiting::wait_for;
use crate::harness::{Browser, Harness, Options, logs};

const CONTINUE: &[(&str, &str)] = &[("decision", "continue")];
const CANCEL: &[(&str, &str)] = &[("decision", "cancel")];
/// A key set is fetched again at most once in this time.
const KEY_REFETCH: Duration = Duration::from_secs(10);

fn redeemed_codes(harness: &Harness) -> u64 {
    harness.stage.calls().count(GrantKind::AuthorizationCode)
}

fn user_key(harness: &Harness, name: &str) -> String {
    let user = harness.user(name);
    format!("{}@{}", user.oid, user.tid)
}

/// The browser goes on with the redeemed code of `callback`, and signs Ada in.
async fn assert_ada_goes_on(harness: &Harness, browser: &mut Browser<'_>, callback: &str) {
    let last = browser.get(callback).await.location().to_owned();
    assert_eq!(redeemed_codes(harness), 1, "the code was sent once");
    let code = browser.post(&last, CONTINUE).await.code();
    assert_eq!(token_owner(&redeem(harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}

/// While the store's file is away, the store refuses all work.
struct AwayStore(PathBuf, PathBuf);

impl AwayStore {
    fn take(harness: &Harness) -> Self {
        let (path, away) = (harness.store_path(), harness.store_path().with_extension("away"));
        std::fs::rename(&path, &away).unwrap();
        Self(path, away)
    }

    fn bring_back(self) {
        std::fs::rename(self.1, self.0).unwrap();
    }
}

#[tokio::test]
async fn a_user_whose_id_token_cannot_be_validated_yet_reloads_and_is_signed_in_by_the_same_code() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    harness.stage.rotate_keys().await.unwrap();
    harness.stage.faults().set_keys_unavailable(true);
    let callback = browser.log_in(&authorize, "Ada").await;
    for case in ["first", "reloaded"] {
        let page = browser.get(&callback).await;
        assert_notice(case, &page, 503, "Unavailable");
        assert!(page.header("retry-after").is_some(), "{case}");
    }
    harness.stage.faults().set_keys_unavailable(false);
    harness.clock.advance(KEY_REFETCH);
    assert_notice("another browser", &harness.browser().get(&callback).await, 403, "OtherBrowser");
    assert_ada_goes_on(&harness, &mut browser, &callback).await;
}

#[tokio::test]
async fn a_code_that_was_redeemed_in_an_outage_makes_room_for_no_other_code() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let bens = browser.log_in(&authorize, "Ben").await;
    harness.stage.rotate_keys().await.unwrap();
    harness.stage.faults().set_keys_unavailable(true);
    let adas = browser.log_in(&authorize, "Ada").await;
    assert_notice("Ada's", &browser.get(&adas).await, 503, "Unavailable");
    harness.stage.faults().set_keys_unavailable(false);
    harness.clock.advance(KEY_REFETCH);
    let last = browser.get(&bens).await.location().to_owned();
    assert!(browser.get(&last).await.text().contains("ada@contoso.example"));
    assert_eq!(redeemed_codes(&harness), 1);
}

#[tokio::test]
async fn a_user_who_was_signed_out_everywhere_during_the_outage_has_to_begin_again() {
    let harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    for (signed_out, status, reason) in [("Ben", 302, ""), ("Ada", 410, "LinkUnknown")] {
        let mut browser = harness.browser();
        let authorize = browser.begin(&card(&harness).await).await;
        harness.stage.rotate_keys().await.unwrap();
        harness.stage.faults().set_keys_unavailable(true);
        let callback = browser.log_in(&authorize, "Ada").await;
        harness.clock.advance(KEY_REFETCH);
        assert_notice("outage", &browser.get(&callback).await, 503, "Unavailable");
        assert_eq!(harness.sign_out_everywhere(&user_key(&harness, signed_out)).await.status, 200);
        harness.stage.faults().set_keys_unavailable(false);
        harness.clock.advance(KEY_REFETCH);
        let answer = browser.get(&callback).await;
        assert_eq!(answer.status, status, "{signed_out}: {}", answer.text());
        if status != 302 {
            assert_notice(signed_out, &answer, status, reason);
            assert_notice("the same again", &browser.get(&callback).await, status, reason);
        }
    }
}

#[tokio::test]
async fn a_sign_out_of_the_chat_during_the_outage_ends_the_sign_in() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    harness.stage.rotate_keys().await.unwrap();
    harness.stage.faults().set_keys_unavailable(true);
    let callback = browser.log_in(&authorize, "Ada").await;
    assert_notice("outage", &browser.get(&callback).await, 503, "Unavailable");
    harness.stage.faults().set_keys_unavailable(false);
    harness.clock.advance(KEY_REFETCH);
    let signed_out = harness.sign_out(&[("userId", WEB_CHAT_USER), ("channelId", "webchat")]).await;
    assert_eq!(signed_out.status, 200, "{}", signed_out.text());
    assert_notice("signed out", &browser.get(&callback).await, 410, "LinkUnknown");
}

#[tokio::test]
async fn a_user_whose_next_step_cannot_be_stored_reloads_and_is_signed_in_by_the_same_code() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let slow = Fault::Slow { millis: 700 };
    harness.stage.faults().add(FaultRule::new(slow).for_grant(Some(GrantKind::AuthorizationCode)).times(1));
    let mut tab = browser.tab();
    let (answer, away) = tokio::join!(tab.get(&callback), async {
        wait_for("the code's arrival", async || (redeemed_codes(&harness) == 1).then_some(())).await;
        AwayStore::take(&harness)
    });
    assert_notice("the store is away", &answer, 503, "Storage");
    away.bring_back();
    assert_ada_goes_on(&harness, &mut browser, &callback).await;
}

#[tokio::test]
async fn a_user_confirms_cancels_and_types_the_code_again_after_the_store_was_away() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    let away = AwayStore::take(&harness);
    assert_notice("confirmed", &browser.submit(&last, CONTINUE).await, 503, "Storage");
    assert_notice("cancelled", &browser.submit(&last, CANCEL).await, 503, "Storage");
    away.bring_back();
    let code = browser.post(&last, CONTINUE).await.code();
    let away = AwayStore::take(&harness);
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 503);
    away.bring_back();
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn the_tokens_that_wait_in_an_outage_are_in_no_log() {
    let harness = Harness::start().await;
    let before = logs::length();
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    harness.stage.rotate_keys().await.unwrap();
    harness.stage.faults().set_keys_unavailable(true);
    let callback = browser.log_in(&authorize, "Ada").await;
    browser.get(&callback).await;
    let logged = logs::since(before);
    let of_this: Vec<_> = logged.lines().filter(|line| line.contains(&harness.tag)).collect();
    assert!(!of_this.is_empty() && of_this.iter().all(|line| !line.contains("eyJ")), "{of_this:?}");
}
