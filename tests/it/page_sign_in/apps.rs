//! The login of an app.

use serde_json::{Value, json};
use url::Url;

use super::fixture::{
    FRONT, LOCAL_FRONT, arrive, assert_kept_nowhere, assert_no_token, assert_notice, begin, come_back, login,
    parameter, redeemed_codes, start, told,
};

const PAGE: &str = "https://front.example/home?tab=2";

fn is_secret(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn a_front_end_gets_a_code_and_no_token_in_its_address() {
    let harness = start().await;
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, &login("coded", &[("app_id", "coded"), ("from_url", PAGE)])).await;
    let redirect_uri = parameter(authorize.as_str(), "redirect_uri").unwrap();
    assert_eq!(redirect_uri, "http://127.0.0.1:1/api/apps/coded/auth/sso/callback");
    let callback = browser.log_in(&authorize, "Ada").await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    assert_kept_nowhere("the return", &answer);
    let back = answer.location().to_owned();
    assert!(back.starts_with("https://front.example/home?tab=2&code="), "{back}");
    assert!(is_secret(&parameter(&back, "code").unwrap()), "{back}");
    assert_eq!(parameter(&back, "is_new_user").as_deref(), Some("true"));
    assert_eq!(parameter(&back, "access_token"), None);
    assert_no_token("the address", &back);
    let again = arrive(&mut browser, &login("coded", &[("from_url", PAGE)]), "Ada").await;
    assert_eq!(parameter(&again, "is_new_user").as_deref(), Some("false"), "a second sign-in");
}

#[tokio::test]
async fn a_front_end_without_a_back_end_gets_our_token_in_its_address_by_setting() {
    let harness = start().await;
    let mut browser = harness.browser();
    let back = arrive(&mut browser, &login("queried", &[("from_url", PAGE)]), "Ada").await;
    assert!(is_secret(&parameter(&back, "access_token").unwrap()), "{back}");
    assert_eq!(parameter(&back, "is_new_user").as_deref(), Some("true"));
    assert_eq!((parameter(&back, "code"), parameter(&back, "tab").as_deref()), (None, Some("2")));
    assert_no_token("the address", &back);
}

#[tokio::test]
async fn a_popup_tells_the_page_that_opened_it_and_nobody_else() {
    let harness = start().await;
    for app in ["coded", "queried"] {
        let mut browser = harness.browser();
        let door = login(app, &[("from_url", PAGE), ("popup_origin", LOCAL_FRONT)]);
        let callback = come_back(&mut browser, &door, "Ada").await;
        let page = browser.get(&callback).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_kept_nowhere(app, &page);
        assert_no_token(app, &page.text());
        let (message, origin) = told(&page).unwrap();
        assert_eq!(origin, LOCAL_FRONT);
        assert!(is_secret(message["access_token"].as_str().unwrap()), "{app}");
        let Value::Object(mut message) = message else { panic!("{message}") };
        message.remove("access_token");
        assert_eq!(Value::Object(message), json!({"type": "bot-sso", "is_new_user": true}));
        let policy = page.header("content-security-policy").unwrap();
        assert!(!policy.contains("http"), "{policy}");
    }
}

#[tokio::test]
async fn a_front_ends_address_gets_our_parameters_once() {
    let harness = start().await;
    let mut browser = harness.browser();
    let from_url = format!("{FRONT}/?access_token=theirs&x=1&is_new_user=false");
    let back = arrive(&mut browser, &login("queried", &[("from_url", &from_url)]), "Ada").await;
    assert_ne!(parameter(&back, "access_token").as_deref(), Some("theirs"), "else the user is somebody else there");
    assert_eq!(
        (parameter(&back, "x").as_deref(), parameter(&back, "is_new_user").as_deref()),
        (Some("1"), Some("true"))
    );
}

#[tokio::test]
async fn a_sign_in_of_one_app_is_none_of_another() {
    let harness = start().await;
    let mut browser = harness.browser();
    let callback = come_back(&mut browser, &login("queried", &[("from_url", PAGE)]), "Ada").await;
    let answer = browser.get(&callback.replace("/queried/", "/other/")).await;
    assert_notice("another app", &answer, 410, "StateUnknown");
    assert_eq!(redeemed_codes(&harness), 0);
    assert_notice("another browser", &harness.browser().get(&callback).await, 403, "OtherBrowser");
    assert_eq!(browser.get(&callback).await.status, 302);
}

