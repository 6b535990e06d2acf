//! App ID's `SelfServiceManager`, unmodified: an app with pages of its own for sign-up and forgotten passwords.

use serde_json::{Value, json};

use crate::directory::browser::Browser;
use crate::directory::fixture::{ADA, BEN, MARKET, Person, SHOP, encoded};
use crate::directory::mailed::{EVERYTHING, MailedDirectories, context_of, press};
use crate::harness::peers::{Peer, Program};

const APP: Program = Program { peer: "appid", script: "self_service.mjs" };
const NEW_PASSWORD: &str = "another-password-of-the-directory";
/// The public methods of the manager.
const METHODS: [&str; 8] = [
    "forgotPassword",
    "getForgotPasswordConfirmationResult",
    "getSignUpConfirmationResult",
    "getUserDetails",
    "resendNotification",
    "setUserNewPassword",
    "signUp",
    "updateUserDetails",
];

/// The app, and the directory to which it belongs.
struct RealApp {
    service: MailedDirectories,
    url: String,
    browser: Browser,
    /// The process runs until this is dropped.
    _peer: Peer,
}

impl RealApp {
    /// `lines`: those of `[directories.market.self_service]`. The links of messages lead to the app.
    async fn start(label: &str, lines: &str) -> Self {
        let service = MailedDirectories::with(lines).await;
        let base = &service.directories.harness.base;
        let environment = [
            ("MANAGEMENT_URL", format!("{base}{}", MARKET.management(""))),
            ("IAM_TOKEN_URL", format!("{base}/identity/token")),
            ("API_KEY", MARKET.administrator("writer")),
        ];
        let mut peer = Peer::start(&APP, label, &environment);
        let listening = peer.wait_for("listening", |line| line["event"] == "listening").await;
        assert_eq!(listening["methods"], json!(METHODS), "each is called below");
        let url = listening["url"].as_str().unwrap().to_owned();
        for (action, page) in [("on_user_verified", "verified"), ("on_reset_password", "reset")] {
            let path = format!("/config/cloud_directory/action_url/{action}");
            let address = json!({ "actionUrl": format!("{url}/{page}?kind=own") });
            let set = service.directories.manage(&MARKET, "PUT", &path, &address).await;
            assert_eq!((set.status, set.json()), (200, address), "{}", set.text());
        }
        let browser = service.directories.browser();
        Self { service, url, browser, _peer: peer }
    }

    /// A call of the manager: `{result}` or `{error}`.
    async fn call(&mut self, method: &str, args: &Value) -> Value {
        self.call_of("usual", method, args).await
    }

    async fn call_of(&mut self, manager: &str, method: &str, args: &Value) -> Value {
        assert!(METHODS.contains(&method), "{method}");
        let query = encoded(&[("manager", manager), ("method", method), ("args", &args.to_string())]);
        let page = self.browser.visit(&format!("{}/call?{query}", self.url)).await;
        assert_eq!(page.answer.status, 200, "{}", page.answer.text());
        page.answer.json()
    }

    /// The error of a call: its code and its status. The message is a sentence.
    async fn refused(&mut self, method: &str, args: &Value) -> (Option<String>, u64) {
        let answer = self.call(method, args).await;
        let error = &answer["error"];
        assert!(error["message"].as_str().is_some_and(|text| text.ends_with('.')), "{method} {args}: {answer}");
        (error["code"].as_str().map(str::to_owned), error["statusCode"].as_u64().unwrap())
    }

    /// Opens the newest link of the `count` messages to `person`, presses its button, and returns what the app then knows.
    async fn follow_link(&mut self, person: &Person, count: usize) -> Value {
        let link = self.service.wait_for_link(person.email, count).await;
        let mut browser = self.service.directories.browser();
        let answer = press(&mut browser, &link).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let location = answer.location().to_owned();
        assert!(location.starts_with(&self.url) && location.contains("?kind=own&context="), "{location}");
        browser.visit(&location).await.answer.json()
    }

