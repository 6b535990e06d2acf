//! `everywhere=true` at the two logouts: it ends applications, bots and back ends as well (docs/directory.md §Logout).

use serde_json::{Value, json};

use super::setting::{ada_at_shop, signed_in_to, started, started_with};
use crate::directory::browser::Browser;
use crate::directory::fixture::{
    ADA, BEN, CAMPUS, Directories, LIBRARY, MARKET, SHOP, SIGNED_OUT, Setup, TICKETS, encoded,
};
use crate::directory::forms::{Form, forms};
use crate::directory::sessions::is_asked;
use crate::harness::Answer;

fn sso_logout(more: &[(&str, &str)]) -> String {
    let usual = [("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id), ("everywhere", "true")];
    format!("{}?{}", MARKET.oauth("/cloud_directory/sso/logout"), encoded(&[&usual, more].concat()))
}

fn end_session(more: &[(&str, &str)]) -> String {
    let usual = [("post_logout_redirect_uri", SIGNED_OUT), ("everywhere", "true"), ("state", "s")];
    format!("{}?{}", MARKET.oauth("/logout"), encoded(&[&usual, more].concat()))
}

fn question(page: &Answer) -> Form {
    assert_eq!(page.status, 200, "{}", page.text());
    let found =
        forms(&page.text()).into_iter().find(|form| form.fields.iter().any(|field| field.value == "everything"));
    found.unwrap_or_else(|| panic!("{}", page.text()))
}

fn id_token(tokens: &Value) -> &str {
    tokens["id_token"].as_str().unwrap()
}

async fn is_good(directories: &Directories, tokens: &Value) -> bool {
    directories.is_active(&SHOP, tokens["access_token"].as_str().unwrap()).await
}

#[tokio::test]
async fn an_id_token_of_the_session_ends_everything_at_once() {
    for logout in [sso_logout, end_session] {
        let (directories, ada) = started().await;
        let (mut browser, tokens) = ada_at_shop(&directories).await;
        let (mut other, of_tickets) = signed_in_to(&directories, &TICKETS, &ADA).await;
        let answer = browser.get(&logout(&[("id_token_hint", id_token(&tokens))])).await;
        assert!(answer.status == 302 && answer.location().starts_with(SIGNED_OUT), "{}", answer.text());
        assert_eq!(browser.cookie("bot-sso-session-"), None);
        assert!(is_asked(&mut browser, &SHOP).await && is_asked(&mut other, &SHOP).await);
        assert!(!is_good(&directories, &tokens).await && !is_good(&directories, &of_tickets).await);
        let line = directories.audited("signed_out_everywhere", Some(&ada)).await;
        assert_eq!(line["ended"]["sessions"], json!(2), "{line}");
    }
}

#[tokio::test]
async fn any_other_hint_lets_the_page_ask_and_ends_nothing() {
    let (directories, _) = started().await;
    directories.create_user(&MARKET, &BEN).await;
    directories.create_user(&CAMPUS, &ADA).await;
    let (mut browser, tokens) = ada_at_shop(&directories).await;
    let (_, of_other_session) = ada_at_shop(&directories).await;
    let (_, of_ben) = signed_in_to(&directories, &SHOP, &BEN).await;
    let (_, of_campus) = signed_in_to(&directories, &LIBRARY, &ADA).await;
    let own = id_token(&tokens);
    let (header, rest) = own.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let encode = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    let unsigned = format!("{}.{payload}.", encode(r#"{"alg":"none"}"#));
    let by_public_key = format!("{}.{payload}.c2lnbmF0dXJl", encode(r#"{"alg":"HS256","typ":"JWT"}"#));
    let cut = format!("{header}.{payload}.");
    let access = tokens["access_token"].as_str().unwrap();
    let hints = [
        "",
        "x",
        id_token(&of_other_session),
        id_token(&of_ben),
        id_token(&of_campus),
        &unsigned,
        &by_public_key,
        &cut,
        access,
    ];
    for hint in hints {
        for logout in [sso_logout, end_session] {
            question(&browser.get(&logout(&[("id_token_hint", hint)])).await);
        }
    }
    assert!(!is_asked(&mut browser, &SHOP).await && is_good(&directories, &tokens).await);
    // The hint of another application than the one that asks.
    let other_client = browser.get(&end_session(&[("id_token_hint", own), ("client_id", TICKETS.client_id)])).await;
    assert_eq!(other_client.status, 400, "{}", other_client.text());
    for refused in [
        format!(
            "{}?client_id={}&everywhere=true&redirect_uri=https%3A%2F%2Fevil.example%2F&id_token_hint={own}",
            MARKET.oauth("/cloud_directory/sso/logout"),
            SHOP.client_id
        ),
        format!("{}?everywhere=true&everywhere=true&id_token_hint={own}", MARKET.oauth("/logout")),
    ] {
        assert_eq!(browser.get(&refused).await.status, 400, "{refused}");
    }
    assert!(!is_asked(&mut browser, &SHOP).await && is_good(&directories, &tokens).await);
}

#[tokio::test]
async fn the_page_that_asks_ends_what_the_user_chooses_and_leads_on() {
    let (directories, _) = started_with(Setup { market: "sdk_all_sessions = true", ..Setup::default() }).await;
    let (mut browser, tokens) = ada_at_shop(&directories).await;
    let (mut other, of_other) = ada_at_shop(&directories).await;
    // The word of the SDK is good for sessions alone.
    let address = sso_logout(&[("all_sessions", "true")]);
    let form = question(&browser.get(&address).await);
    let decide = async |browser: &mut Browser, decision: &str| {
        let answer = browser.send_form(&address, &form, &[("decision", decision)]).await;
        assert_eq!((answer.status, answer.location()), (303, SIGNED_OUT), "{}", answer.text());
    };
    decide(&mut browser, "stay").await;
    assert!(!is_asked(&mut browser, &SHOP).await && is_good(&directories, &tokens).await);
    let forged = browser.post(&form.action, &[("decision", "everything"), ("form_token", "x")]).await;
    assert_eq!(forged.status, 403, "{}", forged.text());
    let stripped = form.action.replace("everywhere=true", "everywhere=false");
    let token = form.value("form_token");
    let odd = browser.post(&stripped, &[("decision", "everything"), ("form_token", token)]).await;
    assert_eq!(odd.status, 403, "the token is of another question: {}", odd.text());
    decide(&mut browser, "everything").await;
    assert!(is_asked(&mut browser, &SHOP).await && is_asked(&mut other, &SHOP).await);
    assert!(!is_good(&directories, &tokens).await && !is_good(&directories, &of_other).await);
}

#[tokio::test]
async fn a_question_about_sessions_alone_does_not_offer_more() {
    let (directories, _) = started().await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    let address = format!(
        "{}?{}",
        MARKET.oauth("/cloud_directory/sso/logout"),
        encoded(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id), ("all_sessions", "true")])
    );
    let page = browser.get(&address).await;
    assert!(page.status == 200 && !page.text().contains("everything"), "{}", page.text());
}
