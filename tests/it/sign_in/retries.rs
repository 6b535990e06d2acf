//! A browser that returns with its code while the provider or the operator is in the way: the page says when to try again,
//! and the next try counts (docs/architecture.md §The same browser gets the same answer).

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::{assert_notice, card};
use crate::harness::Harness;

fn fail_redemptions_with(harness: &Harness, fault: Fault) {
    harness.stage.faults().add(FaultRule::new(fault).for_grant(Some(GrantKind::AuthorizationCode)));
}

#[tokio::test]
async fn a_page_says_how_long_the_provider_asks_to_wait() {
    let harness = Harness::start().await;
    for (fault, wait) in [
        (Fault::Unavailable { retry_after: Some(20) }, "20"),
        (Fault::Throttled { retry_after: Some(40) }, "40"),
        (Fault::Throttled { retry_after: Some(7200) }, "3600"),
        (Fault::Unavailable { retry_after: Some(7200) }, "60"),
        (Fault::Html, "5"),
    ] {
        let mut browser = harness.browser();
        let authorize = browser.begin(&card(&harness).await).await;
        let callback = browser.log_in(&authorize, "Ada").await;
        fail_redemptions_with(&harness, fault.clone());
        let page = browser.get(&callback).await;
        assert_notice(&format!("{fault:?}"), &page, 503, "Unavailable");
        assert_eq!(page.header("retry-after"), Some(wait), "{fault:?}");
        // While the provider's time lasts, no request is sent, and the page says how much of it is left.
        let again = browser.get(&callback).await;
        let left: u64 = again.header("retry-after").unwrap().parse().unwrap();
        let wait: u64 = wait.parse().unwrap();
        assert!(again.status == 503 && (wait - 5..=wait).contains(&left), "{fault:?}: {left}");
        harness.stage.faults().clear();
        harness.clock.advance(Duration::from_secs(wait));
    }
}

#[tokio::test]
async fn a_browser_that_returns_after_the_operator_has_repaired_the_credential_goes_on() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let body = r#"{"error":"invalid_client","error_codes":[7000222]}"#.to_owned();
    fail_redemptions_with(&harness, Fault::Answer { status: 401, content_type: "application/json".to_owned(), body });
    for case in ["first", "again"] {
        assert_notice(case, &browser.get(&callback).await, 503, "Misconfigured");
    }
    harness.stage.faults().clear();
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    assert!(browser.get(answer.location()).await.text().contains("ada@contoso.example"));
}

#[tokio::test]
async fn a_refusal_of_the_code_is_remembered_and_the_code_is_not_sent_again() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let body = r#"{"error":"access_denied"}"#.to_owned();
    fail_redemptions_with(&harness, Fault::Answer { status: 403, content_type: "application/json".to_owned(), body });
    for case in ["first", "again"] {
        assert_notice(case, &browser.get(&callback).await, 403, "Denied");
    }
    assert_eq!(harness.stage.calls().count(GrantKind::AuthorizationCode), 1);
}
