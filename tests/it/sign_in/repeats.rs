//! The same browser gets the same answer: a double click, a reload, the back button, a callback that is delivered twice,
//! a connection that breaks (docs/architecture.md §The same browser gets the same answer).

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::{WEB_CHAT_USER, assert_notice, card, redeem, teams_card, token_owner};
use crate::harness::raw::{Wire, blocking};
use crate::harness::waiting::wait_for;
use crate::harness::{Harness, Options, activities, logs};

const CONTINUE: &[(&str, &str)] = &[("decision", "continue")];
const CANCEL: &[(&str, &str)] = &[("decision", "cancel")];

fn redeemed_codes(harness: &Harness) -> u64 {
    harness.stage.calls().count(GrantKind::AuthorizationCode)
}

/// How often a browser sign-in of this harness was logged as completed.
fn completions(harness: &Harness, since: usize) -> usize {
    let lines = logs::since(since);
    let told = |line: &&str| line.contains(&harness.tag) && line.contains("\"a browser sign-in was completed\"");
    lines.lines().filter(told).count()
}

#[tokio::test]
async fn a_callback_that_is_delivered_twice_leads_to_the_same_page_also_after_a_restart() {
    let mut harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    for _ in 0..2 {
        assert_eq!(browser.get(&callback).await.location(), last);
    }
    let cookies = browser.cookies;
    harness.restart(&Options::default()).await;
    let mut browser = harness.browser();
    browser.cookies = cookies;
    assert_eq!(browser.get(&callback).await.location(), last);
    let code = browser.post(&last, CONTINUE).await.code();
    assert_eq!(browser.get(&callback).await.location(), last, "also when the user has confirmed");
    assert_eq!(redeemed_codes(&harness), 1);
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn a_state_whose_code_was_redeemed_takes_no_other_code() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let (adas, bens) = (browser.log_in(&authorize, "Ada").await, browser.log_in(&authorize, "Ben").await);
    let last = browser.get(&adas).await.location().to_owned();
    assert_eq!(browser.get(&bens).await.location(), last);
    assert!(browser.get(&last).await.text().contains("ada@contoso.example"));
    assert_eq!(redeemed_codes(&harness), 1);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_shows_one_code_until_it_is_used() {
    let mut harness = Harness::start().await;
    let before = logs::length();
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    let sent_on = browser.submit(&last, CONTINUE).await;
    assert_eq!((sent_on.status, sent_on.location()), (303, last.as_str()));
    let code = browser.get(&last).await.code();
    for _ in 0..2 {
        assert_eq!(browser.post(&last, CONTINUE).await.code(), code);
        assert_eq!(browser.get(&last).await.code(), code);
    }
    let cookies = browser.cookies;
    harness.restart(&Options::default()).await;
    let mut browser = harness.browser();
    browser.cookies = cookies;
    assert_eq!(browser.get(&last).await.code(), code, "also after a restart");
    assert_eq!(completions(&harness, before), 1);

    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
    for page in [browser.get(&last).await, browser.post(&last, CONTINUE).await, browser.post(&last, CANCEL).await] {
        assert_eq!(page.status, 200);
        assert!(page.text().contains("You are signed in") && !page.text().contains(&code), "{}", page.text());
    }
    assert_eq!(
        token_owner(&harness.get_token("webchat", WEB_CHAT_USER, "graph").await),
        harness.user("Ada").oid,
        "too late to cancel"
    );
    harness.sign_out(&[("userId", WEB_CHAT_USER), ("channelId", "webchat")]).await;
    assert_notice("signed out", &browser.get(&last).await, 410, "StateUnknown");
}

#[tokio::test]
async fn a_code_that_has_ended_is_not_shown_any_more() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let resource = card(&harness).await;
    let last = browser.arrive(&resource, "Ada").await;
    browser.post(&last, CONTINUE).await.code();
    let newer = browser.arrive(&resource, "Ada").await;
    let code = browser.post(&newer, CONTINUE).await.code();
    assert_notice("a newer code", &browser.get(&last).await, 410, "StateUnknown");
    assert_notice("a newer code", &browser.post(&last, CONTINUE).await, 410, "StateUnknown");
    assert_eq!(browser.get(&newer).await.code(), code);
    harness.clock.advance(std::time::Duration::from_mins(10));
    assert_notice("ten minutes", &browser.get(&newer).await, 410, "StateUnknown");
}

