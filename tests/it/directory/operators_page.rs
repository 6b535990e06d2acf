//! The operator's pages about directories, in a browser.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::browser::Browser;
use super::fixture::{ADA, BEN, Directories, MARKET, SHOP, SIGNED_OUT, Setup, TestDirectory, encoded};
use super::forms::{Form, forms};
use crate::harness::{ADMIN_TOKEN, Answer};

const LIST: &str = "/admin/directories";

fn page_of_market() -> String {
    format!("{LIST}/{}", MARKET.tenant)
}

/// The form of `page` that has the field `name`.
fn form_with(page: &Answer, name: &str) -> Form {
    let found = forms(&page.text()).into_iter().find(|form| form.fields.iter().any(|field| field.name == name));
    found.unwrap_or_else(|| panic!("no form with {name}: {} {}", page.status, page.text()))
}

/// A browser in which the operator has signed in.
async fn operator(directories: &Directories) -> Browser {
    let mut browser = Browser::new(&directories.harness.operations);
    let page = browser.get(LIST).await;
    let answer = browser.send_form(LIST, &form_with(&page, "admin_token"), &[("admin_token", ADMIN_TOKEN)]).await;
    assert_eq!((answer.status, answer.location()), (303, LIST), "{}", answer.text());
    browser
}

/// The operator ends all sessions of the user `user_id` on the user's page.
pub async fn end_all_sessions(directories: &Directories, directory: &TestDirectory, user_id: &str) {
    let mut browser = operator(directories).await;
    let path = format!("{LIST}/{}/users/{user_id}", directory.tenant);
    let form = form_with(&browser.get(&path).await, "session");
    assert_eq!(browser.send_form(&path, &form, &[("session", "all")]).await.status, 303);
}

async fn read_sso(directories: &Directories) -> Value {
    directories.manage(&MARKET, "GET", "/config/cloud_directory/sso", &Value::Null).await.json()
}

/// What the form has and what a person types over it: a checked box is in `filled` only if it is typed.
fn save<'f>(form: &'f Form, minutes: &'f str, uris: &[&'f str]) -> Vec<(&'f str, &'f str)> {
    let hidden = ["form_token", "shown"].map(|name| (name, form.value(name)));
    let typed = [("active", "on"), ("minutes", minutes), ("action", "save")];
    hidden.into_iter().chain(typed).chain(uris.iter().map(|uri| ("uri", *uri))).collect()
}

#[tokio::test]
async fn the_operator_signs_in_with_the_admin_token_for_an_hour() {
    let directories = Directories::start().await;
    let mut browser = Browser::new(&directories.harness.operations);
    let page = browser.get(&page_of_market()).await;
    assert_eq!((page.status, page.location()), (303, LIST), "a page without a sign-in leads to the form");
    let mut browser = operator(&directories).await;
    let cookie = browser.cookie("bot-sso-operator").unwrap().clone();
    assert!(!cookie.value.contains(ADMIN_TOKEN) && cookie.path == "/admin", "{cookie:?}");
    let list = browser.get(LIST).await;
    assert!(list.text().contains("market") && list.text().contains("campus"), "{}", list.text());
    let policy = list.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
    directories.pass(3601);
    assert_eq!(browser.get(&page_of_market()).await.status, 303);
}

#[tokio::test]
async fn a_sign_out_ends_the_sign_in_of_the_cookie() {
    let directories = Directories::start().await;
    let mut browser = operator(&directories).await;
    let mut stolen = browser.clone();
    let list = browser.get(LIST).await;
    let answer = browser.send_form(LIST, &form_with(&list, "form_token"), &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(stolen.get(&page_of_market()).await.status, 303, "a copy of the cookie is worth nothing either");
}

#[tokio::test]
async fn wrong_tokens_in_the_form_are_counted_with_wrong_bearers() {
    let directories = Directories::start().await;
    let mut browser = Browser::new(&directories.harness.operations);
    let page = browser.get(LIST).await;
    let form = form_with(&page, "admin_token");
    for number in 0..5 {
        let wrong = browser.send_form(LIST, &form, &[("admin_token", &format!("wrong-{number}"))]).await;
        assert_eq!(wrong.status, 401, "{number}");
        let url = format!("{}/admin/users/x/sign-out", directories.harness.operations);
        let bearer = [("authorization", "Bearer wrong")];
        assert_eq!(directories.harness.send("POST", &url, &bearer, Vec::new()).await.status, 401, "{number}");
    }
    let limited = browser.send_form(LIST, &form, &[("admin_token", "wrong")]).await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").is_some());
    let right = browser.send_form(LIST, &form, &[("admin_token", ADMIN_TOKEN)]).await;
    assert_eq!(right.status, 303, "the right token is accepted whatever was tried before");
}

#[tokio::test]
async fn wrong_tokens_in_forms_that_are_sent_at_the_same_time_are_counted_one_by_one() {
    let directories = Directories::start().await;
    let operations = &directories.harness.operations;
    let mut browser = Browser::new(operations);
    let page = browser.get(LIST).await;
    let body = encoded(&form_with(&page, "admin_token").filled(&[("admin_token", "wrong")]));
    let cookies: Vec<_> = browser.cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
    let host = operations.strip_prefix("http://").unwrap();
    let (begin, end) = body.split_at(body.len() / 2);
    let head = format!(
        "POST /admin/sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: {operations}\r\nCookie: {}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{begin}",
        cookies.join("; "),
        body.len()
    );
    let mut calls = Vec::new();
    for _ in 0..30 {
        let mut call = TcpStream::connect(host).await.unwrap();
        call.write_all(head.as_bytes()).await.unwrap();
        calls.push(call);
        // An answer after the head was sent: the guard of the listener has most likely seen it.
        browser.get(LIST).await;
    }
    let mut statuses = Vec::new();
    for call in &mut calls {
        call.write_all(end.as_bytes()).await.unwrap();
        let mut answer = String::new();
        call.read_to_string(&mut answer).await.unwrap();
        statuses.push(answer.split(' ').nth(1).unwrap().to_owned());
    }
    assert_eq!(statuses.iter().filter(|status| *status == "401").count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| *status == "429").count(), 20, "{statuses:?}");
}