#[tokio::test]
async fn a_user_who_cancels_stays_here_and_can_begin_again() {
    let harness = start().await;
    let mut browser = harness.browser();
    let authorize = begin(&mut browser, &login("coded", &[("from_url", PAGE)])).await;
    let callback = browser.give_up(&authorize).await;
    let page = browser.get(&callback).await;
    assert_notice("cancelled", &page, 200, "CancelledByUser");
    let text = page.text();
    let again = text.split_once("id=\"again\" href=\"").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
    let back = arrive(&mut browser, &again.replace("&#38;", "&"), "Ada").await;
    assert!(back.starts_with("https://front.example/home?tab=2&code="), "{back}");
}

#[tokio::test]
async fn leaving_leads_back_to_a_listed_page_alone() {
    let harness = start().await;
    let leave = |from_url: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("from_url", from_url).finish();
        format!("/api/apps/auth/logout?{query}")
    };
    let answer = harness.browser().get(&leave(PAGE)).await;
    assert_eq!((answer.status, answer.location()), (302, PAGE));
    assert_kept_nowhere("leaving", &answer);
    let answer = harness.browser().get(&leave(&format!("{PAGE}#/part"))).await;
    assert_eq!((answer.status, answer.location()), (302, PAGE), "the fragment is cut off");
    for (from_url, reason) in [
        ("https://evil.example/", "ReturnAddressNotListed"),
        ("//front.example/", "BadReturnAddress"),
        ("https://front.example@evil.example/", "BadReturnAddress"),
        ("", "BadReturnAddress"),
        ("/login", "BadReturnAddress"),
    ] {
        assert_notice(from_url, &harness.browser().get(&leave(from_url)).await, 400, reason);
    }
    for (from_url, referrer, back) in [
        ("/login", "https://front.example/", Ok("https://front.example/login")),
        ("/", "http://127.0.0.1:4/some/page?x", Ok("http://127.0.0.1:4/")),
        ("/login", "https://evil.example/", Err("ReturnAddressNotListed")),
        ("//evil.example", "https://front.example/", Err("BadReturnAddress")),
        ("/\\evil.example", "https://front.example/", Err("BadReturnAddress")),
        ("login", "https://front.example/", Err("BadReturnAddress")),
    ] {
        let answer = harness.browser().request("GET", &leave(from_url), &[("referer", referrer)], None).await;
        match back {
            Ok(address) => assert_eq!((answer.status, answer.location()), (302, address), "{from_url} from {referrer}"),
            Err(reason) => assert_notice(from_url, &answer, 400, reason),
        }
    }
}

#[tokio::test]
async fn a_return_is_repeated_a_few_times_and_not_after_the_app_was_left() {
    let harness = start().await;
    let mut browser = harness.browser();
    for (app, secret) in [("queried", "access_token"), ("coded", "code")] {
        let callback = come_back(&mut browser, &login(app, &[("from_url", PAGE)]), "Ada").await;
        for number in 0..8 {
            let answer = browser.get(&callback).await;
            assert!(parameter(answer.location(), secret).is_some(), "{app}, {number}");
        }
        assert_notice(app, &browser.get(&callback).await, 410, "StateUnknown");
    }
    let callback = come_back(&mut browser, &login("queried", &[("from_url", PAGE)]), "Ada").await;
    assert_eq!(browser.get(&callback).await.status, 302);
    let left = browser.get("/api/apps/auth/logout?from_url=https%3A%2F%2Ffront.example%2F").await;
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"), "{:?}", left.headers);
    assert_notice("left", &browser.get(&callback).await, 403, "OtherBrowser");
    arrive(&mut browser, &login("queried", &[("from_url", PAGE)]), "Ada").await;
}

#[tokio::test]
async fn a_second_slash_at_the_beginning_of_a_login_is_tolerated() {
    let harness = start().await;
    let door = format!("http://127.0.0.1:1/{}", login("coded", &[("from_url", PAGE)]));
    assert!(door.contains("//api/"), "{door}");
    begin(&mut harness.browser(), &door).await;
    let leave = "http://127.0.0.1:1//api/apps/auth/logout?from_url=https%3A%2F%2Ffront.example%2F";
    assert_eq!(harness.browser().get(leave).await.status, 302);
}

#[tokio::test]
async fn head_of_a_login_uses_nothing_up() {
    let harness = start().await;
    let mut browser = harness.browser();
    let door = login("coded", &[("from_url", PAGE)]);
    assert_eq!(browser.head(&door).await.status, 405);
    let callback = come_back(&mut browser, &door, "Ada").await;
    assert_eq!(browser.head(&callback).await.status, 405);
    assert_eq!(redeemed_codes(&harness), 0);
    let back = browser.get(&callback).await.location().to_owned();
    assert_eq!(Url::parse(&back).unwrap().origin().ascii_serialization(), FRONT);
}
