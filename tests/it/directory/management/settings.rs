//! The settings and applications of a directory, as its administrators see and change them.

use serde_json::{Value, json};

use crate::directory::fixture::{ADA, Directories, MARKET, SHOP, Setup};

const SSO: &str = "/config/cloud_directory/sso";
const ALL_SETTINGS: [&str; 7] = [
    SSO,
    "/config/redirect_uris",
    "/config/tokens",
    "/config/idps/cloud_directory",
    "/config/cloud_directory/advanced_password_management",
    "/config/cloud_directory/password_regex",
    "/config/cloud_directory/action_url/on_user_verified",
];

fn sso(is_active: bool, seconds: i64, uris: &[&str]) -> Value {
    json!({ "isActive": is_active, "inactivityTimeoutSeconds": seconds, "logoutRedirectUris": uris })
}

#[tokio::test]
async fn single_sign_on_is_set_at_once_and_is_kept_across_a_restart() {
    let mut directories = Directories::start().await;
    let wanted = sso(true, 604_800, &["http://portal.example.com/bye?a=b", "https://other.example.com"]);
    let set = directories.manage(&MARKET, "PUT", SSO, &wanted).await;
    assert_eq!((set.status, set.json()), (201, wanted.clone()), "{}", set.text());
    let read = directories.manage(&MARKET, "GET", SSO, &Value::Null).await;
    assert_eq!((read.status, read.json()), (200, wanted.clone()));
    directories.restart().await;
    let read = directories.manage(&MARKET, "GET", SSO, &Value::Null).await;
    assert_eq!(read.json(), wanted);
    let line = directories.audited("directory_sso_updated", None).await;
    assert_eq!(
        (&line["administrator"], &line["tenant"]),
        (&json!("manager-of-market"), &json!(MARKET.tenant)),
        "{line}"
    );
    directories.audited("directory_sso_read", None).await;
}

#[tokio::test]
async fn single_sign_on_needs_all_three_members_within_their_ranges() {
    let directories = Directories::start().await;
    let before = directories.manage(&MARKET, "GET", SSO, &Value::Null).await.json();
    let good = sso(false, 1, &[]);
    for name in ["isActive", "inactivityTimeoutSeconds", "logoutRedirectUris"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(name);
        let refused = directories.manage(&MARKET, "PUT", SSO, &without).await;
        assert_eq!(refused.status, 400, "{name}");
        assert!(refused.text().contains(name), "{}", refused.text());
    }
    for bad in [
        sso(false, 0, &[]),
        sso(false, -1, &[]),
        sso(false, 604_801, &[]),
        sso(false, 60, &["https://*.example.com/"]),
        sso(false, 60, &["javascript:alert(1)"]),
        sso(false, 60, &["//portal.example.com"]),
        sso(false, 60, &["https://portal.example.com@evil.example/"]),
        sso(false, 60, &["https://portal.example.com/#x"]),
        json!({ "isActive": "false", "inactivityTimeoutSeconds": 60, "logoutRedirectUris": [] }),
        json!({ "isActive": false, "inactivityTimeoutSeconds": 60.5, "logoutRedirectUris": [] }),
    ] {
        assert_eq!(directories.manage(&MARKET, "PUT", SSO, &bad).await.status, 400, "{bad}");
    }
    assert_eq!(directories.manage(&MARKET, "GET", SSO, &Value::Null).await.json(), before);
    assert_eq!(directories.manage(&MARKET, "PUT", SSO, &good).await.status, 201);
}

#[tokio::test]
async fn sessions_of_before_single_sign_on_was_switched_off_do_not_live_again() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    assert!(!browser.sign_in_silently(&SHOP).await.code.is_empty());
    for is_active in [false, true] {
        assert_eq!(directories.manage(&MARKET, "PUT", SSO, &sso(is_active, 3600, &[])).await.status, 201);
        assert_eq!(browser.authorize(&SHOP, &[]).await.status, 200, "{is_active}");
    }
}

#[tokio::test]
async fn redirect_uris_are_replaced_and_wildcards_are_refused() {
    let directories = Directories::start().await;
    let path = "/config/redirect_uris";
    let wanted = json!({ "redirectUris": ["https://any.example.com/callback?x=1", "http://localhost:3000/cb"] });
    assert_eq!(directories.manage(&MARKET, "PUT", path, &wanted).await.status, 204);
    assert_eq!(directories.manage(&MARKET, "GET", path, &Value::Null).await.json(), wanted);
    let wildcard = directories.manage(&MARKET, "PUT", path, &json!({ "redirectUris": ["https://a.example/*"] })).await;
    assert_eq!(wildcard.status, 400);
    assert!(wildcard.json()["detail"].as_str().unwrap().contains("wildcards"), "{}", wildcard.text());
    let trusting = json!({ "redirectUris": [], "trustCloudIAMRedirectUris": true });
    assert_eq!(directories.manage(&MARKET, "PUT", path, &trusting).await.status, 400);
    assert_eq!(directories.manage(&MARKET, "GET", path, &Value::Null).await.json(), wanted);
    let line = directories.audited("directory_settings_updated", None).await;
    assert_eq!(line["detail"], "redirect_uris");
}