#[tokio::test]
async fn the_operator_changes_single_sign_on() {
    let directories = Directories::start().await;
    let mut browser = operator(&directories).await;
    let page = browser.get(&page_of_market()).await;
    let form = form_with(&page, "minutes");
    assert_eq!(form.value("uri"), SIGNED_OUT);
    let uris = ["https://one.example.com/bye", "", "http://two.example.com/"];
    let saved = browser.post(&page_of_market(), &save(&form, "10080", &uris)).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let expected = json!({
        "isActive": true, "inactivityTimeoutSeconds": 604_800,
        "logoutRedirectUris": ["https://one.example.com/bye", "http://two.example.com/"],
    });
    assert_eq!(read_sso(&directories).await, expected);
    let line = directories.audited("directory_sso_updated", None).await;
    assert_eq!((&line["administrator"], &line["tenant"]), (&json!("operator"), &json!(MARKET.tenant)));
    let page = browser.get(&page_of_market()).await;
    let form = form_with(&page, "minutes");
    for (minutes, uri) in [("0", ""), ("10081", ""), ("x", ""), ("60", "https://a.example/*"), ("60", "javascript:x")] {
        let refused = browser.post(&page_of_market(), &save(&form, minutes, &[uri])).await;
        assert_eq!(refused.status, 400, "{minutes} {uri}");
        assert!(refused.text().contains("role=\"alert\""), "{}", refused.text());
    }
    assert_eq!(read_sso(&directories).await, expected);
}

#[tokio::test]
async fn rows_of_the_list_are_added_and_removed_without_a_script() {
    let directories = Directories::start().await;
    let before = read_sso(&directories).await;
    let mut browser = operator(&directories).await;
    let page = browser.get(&page_of_market()).await;
    let form = form_with(&page, "minutes");
    let count = |page: &Answer| form_with(page, "minutes").fields.iter().filter(|field| field.name == "uri").count();
    let press = |form: &Form, action: &str| {
        let mut fields = save(form, "77", &[SIGNED_OUT, "https://typed.example.com/"])
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>();
        fields.iter_mut().filter(|(name, _)| name == "action").for_each(|field| field.1 = action.to_owned());
        fields
    };
    let send = async |browser: &mut Browser, fields: Vec<(String, String)>| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post(&page_of_market(), &fields).await
    };
    let more = send(&mut browser, press(&form, "add")).await;
    assert_eq!((more.status, count(&more)), (200, 3), "{}", more.text());
    assert!(more.text().contains("https://typed.example.com/") && more.text().contains("value=\"77\""));
    let less = send(&mut browser, press(&form, "remove-0")).await;
    assert_eq!((less.status, count(&less)), (200, 1));
    assert_eq!(form_with(&less, "minutes").value("uri"), "https://typed.example.com/");
    assert_eq!(read_sso(&directories).await, before, "only Save stores");
}

#[tokio::test]
async fn a_change_that_came_between_is_not_overwritten() {
    let directories = Directories::start().await;
    let mut browser = operator(&directories).await;
    let page = browser.get(&page_of_market()).await;
    let form = form_with(&page, "minutes");
    let between = json!({ "isActive": false, "inactivityTimeoutSeconds": 120, "logoutRedirectUris": [] });
    assert_eq!(directories.manage(&MARKET, "PUT", "/config/cloud_directory/sso", &between).await.status, 201);
    let refused = browser.post(&page_of_market(), &save(&form, "60", &[])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("have changed since"), "{}", refused.text());
    assert_eq!(read_sso(&directories).await, between);
    let again = form_with(&refused, "minutes");
    assert_eq!(browser.post(&page_of_market(), &save(&again, "60", &[])).await.status, 303);
    assert_eq!(read_sso(&directories).await["inactivityTimeoutSeconds"], 3600);
}