#[tokio::test]
async fn a_user_whom_teams_names_sees_the_same_page_again_and_the_bot_is_told_once() {
    let harness = Harness::start().await;
    let before = logs::length();
    let mut browser = harness.browser();
    let last = browser.arrive(&teams_card(&harness, "Ada").await, "Ada").await;
    let code = browser.get(&last).await.code();
    for _ in 0..2 {
        let page = browser.get(&last).await;
        assert!(page.text().contains(&format!("data-code=\"{code}\"")), "{}", page.text());
    }
    assert_eq!(completions(&harness, before), 1);
    let verify =
        activities::invoke(&harness, &harness.user("Ada"), "signin/verifyState", serde_json::json!({ "state": code }));
    for _ in 0..3 {
        assert_eq!(harness.post(&verify).await.status, 200);
    }
    assert_eq!(harness.received_once_settled().await.len(), 1);
    let page = browser.get(&last).await;
    assert!(page.status == 200 && !page.text().contains(&code) && !page.text().contains("notifyFailure"), "used");
}

#[tokio::test]
async fn a_user_may_cancel_twice_and_may_cancel_a_code_that_is_shown() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    let sent_on = browser.submit(&last, CANCEL).await;
    assert_eq!((sent_on.status, sent_on.location()), (303, last.as_str()));
    for page in [browser.get(&last).await, browser.post(&last, CANCEL).await, browser.post(&last, CONTINUE).await] {
        assert!(page.status == 200 && page.text().contains("You have cancelled"), "{}", page.text());
    }
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    let code = browser.post(&last, CONTINUE).await.code();
    assert!(browser.post(&last, CANCEL).await.text().contains("You have cancelled"));
    assert!(browser.get(&last).await.text().contains("You have cancelled"));
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 404, "the code was withdrawn");
}

#[tokio::test]
async fn a_refused_code_is_refused_again_without_a_second_call_and_an_outage_ends_no_step() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let outage = Fault::Unavailable { retry_after: None };
    harness.stage.faults().add(FaultRule::new(outage).for_grant(Some(GrantKind::AuthorizationCode)));
    assert_notice("outage", &browser.get(&callback).await, 503, "Unavailable");
    harness.stage.faults().clear();
    assert_eq!(browser.get(&callback).await.status, 302, "the code was not used up");

    let authorize = browser.begin(&card(&harness).await).await;
    let made_up = browser.log_in(&authorize, "Ada").await.replace("code=", "code=x");
    assert_notice("a made-up code", &browser.get(&made_up).await, 410, "StateUnknown");
    let calls = redeemed_codes(&harness);
    for _ in 0..2 {
        assert_notice("the same again", &browser.get(&made_up).await, 410, "StateUnknown");
    }
    assert_eq!(redeemed_codes(&harness), calls);
}

#[tokio::test]
async fn a_user_who_cancelled_at_the_provider_may_go_back_and_sign_in() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let given_up = browser.give_up(&authorize).await;
    for _ in 0..2 {
        assert_notice("given up", &browser.get(&given_up).await, 200, "CancelledByUser");
    }
    let callback = browser.log_in(&authorize, "Ada").await;
    assert_eq!(browser.get(&callback).await.status, 302);
}

#[tokio::test]
async fn a_browser_that_hangs_up_while_its_code_is_redeemed_can_continue() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
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
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(redeemed_codes(&harness), 1, "the task of the broken connection went on");
    let code = browser.post(&last, CONTINUE).await.code();
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}