#[tokio::test]
async fn the_lives_of_tokens_are_set_and_default_when_left_out() {
    let directories = Directories::start().await;
    let set = directories.manage(&MARKET, "PUT", "/config/tokens", &json!({ "access": { "expires_in": 600 } })).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let expected = json!({
        "access": { "expires_in": 600 },
        "refresh": { "enabled": true, "expires_in": 2_592_000 },
        "anonymousAccess": { "enabled": false, "expires_in": 2_592_000 },
    });
    assert_eq!(set.json(), expected);
    directories.create_user(&MARKET, &ADA).await;
    let code = directories.browser().sign_in(&SHOP, &ADA).await.code;
    assert_eq!(directories.redeem(&SHOP, &code).await["expires_in"], 600);
    let set = directories.manage(&MARKET, "PUT", "/config/tokens", &json!({})).await;
    assert_eq!(set.json()["access"]["expires_in"], 3600);
}

#[tokio::test]
async fn the_identity_field_changes_only_while_there_is_no_user() {
    let directories = Directories::start().await;
    let path = "/config/idps/cloud_directory";
    let by =
        |field: &str| json!({ "isActive": true, "config": { "selfServiceEnabled": false, "identityField": field } });
    let read = directories.manage(&MARKET, "GET", path, &Value::Null).await.json();
    assert_eq!((&read["isActive"], &read["config"]["selfServiceEnabled"]), (&json!(true), &json!(false)));
    let set = directories.manage(&MARKET, "PUT", path, &by("userName")).await;
    assert_eq!((set.status, &set.json()["config"]["identityField"]), (200, &json!("userName")), "{}", set.text());
    let user = json!({ "userName": "ada", "password": ADA.password });
    assert_eq!(directories.manage(&MARKET, "POST", "/cloud_directory/Users", &user).await.status, 201);
    assert_eq!(directories.manage(&MARKET, "PUT", path, &by("email")).await.status, 409);
    assert_eq!(directories.manage(&MARKET, "PUT", path, &by("userName")).await.status, 200);
}

#[tokio::test]
async fn rules_on_passwords_hold_for_the_next_password() {
    let directories = Directories::start().await;
    let regex = json!({ "regex": "[a-z]{20}", "error_message": "Twenty small letters." });
    let set = directories.manage(&MARKET, "PUT", "/config/cloud_directory/password_regex", &regex).await;
    assert_eq!((set.status, &set.json()["error_message"]), (200, &json!("Twenty small letters.")), "{}", set.text());
    let create = async |email: &str, password: &str| {
        let body = json!({ "emails": [{ "value": email }], "password": password });
        directories.manage(&MARKET, "POST", "/cloud_directory/Users", &body).await
    };
    let refused = create("a@a.example", "a-password-of-the-directory").await;
    assert_eq!((refused.status, &refused.json()["detail"]), (400, &json!("Twenty small letters.")));
    assert_eq!(create("a@a.example", "abcdefghijklmnopqrst").await.status, 201);
    let none =
        directories.manage(&MARKET, "PUT", "/config/cloud_directory/password_regex", &json!({ "regex": "" })).await;
    assert_eq!((none.status, none.json()), (200, json!({})));
    let rules = json!({ "advancedPasswordManagement": {
        "enabled": true, "preventPasswordWithUsername": { "enabled": true },
        "lockOutPolicy": { "enabled": true, "config": { "lockOutTimeSec": 60, "numOfAttempts": 3 } },
    } });
    let path = "/config/cloud_directory/advanced_password_management";
    let set = directories.manage(&MARKET, "PUT", path, &rules).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let read = directories.manage(&MARKET, "GET", path, &Value::Null).await.json();
    let rule = &read["advancedPasswordManagement"]["lockOutPolicy"];
    assert_eq!(*rule, json!({ "enabled": true, "config": { "lockOutTimeSec": 60, "numOfAttempts": 3 } }));
    assert_eq!(create("somebody@a.example", "somebody@a.example-1").await.status, 400);
}