#[tokio::test]
async fn the_operator_finds_a_user_and_ends_sessions() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut laptop, mut phone) = (directories.browser(), directories.browser());
    laptop.sign_in(&SHOP, &ADA).await;
    phone.sign_in(&SHOP, &ADA).await;
    let mut browser = operator(&directories).await;
    let found = browser.get(&format!("{}?query=ADA%40", page_of_market())).await;
    assert!(found.text().contains("Ada Lovelace") && !found.text().contains("Ben Franklin"), "{}", found.text());
    let path = format!("{}/users/{id}", page_of_market());
    let page = browser.get(&path).await;
    let form = form_with(&page, "session");
    let sessions: Vec<_> = form
        .fields
        .iter()
        .filter(|field| field.name == "session" && field.value != "all")
        .map(|field| field.value.clone())
        .collect();
    assert_eq!(sessions.len(), 2, "{}", page.text());
    assert_eq!(browser.send_form(&path, &form, &[("session", &sessions[0])]).await.status, 303);
    directories.audited("directory_signed_out", Some(&id)).await;
    let left = [laptop.authorize(&SHOP, &[]).await.status, phone.authorize(&SHOP, &[]).await.status];
    assert_eq!(left.iter().filter(|status| **status == 200).count(), 1, "one of them has ended: {left:?}");
    assert_eq!(browser.send_form(&path, &form, &[("session", "all")]).await.status, 303);
    for device in [&mut laptop, &mut phone] {
        assert_eq!(device.authorize(&SHOP, &[]).await.status, 200);
    }
    assert_eq!(directories.audited("directory_sessions_ended", Some(&id)).await["detail"], "operator");
    assert!(browser.get(&path).await.text().contains("has no session"));
}

#[tokio::test]
async fn a_locked_user_is_shown_as_locked_until_the_lock_ends() {
    let tables = "[directories.market.passwords]\nlockout = { attempts = 1, seconds = 60 }\n";
    let directories = Directories::with(Setup { tables, ..Setup::default() }).await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = operator(&directories).await;
    let has_lock =
        async |browser: &mut Browser| browser.get(&page_of_market()).await.text().contains("<td>locked</td>");
    assert!(!has_lock(&mut browser).await);
    let wrong = [("grant_type", "password"), ("username", ADA.email), ("password", "wrong")];
    assert_eq!(directories.token(&SHOP, &wrong).await.status, 400);
    assert!(has_lock(&mut browser).await);
    directories.pass(61);
    assert!(!has_lock(&mut browser).await);
}

#[tokio::test]
async fn no_form_does_anything_for_another_site() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let before = read_sso(&directories).await;
    let mut device = directories.browser();
    device.sign_in(&SHOP, &ADA).await;
    let mut browser = operator(&directories).await;
    let user = format!("{}/users/{id}", page_of_market());
    let page = browser.get(&page_of_market()).await;
    let settings = form_with(&page, "minutes");
    let own = browser.get(&user).await;
    let (of_settings, of_user) =
        (settings.value("form_token").to_owned(), form_with(&own, "session").value("form_token").to_owned());
    // The token of another browser, which an attacker has.
    let mut attacker = Browser::new(&directories.harness.operations);
    let foreign = form_with(&attacker.get(LIST).await, "admin_token").value("form_token").to_owned();
    for token in ["", "0", foreign.as_str(), of_user.as_str()] {
        let fields = [("form_token", token), ("shown", settings.value("shown")), ("minutes", "5"), ("action", "save")];
        assert_eq!(browser.post(&page_of_market(), &fields).await.status, 403, "settings {token}");
    }
    for token in ["", "0", foreign.as_str(), of_settings.as_str()] {
        let fields = [("form_token", token), ("session", "all")];
        assert_eq!(browser.post(&user, &fields).await.status, 403, "sessions {token}");
        assert_eq!(browser.post("/admin/sign-out", &[("form_token", token)]).await.status, 403, "sign-out {token}");
        let fields = [("form_token", token), ("admin_token", ADMIN_TOKEN)];
        assert_eq!(browser.post("/admin/sign-in", &fields).await.status, 403, "sign-in {token}");
    }
    assert_eq!(read_sso(&directories).await, before);
    assert!(!device.sign_in_silently(&SHOP).await.code.is_empty());
    assert_eq!(browser.get(&page_of_market()).await.status, 200, "the operator is still signed in");
}

#[tokio::test]
async fn a_directory_that_the_file_manages_is_shown_without_a_form() {
    let directories = Directories::with(Setup { market: "managed = \"file\"\n", ..Setup::default() }).await;
    let mut browser = operator(&directories).await;
    let page = browser.get(&page_of_market()).await;
    assert!(page.text().contains("id=\"read-only\""), "{}", page.text());
    assert!(forms(&page.text()).iter().all(|form| form.fields.iter().all(|field| field.name != "minutes")));
    let unknown = browser.get(&format!("{LIST}/nobody")).await;
    assert_eq!(unknown.status, 404);
}
