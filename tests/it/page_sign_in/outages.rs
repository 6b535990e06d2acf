//! An outage between the steps loses nothing.

use std::time::Duration;

use super::fixture::{DIALOG, assert_notice, come_back, key_of, redeemed_codes, start, told};

/// A key set is fetched again at most once in this time.
const KEY_REFETCH: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_user_whose_id_token_cannot_be_validated_yet_reloads_and_is_signed_in_by_the_same_code() {
    let harness = start().await;
    let mut browser = harness.browser();
    harness.stage.rotate_keys().await.unwrap();
    harness.stage.faults().set_keys_unavailable(true);
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    for case in ["first", "reloaded"] {
        let page = browser.get(&callback).await;
        assert_notice(case, &page, 503, "Unavailable");
        assert!(page.header("retry-after").is_some(), "{case}");
        assert_eq!(told(&page).unwrap().0["status"], "failed", "{case}");
    }
    harness.stage.faults().set_keys_unavailable(false);
    harness.clock.advance(KEY_REFETCH);
    assert_notice("another browser", &harness.browser().get(&callback).await, 403, "OtherBrowser");
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(browser.get(&last).await.status, 200);
    assert_eq!(redeemed_codes(&harness), 1, "the code was sent once");
}

#[tokio::test]
async fn a_user_whose_token_cannot_be_stored_reloads_and_is_signed_in_by_the_same_code() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let (path, away) = (harness.store_path(), harness.store_path().with_extension("away"));
    std::fs::rename(&path, &away).unwrap();
    assert_notice("no store", &browser.get(&callback).await, 503, "Storage");
    std::fs::rename(&away, &path).unwrap();
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(browser.get(&last).await.status, 200);
    assert_eq!(redeemed_codes(&harness), 1);
}

#[tokio::test]
async fn a_user_who_was_signed_out_everywhere_during_the_outage_has_to_begin_again() {
    let harness = start().await;
    for (signed_out, status) in [("Ben", 302), ("Ada", 410)] {
        let mut browser = harness.browser();
        harness.stage.rotate_keys().await.unwrap();
        harness.stage.faults().set_keys_unavailable(true);
        harness.clock.advance(KEY_REFETCH);
        let callback = come_back(&mut browser, DIALOG, "Ada").await;
        assert_notice("outage", &browser.get(&callback).await, 503, "Unavailable");
        assert_eq!(harness.sign_out_everywhere(&key_of(&harness, signed_out)).await.status, 200);
        harness.stage.faults().set_keys_unavailable(false);
        harness.clock.advance(KEY_REFETCH);
        for case in [signed_out, "the same again"] {
            let answer = browser.get(&callback).await;
            assert_eq!(answer.status, status, "{case}: {}", answer.text());
        }
    }
}