    async fn signs_in(&self, person: &Person) -> bool {
        let mut browser = self.service.directories.browser();
        let page = browser.authorize(&SHOP, &[]).await;
        let answer = browser.log_in(&SHOP.authorization(&[]), &page, person.email, person.password).await;
        matches!(answer.status, 302 | 303)
    }
}

fn new_user(person: &Person) -> Value {
    json!({
        "emails": [{ "value": person.email, "primary": true }], "password": person.password,
        "name": { "givenName": "Ada", "familyName": "Lovelace" }, "locale": "en", "phoneNumbers": [{ "value": "1" }],
    })
}

#[tokio::test]
async fn a_user_signs_up_on_a_page_of_the_app_and_the_app_learns_that_the_address_is_confirmed() {
    let lines = format!("{EVERYTHING}confirmation = \"required\"\n");
    let mut app = RealApp::start("self-service-sign-up", &lines).await;
    let made = app.call("signUp", &json!([new_user(&ADA), "de"])).await;
    let made = &made["result"];
    assert_eq!((&made["status"], &made["active"]), (&json!("PENDING"), &json!(true)), "{made}");
    assert_eq!(made["emails"][0]["value"], ADA.email);
    assert_eq!(made["profileId"], made["id"], "{made}");
    assert!(!app.signs_in(&ADA).await, "not before the address is confirmed");
    let message = app.service.wait_for(ADA.email, 1).await;
    assert!(message.text.contains("Adresse"), "the message is in German: {}", message.text);

    let again = app.call("resendNotification", &json!([made["id"], "USER_VERIFICATION"])).await;
    assert!(again["result"]["message"].is_string(), "{again}");
    let known = app.follow_link(&ADA, 2).await;
    assert_eq!(known["result"], json!({ "success": true, "uuid": made["id"] }), "{known}");
    assert!(app.signs_in(&ADA).await);
    app.service.directories.audited("directory_address_confirmed", made["id"].as_str()).await;
    let read = app.call("getUserDetails", &json!([made["id"]])).await;
    assert_eq!((&read["result"]["status"], &read["result"]["name"]), (&json!("CONFIRMED"), &made["name"]), "{read}");
    let confirmed = app.refused("resendNotification", &json!([made["id"], "USER_VERIFICATION"])).await;
    assert_eq!(confirmed, (Some("mutability".to_owned()), 409), "the sample says that the address is confirmed");
}

#[tokio::test]
async fn a_user_who_has_forgotten_the_password_sets_another_one_on_a_page_of_the_app() {
    let mut app = RealApp::start("self-service-forgotten", EVERYTHING).await;
    let id = app.service.directories.create_user(&MARKET, &ADA).await;
    let mut elsewhere = app.service.directories.browser();
    elsewhere.sign_in(&SHOP, &ADA).await;
    let sent = app.call("forgotPassword", &json!([ADA.email, "ja"])).await;
    assert_eq!(sent["result"]["id"], json!(id), "{sent}");
    let known = app.follow_link(&ADA, 1).await;
    assert_eq!(known["result"], json!({ "success": true, "uuid": id }), "{known}");
    assert!(!elsewhere.sign_in_silently(&SHOP).await.code.is_empty(), "no session ends before the password is set");

    let renewed = app.call("setUserNewPassword", &json!([id, NEW_PASSWORD, "en", "203.0.113.7"])).await;
    assert_eq!(renewed["result"]["emails"][0]["value"], ADA.email, "{renewed}");
    assert!(!app.signs_in(&ADA).await);
    assert!(app.signs_in(&Person { email: ADA.email, password: NEW_PASSWORD, name: ADA.name }).await);
    assert_eq!(elsewhere.authorize(&SHOP, &[]).await.status, 200, "the session has ended");
    let notice = app.service.wait_for(ADA.email, 2).await;
    assert!(!notice.text.contains("/link/") && !notice.text.contains(NEW_PASSWORD), "{}", notice.text);
}

