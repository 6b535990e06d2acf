//! A user on the account page.

use serde_json::Value;

use crate::directory::browser::Browser;
use crate::directory::fixture::{ADA, Directories, MARKET, Person, SHOP, Setup, TestApp};
use crate::directory::forms::{Form, forms};
use crate::harness::{ADMIN_TOKEN, Answer};

/// The path of the page of `market`.
pub fn account() -> String {
    MARKET.oauth("/account")
}

/// The application, with `ADA` as a user of `market`; returns her id as well.
pub async fn started() -> (Directories, String) {
    started_with(Setup::default()).await
}

pub async fn started_with(setup: Setup) -> (Directories, String) {
    let directories = Directories::with(setup).await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    (directories, ada)
}

/// What the page shows the browser, which has a session.
pub async fn page(browser: &mut Browser) -> Answer {
    let page = browser.get(&account()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    page
}

/// The form of the page.
pub fn page_form(page: &Answer) -> Form {
    forms(&page.text()).into_iter().next().unwrap_or_else(|| panic!("no form: {}", page.text()))
}

/// The values of the page's buttons `name`, in their order.
pub fn buttons(page: &Answer, name: &str) -> Vec<String> {
    let fields = page_form(page).fields.into_iter();
    fields.filter(|field| field.name == name && field.kind == "submit").map(|field| field.value).collect()
}

/// Presses the button `name` with this value.
pub async fn press(browser: &mut Browser, page: &Answer, name: &str, value: &str) -> Answer {
    browser.send_form(&account(), &page_form(page), &[(name, value)]).await
}

/// Signs `person` in to `app` in a new browser, and gives the app its tokens.
pub async fn signed_in_to(directories: &Directories, app: &TestApp, person: &Person) -> (Browser, Value) {
    let mut browser = directories.browser();
    let arrival = browser.sign_in(app, person).await;
    let tokens = directories.redeem(app, &arrival.code).await;
    (browser, tokens)
}

/// A browser in which `ADA` is signed in to the shop, and the shop's tokens.
pub async fn ada_at_shop(directories: &Directories) -> (Browser, Value) {
    signed_in_to(directories, &SHOP, &ADA).await
}

/// A call of the operator about the user `key`.
pub async fn operate(directories: &Directories, method: &str, key: &str, act: &str) -> Answer {
    let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let url = format!("{}/admin/users/{key}/{act}", directories.harness.operations);
    let authorization = format!("Bearer {ADMIN_TOKEN}");
    directories.harness.send(method, &url, &[("authorization", &authorization)], Vec::new()).await
}

/// The key of a user of `market`.
pub fn key_of(user_id: &str) -> String {
    format!("cloud_directory:{}/{user_id}", MARKET.tenant)
}
