//! The same browser gets the same answer (docs/architecture.md §The same browser gets the same answer).

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::fixture::{
    DIALOG, FRONT, begin, come_back, login, parameter, redeemed_codes, start, start_with_options, told,
};
use crate::harness::raw::{Wire, blocking};
use crate::harness::waiting::wait_for;

#[tokio::test]
async fn a_return_that_is_delivered_twice_leads_to_the_same_page_also_after_a_restart() {
    let (mut harness, options) = start_with_options().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    for _ in 0..2 {
        assert_eq!(browser.get(&callback).await.location(), last);
        assert_eq!(told(&browser.get(&last).await).unwrap().0["status"], "signed_in");
    }
    let cookies = browser.cookies;
    harness.restart(&options).await;
    let mut browser = harness.browser();
    browser.cookies = cookies;
    assert_eq!(browser.get(&callback).await.location(), last);
    assert_eq!(browser.get(&last).await.status, 200);
    assert_eq!(redeemed_codes(&harness), 1);
}

#[tokio::test]
async fn returns_at_the_same_time_share_one_redemption_and_are_told_the_same() {
    let harness = start().await;
    let mut browser = harness.browser();
    let from_url = format!("{FRONT}/");
    let callback = come_back(&mut browser, &login("queried", &[("from_url", &from_url)]), "Ada").await;
    let (mut one, mut two, mut three) = (browser.tab(), browser.tab(), browser.tab());
    let answers = tokio::join!(one.get(&callback), two.get(&callback), three.get(&callback));
    for answer in [answers.0, answers.1, answers.2, browser.get(&callback).await] {
        assert_eq!(parameter(answer.location(), "is_new_user").as_deref(), Some("true"), "whichever arrives");
        assert!(parameter(answer.location(), "access_token").is_some());
    }
    assert_eq!(redeemed_codes(&harness), 1);
}

#[tokio::test]
async fn two_tabs_sign_in_side_by_side() {
    let harness = start().await;
    let mut browser = harness.browser();
    let first = begin(&mut browser, DIALOG).await;
    let mut tab = browser.tab();
    let second = begin(&mut tab, DIALOG).await;
    assert_eq!(browser.cookies, tab.cookies, "the browser keeps its secret");
    for (authorize, user) in [(&second, "Ben"), (&first, "Ada")] {
        let callback = browser.log_in(authorize, user).await;
        let last = browser.get(&callback).await.location().to_owned();
        let page = browser.get(&last).await.text();
        assert!(page.contains(&format!("{}@contoso.example", user.to_lowercase())), "{page}");
    }
}

#[tokio::test]
async fn a_state_whose_code_was_redeemed_takes_no_other_code() {
    let harness = start().await;
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, DIALOG).await;
    let (adas, bens) = (browser.log_in(&authorize, "Ada").await, browser.log_in(&authorize, "Ben").await);
    let last = browser.get(&adas).await.location().to_owned();
    assert_eq!(browser.get(&bens).await.location(), last);
    assert!(browser.get(&last).await.text().contains("ada@contoso.example"));
    assert_eq!(redeemed_codes(&harness), 1);
}

#[tokio::test]
async fn a_browser_that_hangs_up_stops_nothing() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let slow = Fault::Slow { millis: 700 };
    harness.stage.faults().add(FaultRule::new(slow).for_grant(Some(GrantKind::AuthorizationCode)).times(1));
    let (name, value) = browser.cookies.iter().next().unwrap();
    let path = callback.strip_prefix("http://127.0.0.1:1").unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {name}={value}\r\n\r\n");
    let base = harness.base.clone();
    let wire = blocking(move || {
        let mut wire = Wire::to(&base);
        wire.send(request.as_bytes());
        wire
    })
    .await;
    wait_for("the code's arrival", async || (redeemed_codes(&harness) == 1).then_some(())).await;
    wire.hang_up();
    assert_eq!(browser.get(&callback).await.status, 302);
    assert_eq!(redeemed_codes(&harness), 1, "the task of the broken connection went on");
}
