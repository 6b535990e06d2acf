//! The dialog of an add-in.

use serde_json::json;

use super::fixture::{
    DIALOG, OTHER_PANE, PANE, arrive, ask_silently, assert_kept_nowhere, assert_no_token, assert_notice, begin,
    come_back, parameter, redeemed_codes, start, told,
};

#[tokio::test]
async fn a_user_signs_in_in_the_dialog_and_the_pane_is_told_so_without_any_token() {
    let harness = start().await;
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, DIALOG).await;
    let redirect_uri = parameter(authorize.as_str(), "redirect_uri").unwrap();
    assert_eq!(redirect_uri, "http://127.0.0.1:1/api/add-ins/files/sign-in/callback");
    for name in ["state", "nonce", "code_challenge"] {
        assert!(parameter(authorize.as_str(), name).unwrap().len() >= 43, "{name}");
    }
    assert_eq!(parameter(authorize.as_str(), "code_challenge_method").as_deref(), Some("S256"));
    let callback = browser.log_in(&authorize, "Ada").await;
    let returned = browser.get(&callback).await;
    assert_kept_nowhere("the return", &returned);
    let last = returned.location().to_owned();
    assert!(last.starts_with("/api/add-ins/files/sign-in/done?signin=") && !last.contains("code="), "{last}");
    let page = browser.get(&last).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_kept_nowhere("the last page", &page);
    assert_no_token("the last page", &page.text());
    assert!(page.text().contains("<h1>You are signed in</h1>") && page.text().contains("ada@contoso.example"));
    let (message, origin) = told(&page).unwrap();
    assert_eq!((message, origin.as_str()), (json!({"type": "bot-sso", "status": "signed_in"}), PANE));
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split_once("'nonce-").unwrap().1.split('\'').next().unwrap();
    let scripts = format!("script-src 'nonce-{nonce}' https://appsforoffice.microsoft.com;");
    assert!(policy.contains(&scripts) && !policy.contains("connect-src"), "{policy}");
    assert_eq!(page.text().matches(&format!("nonce=\"{nonce}\"")).count(), 3, "a style and two scripts");
    assert_eq!(ask_silently(&harness, "Ada").await.status, 200);
}

#[tokio::test]
async fn the_pane_of_a_listed_origin_alone_opens_the_dialog() {
    let harness = start().await;
    let dialog = |name: &str, origin: &str| format!("/api/add-ins/{name}/sign-in{origin}");
    for (name, query, origin) in [
        ("files", "?origin=https%3A%2F%2Fother-pane.example", OTHER_PANE),
        ("single", "", PANE),
        ("single", "?origin=https://pane.example", PANE),
    ] {
        let mut browser = harness.browser();
        let last = arrive(&mut browser, &dialog(name, query), "Ada").await;
        assert_eq!(told(&browser.get(&last).await).unwrap().1, origin, "{name}{query}");
    }
    for (name, query, status, reason) in [
        ("files", "", 400, "OriginMissing"),
        ("files", "?origin=", 400, "OriginMissing"),
        ("files", "?origin=https://evil.example", 400, "OriginNotListed"),
        ("files", "?origin=https://pane.example/", 400, "OriginNotListed"),
        ("files", "?origin=https://pane.example.evil.example", 400, "OriginNotListed"),
        ("files", "?origin=https://pane.example&origin=https://evil.example", 400, "OriginNotListed"),
        ("files", "?origin=*", 400, "OriginNotListed"),
        ("single", "?origin=https://other-pane.example", 400, "OriginNotListed"),
        ("unknown", "", 404, "UnknownAddIn"),
        ("Files", "", 404, "UnknownAddIn"),
        ("..%2Ffiles", "", 404, "UnknownAddIn"),
    ] {
        let answer = harness.browser().get(&dialog(name, query)).await;
        assert_notice(&format!("{name}{query}"), &answer, status, reason);
        assert!(told(&answer).is_none() && answer.header("set-cookie").is_none(), "{name}{query}");
        assert!(!answer.text().contains("evil"), "{name}{query}");
    }
}

#[tokio::test]
async fn another_browser_gets_nothing_and_takes_nothing_from_the_one_that_began() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let mut stranger = harness.browser();
    assert_notice("without a cookie", &stranger.get(&callback).await, 403, "OtherBrowser");
    begin(&mut stranger, DIALOG).await;
    let answer = stranger.get(&callback).await;
    assert_notice("with a cookie of its own", &answer, 403, "OtherBrowser");
    assert!(told(&answer).is_none(), "whose dialog it is has not been shown");
    assert_eq!(redeemed_codes(&harness), 0);
    let last = browser.get(&callback).await.location().to_owned();
    assert_notice("the last page", &stranger.get(&last).await, 403, "OtherBrowser");
    assert_eq!(browser.get(&last).await.status, 200);
}