#[tokio::test]
async fn an_application_is_created_with_a_secret_that_is_shown_once() {
    let directories = Directories::start().await;
    let body = json!({ "name": "Wine", "redirectUris": ["https://wine.example.com/cb"] });
    let made = directories.manage(&MARKET, "POST", "/applications", &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made = made.json();
    let (client_id, secret) = (made["clientId"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let issuer = directories.issuer(&MARKET);
    assert_eq!((&made["type"], &made["tenantId"]), (&json!("regularwebapp"), &json!(MARKET.tenant)));
    assert_eq!(made["oAuthServerUrl"], json!(issuer));
    assert_eq!(made["discoveryEndpoint"], json!(format!("{issuer}/.well-known/openid-configuration")));
    assert_eq!(made["profilesUrl"], json!(directories.harness.base));
    assert_eq!(secret.len(), 64);

    let path = format!("/applications/{client_id}");
    let read = directories.manage(&MARKET, "GET", &path, &Value::Null).await;
    assert_eq!((read.status, &read.json()["name"]), (200, &json!("Wine")));
    let listed = directories.manage(&MARKET, "GET", "/applications", &Value::Null).await;
    assert_eq!(listed.json()["applications"].as_array().unwrap().len(), 4);
    for answer in [&read, &listed] {
        assert!(!answer.text().contains("\"secret\"") && !answer.text().contains(secret), "{}", answer.text());
    }
    let renamed = directories.manage(&MARKET, "PUT", &path, &json!({ "name": "Beer" })).await;
    assert_eq!((renamed.status, &renamed.json()["name"]), (201, &json!("Beer")), "{}", renamed.text());
    assert_eq!(renamed.json()["redirectUris"], json!(["https://wine.example.com/cb"]));
    let grant = async || {
        let basic = crate::directory::fixture::basic(client_id, secret);
        let headers = [("authorization", basic.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let body = b"grant_type=client_credentials".to_vec();
        directories.harness.send("POST", &MARKET.oauth("/token"), &headers, body).await.status
    };
    assert_eq!(grant().await, 200);
    assert_eq!(directories.manage(&MARKET, "DELETE", &path, &Value::Null).await.status, 204);
    assert_eq!(grant().await, 401);
    for method in ["GET", "DELETE"] {
        assert_eq!(directories.manage(&MARKET, method, &path, &Value::Null).await.status, 404, "{method}");
    }
    for event in ["directory_application_created", "directory_application_updated", "directory_application_deleted"] {
        assert_eq!(directories.audited(event, None).await["application"], json!(client_id), "{event}");
    }
}

#[tokio::test]
async fn a_public_application_has_no_secret_and_bad_applications_are_refused() {
    let directories = Directories::start().await;
    let public = json!({ "name": "Page", "type": "singlepageapp" });
    let made = directories.manage(&MARKET, "POST", "/applications", &public).await;
    assert_eq!((made.status, made.json().get("secret")), (200, None), "{}", made.text());
    let path = format!("/applications/{}", made.json()["clientId"].as_str().unwrap());
    for bad in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "x", "type": "mobileapp" }),
        json!({ "name": "x", "redirectUris": ["https://a.example/*"] }),
    ] {
        assert_eq!(directories.manage(&MARKET, "POST", "/applications", &bad).await.status, 400, "{bad}");
    }
    let other_type = json!({ "name": "Page", "type": "regularwebapp" });
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &other_type).await.status, 400);
}

#[tokio::test]
async fn a_directory_that_the_file_manages_is_read_only_but_for_its_users() {
    let directories = Directories::with(Setup { market: "managed = \"file\"\n", ..Setup::default() }).await;
    for path in ALL_SETTINGS {
        let read = directories.manage(&MARKET, "GET", path, &Value::Null).await;
        assert_eq!(read.status, 200, "{path}");
    }
    let changes = [
        ("PUT", SSO.to_owned(), sso(false, 60, &[])),
        ("PUT", "/config/redirect_uris".to_owned(), json!({ "redirectUris": [] })),
        ("PUT", "/config/tokens".to_owned(), json!({})),
        ("PUT", ALL_SETTINGS[3].to_owned(), json!({ "isActive": true, "config": {} })),
        ("PUT", ALL_SETTINGS[4].to_owned(), json!({ "advancedPasswordManagement": {} })),
        ("PUT", ALL_SETTINGS[5].to_owned(), json!({ "regex": "" })),
        ("PUT", ALL_SETTINGS[6].to_owned(), json!({ "actionUrl": "https://shop.example.com/" })),
        ("DELETE", ALL_SETTINGS[6].to_owned(), Value::Null),
        ("POST", "/applications".to_owned(), json!({ "name": "x" })),
        ("PUT", format!("/applications/{}", SHOP.client_id), json!({ "name": "x" })),
        ("DELETE", format!("/applications/{}", SHOP.client_id), Value::Null),
    ];
    for (method, path, body) in &changes {
        let refused = directories.manage(&MARKET, method, path, body).await;
        assert_eq!(refused.status, 409, "{method} {path}: {}", refused.text());
        assert!(refused.text().contains("managed"), "{}", refused.text());
    }
    directories.create_user(&MARKET, &ADA).await;
}
