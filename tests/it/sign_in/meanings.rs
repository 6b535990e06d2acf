//! What a provider says through the browser, and the page and log line that it leads to
//! (docs/troubleshooting.md §What the identity provider says).

use super::{assert_notice, card};
use crate::harness::{Answer, Harness, logs};

/// The state of a browser that was sent to the provider at `authorize`.
fn state_of(authorize: &url::Url) -> String {
    authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

fn log_line_of(page: &Answer) -> serde_json::Value {
    let text = page.text();
    let reference = text.split_once("Reference: ").unwrap().1.split('<').next().unwrap();
    let lines = logs::lines_of(reference);
    lines.into_iter().find(|line| line["message"] == "a browser sign-in failed").unwrap()
}

fn link_to_begin_again(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("id=\"again\" href=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_reads_what_the_provider_meant_and_the_operator_what_it_said() {
    let harness = Harness::start().await;
    for (answer, status, reason, on_page, hint) in [
        (
            "error=access_denied",
            403,
            "AccessRefused",
            "perhaps by you or by your administrator",
            "the user or the identity provider",
        ),
        (
            "error=access_denied&error_description=User+is+not+assigned+to+the+client+application.",
            403,
            "AccessRefused",
            "perhaps by you or by your administrator",
            "the user or the identity provider",
        ),
        (
            "error=access_denied&error_description=AADSTS65004:+x",
            200,
            "CancelledByUser",
            "You have cancelled",
            "declined",
        ),
        ("error=access_denied&error_subcode=cancel", 200, "CancelledByUser", "You have cancelled", "declined"),
        ("error=access_denied&error_description=AADB2C90118:+x", 403, "PasswordForgotten", "new password", "password"),
        (
            "error=interaction_required&error_description=AADSTS50105:+x",
            403,
            "Denied",
            "Ask your administrator",
            "not assigned",
        ),
        ("error=login_required", 403, "SignInRequired", "sign in again", "sign in again"),
        ("error=account_selection_required", 403, "AccountSelectionRequired", "several accounts", "choose"),
        ("error=invalid_request&error_description=AADSTS50011:+x", 503, "Misconfigured", "not set up", "redirect URI"),
    ] {
        let mut browser = harness.browser();
        let state = state_of(&browser.begin(&card(&harness).await).await);
        let page = browser.get(&format!("/.auth/web/redirect?state={state}&{answer}")).await;
        assert_notice(answer, &page, status, reason);
        assert!(page.text().contains(on_page), "{answer}: {}", page.text());
        let line = log_line_of(&page);
        assert!(line["hint"].as_str().unwrap().contains(hint), "{answer}: {line}");
    }
}

#[tokio::test]
async fn a_providers_description_is_in_the_log_and_on_no_page() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let state = state_of(&browser.begin(&card(&harness).await).await);
    let description = "%D0%BE%D1%82%D0%BA%D0%B0%D0%B7%00%0d%0a%E2%80%AE%3Cscript%3Ewords";
    let address = format!("/.auth/web/redirect?state={state}&error=access_denied&error_description={description}");
    let page = browser.get(&address).await;
    assert!(!page.text().contains("words") && !page.text().contains("отказ"), "{}", page.text());
    assert_eq!(log_line_of(&page)["description"], "отказ <script>words");
}

#[tokio::test]
async fn a_browser_whose_page_expired_at_the_provider_is_sent_there_again_once() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let expired = |state: &str| {
        format!(
            "/.auth/web/redirect?state={state}&error=temporarily_unavailable&error_description=authentication_expired"
        )
    };
    let first = state_of(&authorize);
    let again = browser.get(&expired(&first)).await;
    assert_eq!(again.status, 302, "{}", again.text());
    assert_eq!(
        browser.get(&expired(&first)).await.location(),
        again.location(),
        "a repeated return gets the same answer"
    );
    let again = url::Url::parse(again.location()).unwrap();
    assert_eq!(again.path(), authorize.path());
    let second = state_of(&again);
    assert_ne!(first, second);
    let stopped = browser.get(&expired(&second)).await;
    assert_notice("the second time", &stopped, 403, "PageExpired");
    assert_eq!(browser.get(&link_to_begin_again(&stopped)).await.status, 302);
    let stranger = harness.browser().get(&link_to_begin_again(&stopped)).await;
    assert_notice("another browser", &stranger, 403, "OtherBrowser");
}