#[tokio::test]
async fn a_state_of_another_add_in_an_app_or_a_card_is_unknown() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let query = callback.split_once('?').unwrap().1.to_owned();
    for path in ["/api/add-ins/single/sign-in/callback", "/api/apps/coded/auth/sso/callback", "/.auth/web/redirect"] {
        let answer = browser.get(&format!("{path}?{query}")).await;
        assert_notice(path, &answer, 410, "StateUnknown");
    }
    assert_eq!(redeemed_codes(&harness), 0);
    let last = browser.get(&callback).await.location().to_owned();
    let elsewhere = last.replace("/files/", "/single/");
    assert_notice("the last page", &browser.get(&elsewhere).await, 410, "StateUnknown");
    for query in ["", "?state=", "?state=0", "?code=x", "?state=a&state=b"] {
        let answer = browser.get(&format!("/api/add-ins/files/sign-in/callback{query}")).await;
        assert_notice(query, &answer, 410, "StateUnknown");
    }
}

#[tokio::test]
async fn a_user_who_cancels_is_told_so_and_can_choose_another_account() {
    let harness = start().await;
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, DIALOG).await;
    let callback = browser.give_up(&authorize).await;
    let page = browser.get(&callback).await;
    assert_notice("cancelled", &page, 200, "CancelledByUser");
    let (message, origin) = told(&page).unwrap();
    assert_eq!((message, origin.as_str()), (json!({"type": "bot-sso", "status": "cancelled"}), PANE));
    let text = page.text();
    let again = text.split_once("id=\"again\" href=\"").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
    let authorize = begin(&mut browser, &again).await;
    assert_eq!(parameter(authorize.as_str(), "prompt").as_deref(), Some("select_account"));
    let callback = browser.log_in(&authorize, "Ada").await;
    assert_eq!(browser.get(&callback).await.status, 302);
    let authorize = begin(&mut browser, DIALOG).await;
    assert_eq!(parameter(authorize.as_str(), "prompt"), None, "the user has chosen");
}

#[tokio::test]
async fn the_provider_that_the_browser_was_sent_to_has_to_answer() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    let answer = browser.get(&format!("{callback}&iss=https%3A%2F%2Fevil.example")).await;
    assert_notice("another issuer", &answer, 400, "IssuerMismatch");
    let (message, _) = told(&answer).unwrap();
    assert_eq!((message["status"].as_str(), message["reason"].as_str()), (Some("failed"), Some("IssuerMismatch")));
    assert_eq!(redeemed_codes(&harness), 0);
    assert_eq!(browser.get(&callback).await.status, 302, "the code is still good");
}

#[tokio::test]
async fn a_user_of_a_tenant_that_the_add_in_does_not_admit_is_not_signed_in() {
    let harness = start().await;
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, DIALOG).await;
    let common = authorize.as_str().replacen(harness.user("Ada").tid, "common", 1);
    let callback = browser.log_in(&common.parse().unwrap(), "Fay").await;
    let answer = browser.get(&callback).await;
    assert_notice("Fabrikam", &answer, 403, "Denied");
    assert_eq!(told(&answer).unwrap().0["reason"], "Denied");
    let authorize = begin(&mut browser, DIALOG).await;
    assert_eq!(parameter(authorize.as_str(), "prompt").as_deref(), Some("select_account"), "another account is meant");
}

#[tokio::test]
async fn head_of_the_dialog_uses_nothing_up() {
    let harness = start().await;
    let mut browser = harness.browser();
    let head = browser.head(DIALOG).await;
    assert_eq!((head.status, head.header("allow"), head.header("set-cookie")), (405, Some("GET"), None));
    let callback = come_back(&mut browser, DIALOG, "Ada").await;
    assert_eq!(browser.head(&callback).await.status, 405);
    assert_eq!(redeemed_codes(&harness), 0);
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(browser.head(&last).await.status, 405);
    assert_eq!(browser.get(&last).await.status, 200);
}

#[tokio::test]
async fn a_browser_that_begins_too_often_is_told_when_it_may_begin_again() {
    let harness = start().await;
    let mut browser = harness.browser();
    // Ten times the limit of a user, and what recovers meanwhile.
    for _ in 0..6_000 {
        let answer = browser.get(DIALOG).await;
        if answer.status == 302 {
            continue;
        }
        assert_notice("too often", &answer, 429, "Throttled");
        assert!(answer.header("retry-after").is_some());
        assert_eq!(told(&answer).unwrap().0["reason"], "Throttled");
        assert_eq!(
            browser.get("/api/add-ins/single/sign-in").await.status,
            302,
            "another add-in has a limit of its own"
        );
        return;
    }
    panic!("a browser may begin without limit");
}
