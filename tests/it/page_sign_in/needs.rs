//! A sign-in asks for what earlier refusals were for.

use serde_json::Value;

use super::fixture::{
    DIALOG, arrive, ask_silently, assert_notice, begin, come_back, parameter, redeemed_codes, start, told,
};
use url::Url;

#[tokio::test]
async fn a_user_who_lacked_consent_silently_consents_in_the_dialog_and_is_then_signed_in_silently() {
    let harness = start().await;
    let refused = ask_silently(&harness, "Cleo").await;
    assert!(refused.status >= 400, "{}", refused.text());
    let mut browser = harness.browser();
    let last = arrive(&mut browser, DIALOG, "Cleo").await;
    assert_eq!(told(&browser.get(&last).await).unwrap().0["status"], "signed_in");
    let silent = ask_silently(&harness, "Cleo").await;
    assert_eq!(silent.status, 200, "{}", silent.text());
}

#[tokio::test]
async fn a_user_whose_silent_sign_in_was_refused_with_claims_is_sent_with_them_once_known() {
    let harness = start().await;
    let refused = ask_silently(&harness, "Dan").await;
    assert!(refused.status >= 400, "{}", refused.text());
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, DIALOG).await;
    assert_eq!(parameter(authorize.as_str(), "claims"), None, "nobody knows yet who signs in");
    let callback = browser.log_in(&authorize, "Dan").await;
    let again = browser.get(&callback).await;
    let authorize = Url::parse(again.location()).unwrap();
    let claims: Value = serde_json::from_str(&parameter(authorize.as_str(), "claims").unwrap()).unwrap();
    assert!(claims["access_token"].is_object(), "{claims}");
    assert_eq!(browser.get(&callback).await.location(), authorize.as_str(), "also when the return is repeated");
    let second = browser.log_in(&authorize, "Dan").await;
    let last = browser.get(&second).await.location().to_owned();
    assert_eq!(told(&browser.get(&last).await).unwrap().0["status"], "signed_in");
    assert_eq!(browser.get(&callback).await.location(), last, "the first return leads to the result as well");
    assert_eq!(redeemed_codes(&harness), 2);
    let next = begin(&mut browser, DIALOG).await;
    let callback = browser.log_in(&next, "Dan").await;
    assert!(browser.get(&callback).await.location().contains("/done?"), "the claims were asked for");
}

#[tokio::test]
async fn a_user_who_does_not_consent_is_asked_to_at_the_next_attempt() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let (before, _) = callback.split_once('?').unwrap();
    let state = parameter(&callback, "state").unwrap();
    let refused = format!("{before}?error=consent_required&error_description=AADSTS65001&state={state}");
    let page = browser.get(&refused).await;
    assert_notice("no consent", &page, 403, "ConsentRequired");
    let authorize = begin(&mut browser, DIALOG).await;
    assert_eq!(parameter(authorize.as_str(), "prompt").as_deref(), Some("consent"));
    let other = begin(&mut harness.browser(), DIALOG).await;
    assert_eq!(parameter(other.as_str(), "prompt"), None, "another browser is not asked");
}
