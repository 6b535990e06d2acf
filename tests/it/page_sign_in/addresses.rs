//! Addresses that an attacker would like a login to lead to.

use super::fixture::{assert_notice, begin, login, start};

#[tokio::test]
async fn a_login_leads_to_listed_origins_alone() {
    let harness = start().await;
    for from_url in [
        "https://front.example",
        "https://front.example:443/a?x=%2F",
        "http://127.0.0.1:4/",
        "https://front.example/#x",
    ] {
        begin(&mut harness.browser(), &login("coded", &[("from_url", from_url)])).await;
    }
    for (from_url, reason) in [
        ("https://evil.example/", "ReturnAddressNotListed"),
        ("http://front.example/", "ReturnAddressNotListed"),
        ("https://127.0.0.1:4/", "ReturnAddressNotListed"),
        ("http://127.0.0.1:5/", "ReturnAddressNotListed"),
        ("https://front.example.evil.example/", "ReturnAddressNotListed"),
        ("https://front.example:8443/", "ReturnAddressNotListed"),
        ("https://evil.example/?https://front.example", "ReturnAddressNotListed"),
        ("https://front.example@evil.example/", "BadReturnAddress"),
        ("https://user@front.example/", "BadReturnAddress"),
        ("https://front.example\\@evil.example/", "BadReturnAddress"),
        ("https:\\\\front.example/", "BadReturnAddress"),
        ("https:front.example", "BadReturnAddress"),
        ("https:/front.example/", "BadReturnAddress"),
        ("//front.example/", "BadReturnAddress"),
        ("/home", "BadReturnAddress"),
        ("front.example", "BadReturnAddress"),
        ("javascript:alert(1)", "BadReturnAddress"),
        ("data:text/html,<script>alert(1)</script>", "BadReturnAddress"),
        ("https://front.example/\r\nSet-Cookie: x=y", "BadReturnAddress"),
        (" https://front.example/", "BadReturnAddress"),
        ("https://front.exam\tple/", "BadReturnAddress"),
        ("", "BadReturnAddress"),
    ] {
        let answer = harness.browser().get(&login("coded", &[("from_url", from_url)])).await;
        assert_notice(from_url, &answer, 400, reason);
        assert!(answer.header("set-cookie").is_none() && !answer.text().contains("evil"), "{from_url}");
    }
    let long = format!("https://front.example/{}", "x".repeat(2_048));
    assert_notice(
        "long",
        &harness.browser().get(&login("coded", &[("from_url", &long)])).await,
        400,
        "BadReturnAddress",
    );
    let twice = login("coded", &[("from_url", "https://front.example/"), ("from_url", "https://front.example/")]);
    assert_notice("twice", &harness.browser().get(&twice).await, 400, "BadReturnAddress");
}

#[tokio::test]
async fn a_popup_may_tell_listed_origins_alone() {
    let harness = start().await;
    for popup_origin in
        ["*", "null", "https://evil.example", "https://front.example/", "HTTPS://front.example", "front.example", "/"]
    {
        let door = login("coded", &[("from_url", "https://front.example/"), ("popup_origin", popup_origin)]);
        assert_notice(popup_origin, &harness.browser().get(&door).await, 400, "PopupOriginNotListed");
    }
}

#[tokio::test]
async fn a_login_names_one_configured_app() {
    let harness = start().await;
    for (app, app_id, status, reason) in [
        ("coded", "queried", 400, "OtherApp"),
        ("coded", "Coded", 400, "OtherApp"),
        ("unknown", "unknown", 404, "UnknownApp"),
        ("..%2Fcoded", "coded", 404, "UnknownApp"),
    ] {
        let door = login(app, &[("app_id", app_id), ("from_url", "https://front.example/")]);
        assert_notice(app, &harness.browser().get(&door).await, status, reason);
    }
}
