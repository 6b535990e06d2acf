//! A sign-out everywhere ends what a user has begun, and what came of it.

use super::fixture::{DIALOG, FRONT, arrive, assert_notice, begin, come_back, key_of, login, start, told};

#[tokio::test]
async fn a_sign_out_everywhere_ends_a_sign_in_at_every_step() {
    let harness = start().await;
    let front = login("queried", &[("from_url", FRONT)]);
    for door in [DIALOG, &front] {
        let mut browser = harness.browser();
        let callback = come_back(&mut browser, door, "Ada").await;
        assert_eq!(harness.sign_out_everywhere(&key_of(&harness, "Ben")).await.status, 200);
        let early = begin(&mut browser, door).await;
        assert_eq!(harness.sign_out_everywhere(&key_of(&harness, "Ada")).await.status, 200);
        assert_notice("at the provider", &browser.get(&callback).await, 410, "LinkUnknown");
        let bens = browser.log_in(&early, "Ben").await;
        assert_eq!(browser.get(&bens).await.status, 302, "Ben was signed out before he began");

        let callback = come_back(&mut browser, door, "Ada").await;
        assert_eq!(browser.get(&callback).await.status, 302, "begun after the sign-out");
        assert_eq!(harness.sign_out_everywhere(&key_of(&harness, "Ada")).await.status, 200);
        let late = browser.get(&callback).await;
        assert_notice("after the end", &late, 410, "StateUnknown");
        assert!(late.text().contains("id=\"again\""), "{}", late.text());
        assert_eq!(browser.get(&bens).await.status, 302, "Ben is still signed in");
    }
}

#[tokio::test]
async fn the_last_page_says_nothing_of_a_user_who_is_signed_out() {
    let harness = start().await;
    let mut browser = harness.browser();
    let last = arrive(&mut browser, DIALOG, "Ada").await;
    assert_eq!(harness.sign_out_everywhere(&key_of(&harness, "Ada")).await.status, 200);
    let page = browser.get(&last).await;
    assert_notice("signed out", &page, 410, "StateUnknown");
    assert_eq!(told(&page).unwrap().0["status"], "failed");
    let last = arrive(&mut browser, DIALOG, "Ada").await;
    assert_eq!(browser.get(&last).await.status, 200, "signed in anew");
}
