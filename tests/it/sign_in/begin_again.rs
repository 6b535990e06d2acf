//! Every end of a browser's sign-in without a token has the same way out: the browser begins the card's sign-in again,
//! and the provider lets the user choose an account (docs/architecture.md §The same browser gets the same answer).

use url::Url;

use super::{WEB_CHAT_USER, assert_notice, card, redeem, teams_card, token_owner};
use crate::harness::{Answer, Harness};

const CONTINUE: &[(&str, &str)] = &[("decision", "continue")];
const CANCEL: &[(&str, &str)] = &[("decision", "cancel")];

/// The address of the link by which the page begins the sign-in anew.
fn link_to_begin_again(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("/api/oauth/signin?again=").unwrap_or_else(|| panic!("no link: {text}"));
    format!("/api/oauth/signin?again={}", rest.split('"').next().unwrap())
}

fn prompt_of(answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let url = Url::parse(answer.location()).unwrap();
    url.query_pairs().find(|(name, _)| name == "prompt").map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_user_who_cancelled_on_our_page_may_begin_again_with_another_account() {
    let harness = Harness::start().await;
    let resource = card(&harness).await;
    let mut browser = harness.browser();
    let last = browser.arrive(&resource, "Ben").await;
    let cancelled = browser.post(&last, CANCEL).await;
    assert!(cancelled.text().contains("You have cancelled"), "{}", cancelled.text());
    let again = link_to_begin_again(&cancelled);
    assert_eq!(link_to_begin_again(&browser.get(&last).await), again, "the back button");
    assert_notice("another browser", &harness.browser().get(&again).await, 403, "OtherBrowser");
    assert_eq!(browser.head(&again).await.status, 302);
    for _ in 0..2 {
        assert_eq!(prompt_of(&browser.get(&again).await).as_deref(), Some("select_account"));
    }
    let authorize = Url::parse(browser.get(&again).await.location()).unwrap();
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    let code = browser.post(&last, CONTINUE).await.code();
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
    assert_notice("the card has ended", &browser.get(&again).await, 410, "LinkUnknown");
}

#[tokio::test]
async fn a_user_who_went_on_or_cancelled_can_still_use_the_link_of_the_page_about_the_wrong_person() {
    let harness = Harness::start().await;
    for decision in [CONTINUE, CANCEL] {
        let mut browser = harness.browser();
        let last = browser.arrive(&teams_card(&harness, "Ada").await, "Ben").await;
        let again = link_to_begin_again(&browser.get(&last).await);
        assert_eq!(browser.post(&last, decision).await.status, 200);
        assert_eq!(prompt_of(&browser.get(&again).await).as_deref(), Some("select_account"), "{decision:?}");
    }
}

#[tokio::test]
async fn a_user_may_begin_again_while_a_code_is_shown_and_then_the_newer_code_counts() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ben").await;
    let bens = browser.post(&last, CONTINUE).await.code();
    let handle = last.rsplit('=').next().unwrap();
    let again = browser.get(&format!("/api/oauth/signin?again={handle}")).await;
    assert_eq!(prompt_of(&again).as_deref(), Some("select_account"));
    let callback = browser.log_in(&Url::parse(again.location()).unwrap(), "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    let adas = browser.post(&last, CONTINUE).await.code();
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &bens).await.status, 404);
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &adas).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn a_user_whom_the_provider_refused_finds_a_link_to_begin_again() {
    let harness = Harness::start().await;
    for (answer, prompt) in [
        ("error=access_denied&error_description=AADSTS65004:+x", Some("select_account")),
        ("error=access_denied&error_description=AADSTS50020:+x", Some("select_account")),
        ("error=access_denied&error_description=AADSTS50105:+x", Some("select_account")),
        ("error=account_selection_required", Some("select_account")),
        ("error=access_denied", None),
        ("error=login_required", None),
        ("error=never_heard_of", None),
    ] {
        // A user of their own for each case, because what one means is remembered.
        let resource = harness.sign_in_resource(&super::web_chat(&harness, answer), "graph").await;
        let mut browser = harness.browser();
        let authorize = browser.begin(&resource).await;
        let state = authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let page = browser.get(&format!("/.auth/web/redirect?state={state}&{answer}")).await;
        let again = browser.get(&link_to_begin_again(&page)).await;
        assert_eq!(prompt_of(&again).as_deref(), prompt, "{answer}");
    }
}