#[tokio::test]
async fn a_context_is_good_once_for_its_own_call() {
    let mut app = RealApp::start("self-service-context", EVERYTHING).await;
    let id = app.service.directories.create_user(&MARKET, &ADA).await;
    app.call("forgotPassword", &json!([ADA.email])).await;
    let link = app.service.wait_for_link(ADA.email, 1).await;
    let context = context_of(&press(&mut app.service.directories.browser(), &link).await);
    let of_sign_up = app.refused("getSignUpConfirmationResult", &json!([context])).await;
    assert_eq!(of_sign_up, (None, 404), "it is the context of another link");
    let known = app.call("getForgotPasswordConfirmationResult", &json!([context])).await;
    assert_eq!(known["result"], json!({ "success": true, "uuid": id }), "{known}");
    for used in [context.as_str(), "", "wrong", &"0".repeat(64), &"0".repeat(4000)] {
        assert_eq!(app.refused("getForgotPasswordConfirmationResult", &json!([used])).await, (None, 404), "{used}");
    }
}

#[tokio::test]
async fn the_manager_reads_why_a_call_was_refused() {
    let mut app = RealApp::start("self-service-refusals", EVERYTHING).await;
    let id = app.service.directories.create_user(&MARKET, &ADA).await;
    app.service.directories.create_user(&MARKET, &BEN).await;
    let with = |changes: &[(&str, Value)]| {
        let mut user = new_user(&Person { email: "new@contoso.example", ..ADA });
        for (name, value) in changes {
            user[name] = value.clone();
        }
        user
    };
    let (value, syntax) = (Some("invalidValue".to_owned()), Some("invalidSyntax".to_owned()));
    let (taken, forbidden) = (Some("uniqueness".to_owned()), Some("mutability".to_owned()));
    for (method, args, expected) in [
        ("signUp", json!([new_user(&ADA)]), (taken.clone(), 409)),
        ("signUp", json!([with(&[("password", json!("short"))])]), (value.clone(), 400)),
        ("signUp", json!([with(&[("password", Value::Null)])]), (syntax.clone(), 400)),
        ("signUp", json!([with(&[("emails", json!([]))])]), (value.clone(), 400)),
        ("signUp", json!([with(&[("emails", json!("new@contoso.example"))])]), (syntax.clone(), 400)),
        ("forgotPassword", json!(["nobody@contoso.example"]), (None, 404)),
        ("forgotPassword", json!([""]), (None, 404)),
        ("resendNotification", json!(["nobody", "WELCOME"]), (None, 404)),
        ("resendNotification", json!([id, "welcome"]), (None, 404)),
        ("resendNotification", json!([id, "..%2FUsers"]), (None, 404)),
        ("resendNotification", json!([id, "USER_VERIFICATION"]), (forbidden, 409)),
        ("setUserNewPassword", json!(["nobody", NEW_PASSWORD]), (None, 404)),
        ("setUserNewPassword", json!([id, "short"]), (value.clone(), 400)),
        ("getUserDetails", json!(["nobody"]), (None, 404)),
        ("updateUserDetails", json!(["nobody", new_user(&ADA)]), (None, 404)),
        ("updateUserDetails", json!([id, { "emails": [{ "value": BEN.email }] }]), (taken, 409)),
        ("updateUserDetails", json!([id, { "emails": [{ "value": "no address" }] }]), (value, 400)),
    ] {
        assert_eq!(app.refused(method, &args).await, expected, "{method} {args}");
    }
    let updated = json!([id, { "emails": [{ "value": ADA.email }], "displayName": "The Countess" }]);
    assert_eq!(app.call("updateUserDetails", &updated).await["result"]["displayName"], "The Countess");
    for manager in ["wrongKey", "noKey"] {
        let refused = app.call_of(manager, "getUserDetails", &json!([id])).await;
        assert!(refused["result"].is_null() && refused["error"]["message"].is_string(), "{manager}: {refused}");
    }
}
