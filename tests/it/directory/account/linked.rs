//! A user whose account at Entra is linked: the bots of that account are the user's, on the page as for the operator.

use serde_json::{Value, json};

use super::setting::{ada_at_shop, buttons, key_of, operate, page, page_form, press, signed_in_to};
use crate::directory::fixture::{ADA, BEN, Directories, MARKET, SHOP};
use crate::directory::providers::fixture::Federation;
use crate::directory::sessions::is_asked;
use crate::harness::activities;

/// Ada of the directory, who is Ada of the local tenant, too. Returns her id and her key there. `scenario` names the log of the provider.
async fn linked(scenario: &str) -> (Federation, String, String) {
    let federation = Federation::start(scenario).await;
    let ada = federation.directories.create_user(&MARKET, &ADA).await;
    let key = federation.link_ada(&ada).await;
    (federation, ada, key)
}

/// The bot `demo` gets a token of `user` on Teams.
async fn exchange(directories: &Directories, user: &str, id: &str) {
    let harness = &directories.harness;
    let token = harness.user_token(user, "graph").await;
    let answer = harness.post(&activities::exchange(harness, &harness.user(user), id, &token)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn get_token(directories: &Directories, user: &str) -> u16 {
    directories.harness.get_token("msteams", &format!("29:{user}"), "graph").await.status
}

#[tokio::test]
async fn the_page_lists_the_bots_of_a_linked_account_and_ends_their_access() {
    let (federation, _, key) = linked("account-bots").await;
    let directories = &federation.directories;
    directories.create_user(&MARKET, &BEN).await;
    let (mut browser, _) = ada_at_shop(directories).await;
    let (mut of_ben, _) = signed_in_to(directories, &SHOP, &BEN).await;
    exchange(directories, "Ada", "one").await;
    exchange(directories, "Ben", "two").await;
    let shown = page(&mut browser).await;
    let text = shown.text();
    assert_eq!(buttons(&shown, "holder"), ["demo"], "{text}");
    for part in [
        "Bot demo",
        "Connection graph, Microsoft Teams",
        "Last renewed",
        &format!("Linked as {key}"),
        "the local tenant",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&format!("href=\"{}\"", MARKET.oauth("/providers/local/link"))), "{text}");
    // Ben is not linked, and sees and ends no bot of anybody.
    let shown_to_ben = page(&mut of_ben).await;
    assert_eq!(buttons(&shown_to_ben, "holder"), [""; 0], "{}", shown_to_ben.text());
    assert_eq!(press(&mut of_ben, &shown_to_ben, "holder", "demo").await.status, 303);
    assert_eq!(get_token(directories, "ada").await, 200);
    assert_eq!(press(&mut browser, &shown, "holder", "demo").await.status, 303);
    assert_eq!((get_token(directories, "ada").await, get_token(directories, "ben").await), (404, 200));
    assert_eq!(buttons(&page(&mut browser).await, "holder"), [""; 0]);
    assert!(!is_asked(&mut browser, &SHOP).await, "the session goes on");
}

#[tokio::test]
async fn the_end_of_everything_ends_the_bots_of_a_linked_account() {
    let (federation, ..) = linked("account-everything").await;
    let directories = &federation.directories;
    let (mut browser, tokens) = ada_at_shop(directories).await;
    exchange(directories, "Ada", "one").await;
    let address = format!("{}/sign-out", super::setting::account());
    let form = page_form(&browser.get(&address).await);
    assert_eq!(browser.send_form(&address, &form, &[]).await.status, 303);
    assert_eq!(get_token(directories, "ada").await, 404);
    assert!(!directories.is_active(&SHOP, tokens["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn an_erasure_names_the_other_keys_of_the_person_ends_what_they_have_and_removes_the_link() {
    let (federation, ada, key) = linked("account-erasure").await;
    let directories = &federation.directories;
    exchange(directories, "Ada", "one").await;
    let exported = operate(directories, "GET", &key_of(&ada), "export").await.json();
    assert_eq!(exported["linkedKeys"], json!([key]), "{exported}");
    let user = &exported["records"]["directoryUsers"][0];
    assert_eq!(user["identities"], json!([{ "provider": "local", "userKey": key }]), "{user}");
    assert_eq!(exported["records"]["tokens"], json!([]), "they are kept under the other key");
    let other = operate(directories, "GET", &key, "export").await.json();
    assert_eq!(other["linkedKeys"], json!([key_of(&ada)]), "{other}");
    assert_eq!(other["records"]["tokens"].as_array().map(Vec::len), Some(1), "{other}");
    let erased = operate(directories, "POST", &key_of(&ada), "erase").await.json();
    assert_eq!((&erased["linkedKeys"], &erased["removed"]["directoryUsers"]), (&json!([key]), &json!(1)), "{erased}");
    assert_eq!(get_token(directories, "ada").await, 404);
    let left = operate(directories, "GET", &key, "export").await.json();
    assert_eq!(left["linkedKeys"], json!([]), "{left}");
    // The identity is free for another user.
    let ben = directories.create_user(&MARKET, &BEN).await;
    let (oid, tid) = key.split_once('@').unwrap();
    let identity = json!({ "provider": "local", "issuer": format!("entra:{tid}"), "id": oid });
    let path = format!("/cloud_directory/Users/{ben}/identities");
    let linked: Value = directories.manage(&MARKET, "PUT", &path, &identity).await.json();
    assert_eq!(linked["id"], json!(ben), "{linked}");
}

#[tokio::test]
async fn an_account_that_an_administrator_alone_has_linked_opens_nothing_of_its_person() {
    let federation = Federation::start("account-unproven").await;
    let directories = &federation.directories;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let of_ben = directories.harness.user("Ben");
    let identity = json!({ "provider": "local", "issuer": format!("entra:{}", of_ben.tid), "id": of_ben.oid });
    let path = format!("/cloud_directory/Users/{ada}/identities");
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &identity).await.status, 200);
    exchange(directories, "Ben", "one").await;
    let (mut browser, _) = ada_at_shop(directories).await;
    let shown = page(&mut browser).await;
    assert_eq!(buttons(&shown, "holder"), [""; 0], "{}", shown.text());
    assert_eq!(press(&mut browser, &shown, "holder", "demo").await.status, 303);
    let exported = operate(directories, "GET", &key_of(&ada), "export").await.json();
    assert_eq!(exported["linkedKeys"], json!([]), "{exported}");
    operate(directories, "POST", &key_of(&ada), "sign-out").await;
    assert!(is_asked(&mut browser, &SHOP).await);
    assert_eq!(get_token(directories, "ben").await, 200, "Ben has never signed in at the directory");
}
