//! Where applications are told of ended sessions, as administrators set it.

use serde_json::{Value, json};

use crate::directory::fixture::{CAMPUS, Directories, MARKET, Setup};

/// Makes an application with one redirect URI; returns its path.
async fn application(directories: &Directories, redirect_uri: &str) -> String {
    let body = json!({ "name": "Wine", "redirectUris": [redirect_uri] });
    let made = directories.manage(&MARKET, "POST", "/applications", &body).await;
    assert_eq!((made.status, made.json().get("backchannelLogoutUri")), (200, None), "{}", made.text());
    format!("/applications/{}", made.json()["clientId"].as_str().unwrap())
}

#[tokio::test]
async fn an_administrator_sets_keeps_and_removes_where_an_application_is_told_of_ended_sessions() {
    let mut directories = Directories::start().await;
    let uri = "https://wine.example.com:8443/logout?from=directory";
    let body = json!({ "name": "Wine", "redirectUris": ["https://wine.example.com/cb"], "backchannelLogoutUri": uri });
    let made = directories.manage(&MARKET, "POST", "/applications", &body).await;
    assert_eq!((made.status, &made.json()["backchannelLogoutUri"]), (200, &json!(uri)), "{}", made.text());
    let path = format!("/applications/{}", made.json()["clientId"].as_str().unwrap());
    directories.restart().await;
    let read = directories.manage(&MARKET, "GET", &path, &Value::Null).await;
    assert_eq!(read.json()["backchannelLogoutUri"], uri);
    for (change, expected) in [
        (json!({ "name": "Beer" }), Some(uri)),
        (json!({ "name": "Beer", "backchannelLogoutUri": null }), None),
        (json!({ "name": "Beer", "backchannelLogoutUri": uri }), Some(uri)),
        (json!({ "name": "Beer", "backchannelLogoutUri": "" }), None),
    ] {
        let changed = directories.manage(&MARKET, "PUT", &path, &change).await;
        assert_eq!(changed.status, 201, "{change}: {}", changed.text());
        assert_eq!(changed.json().get("backchannelLogoutUri"), expected.map(Value::from).as_ref(), "{change}");
    }
}

#[tokio::test]
async fn an_address_that_would_let_us_call_another_host_is_refused() {
    let directories = Directories::start().await;
    let path = application(&directories, "https://wine.example.com/cb").await;
    for bad in [
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://evil.example/",
        "https://wine.example.com.evil.example/",
        "https://wine.example.com@evil.example/",
        "https://evil.example\\@wine.example.com/",
        "http://wine.example.com/logout",
        "https://wine.example.com/#x",
        "https://*.example.com/",
        "https://wine.example.com/\r\nHost: evil.example",
        "ftp://wine.example.com/",
        "//wine.example.com/",
        "/logout",
    ] {
        let change = json!({ "name": "Wine", "backchannelLogoutUri": bad });
        let refused = directories.manage(&MARKET, "PUT", &path, &change).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text());
        assert!(refused.json()["detail"].as_str().unwrap().contains("backchannelLogoutUri"), "{}", refused.text());
        let new = json!({ "name": "x", "redirectUris": ["https://wine.example.com/"], "backchannelLogoutUri": bad });
        assert_eq!(directories.manage(&MARKET, "POST", "/applications", &new).await.status, 400, "{bad}");
    }
    let read = directories.manage(&MARKET, "GET", &path, &Value::Null).await;
    assert_eq!(read.json().get("backchannelLogoutUri"), None);
    // The stage of the tests is http on this machine, as an app in development is.
    let local = json!({ "name": "x", "redirectUris": ["http://127.0.0.1:3000/cb"], "backchannelLogoutUri": "http://127.0.0.1:4000/" });
    assert_eq!(directories.manage(&MARKET, "POST", "/applications", &local).await.status, 200);
}

#[tokio::test]
async fn a_host_of_redirect_uris_stays_while_an_application_is_told_there() {
    let directories = Directories::start().await;
    let (own, shared) = ("https://wine.example.com/cb", "https://all.example.com/cb");
    let path = application(&directories, own).await;
    let redirects = async |uris: &[&str]| {
        directories.manage(&MARKET, "PUT", "/config/redirect_uris", &json!({ "redirectUris": uris })).await
    };
    let change = async |body: Value| directories.manage(&MARKET, "PUT", &path, &body).await;
    assert_eq!(redirects(&[shared]).await.status, 204);
    let told = change(json!({ "name": "Wine", "backchannelLogoutUri": "https://all.example.com/logout" })).await;
    assert_eq!(told.status, 201, "the host of the directory's list: {}", told.text());
    let refused = redirects(&[]).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(
        refused.json()["detail"].as_str().unwrap().contains(path.rsplit('/').next().unwrap()),
        "{}",
        refused.text()
    );
    let read = directories.manage(&MARKET, "GET", "/config/redirect_uris", &Value::Null).await;
    assert_eq!(read.json()["redirectUris"], json!([shared]));

    let told = change(json!({ "name": "Wine", "backchannelLogoutUri": "https://wine.example.com/logout" })).await;
    assert_eq!(told.status, 201, "{}", told.text());
    assert_eq!(redirects(&[]).await.status, 204);
    assert_eq!(change(json!({ "name": "Wine", "redirectUris": [shared] })).await.status, 400);
    let moved = json!({ "name": "Wine", "redirectUris": [shared], "backchannelLogoutUri": null });
    assert_eq!(change(moved).await.status, 201);
}

#[tokio::test]
async fn applications_of_bot_sso_itself_are_in_no_list_and_no_call_changes_them() {
    let directories = Directories::start().await;
    let listed = directories.manage(&MARKET, "GET", "/applications", &Value::Null).await;
    assert!(!listed.text().contains("bot-sso."), "{}", listed.text());
    for (method, body) in [("GET", Value::Null), ("PUT", json!({ "name": "Mine" })), ("DELETE", Value::Null)] {
        let answer = directories.manage(&MARKET, method, "/applications/bot-sso.account", &body).await;
        assert_eq!(answer.status, 404, "{method}: {}", answer.text());
    }
}

#[tokio::test]
async fn where_the_file_manages_a_directory_it_says_where_its_applications_are_told() {
    let shop = "backchannel_logout_uri = \"https://shop.example.com/logout\"".to_owned();
    let directories = Directories::with(Setup { market: "managed = \"file\"\n", shop, ..Setup::default() }).await;
    let listed = directories.manage(&MARKET, "GET", "/applications", &Value::Null).await.json();
    let told: Vec<_> =
        listed["applications"].as_array().unwrap().iter().map(|app| &app["backchannelLogoutUri"]).collect();
    assert!(told.contains(&&json!("https://shop.example.com/logout")), "{listed}");
    let other = directories.manage(&CAMPUS, "GET", "/applications", &Value::Null).await;
    assert!(!other.text().contains("backchannelLogoutUri"), "{}", other.text());
}
