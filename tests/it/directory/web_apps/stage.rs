//! The directories of `bot-sso dev`: what the manifest says of them, their apps' pages, and their users after a restart.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::directory::browser::{Browser, Page};
use crate::directory::fixture::Person;
use crate::directory::forms::forms;
use crate::harness::development::Development;
use crate::harness::waiting::wait_for;
use crate::harness::{Options, Surroundings, logs};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn person(user: &Value) -> Person {
    let leak = |value: &Value| &*Box::leak(text(value).to_owned().into_boxed_str());
    Person { email: leak(&user["username"]), password: leak(&user["password"]), name: "" }
}

/// The text of the element with this id.
fn shown(page: &Page, id: &str) -> String {
    let html = page.answer.text();
    let (_, rest) = html.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("no {id}: {html}"));
    rest.split('<').next().unwrap().to_owned()
}

async fn press(browser: &mut Browser, page: &Page, action: &str) -> Page {
    let form = forms(&page.answer.text()).into_iter().find(|form| form.action.ends_with(action)).unwrap();
    let url = page.url.join(&form.action).unwrap();
    let origin = page.url.origin().ascii_serialization();
    let answer = browser.request("POST", url.as_str(), &[("origin", &origin)], Some(&[])).await;
    browser.follow(Page { url, answer }).await
}

#[tokio::test]
async fn the_manifest_has_two_directories_each_with_apps_and_users_who_can_sign_in() {
    let development = Development::start_with(&[]);
    let manifest = development.manifest().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let directories = manifest["directories"].as_array().unwrap();
    assert_eq!(directories.len(), 2);
    for directory in directories {
        let expected = [
            "apps",
            "logout_redirect_uris",
            "management_token",
            "management_url",
            "name",
            "oauth_server_url",
            "outbox_url",
            "tenant_id",
            "users",
        ];
        assert_eq!(members(directory), BTreeSet::from(expected));
        let oauth = text(&directory["oauth_server_url"]);
        assert_eq!(oauth, format!("{}/oauth/v4/{}", development.gateway(), text(&directory["tenant_id"])));
        let get = |url: String| client.get(url).bearer_auth(text(&directory["management_token"])).send();
        let outbox = get(text(&directory["outbox_url"]).to_owned()).await.unwrap();
        assert_eq!(outbox.text().await.unwrap(), "[]");
        let sso = get(format!("{}/config/cloud_directory/sso", text(&directory["management_url"]))).await.unwrap();
        let sso: Value = serde_json::from_slice(&sso.bytes().await.unwrap()).unwrap();
        assert_eq!(sso["isActive"], true);
        assert_eq!(sso["logoutRedirectUris"], directory["logout_redirect_uris"]);
        let (apps, users) = (directory["apps"].as_array().unwrap(), directory["users"].as_array().unwrap());
        assert_eq!((apps.len(), users.len()), (2, 3));
        for app in apps {
            let expected = ["client_id", "client_secret", "name", "redirect_uris", "url"];
            assert_eq!(members(app), BTreeSet::from(expected));
        }
        for user in users {
            assert_eq!(members(user), BTreeSet::from(["id", "password", "username"]));
            let form = [
                ("grant_type", "password"),
                ("username", text(&user["username"])),
                ("password", text(&user["password"])),
            ];
            let body = crate::directory::fixture::encoded(&form);
            let request =
                client.post(format!("{oauth}/token")).header("content-type", "application/x-www-form-urlencoded");
            let request = request.basic_auth(text(&apps[0]["client_id"]), Some(text(&apps[0]["client_secret"])));
            let answer = request.body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{user}");
            let tokens: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(crate::directory::fixture::claims(text(&tokens["id_token"]))["sub"], user["id"]);
        }
    }
}

#[tokio::test]
async fn each_directory_of_the_stage_lists_the_mails_that_it_sends() {
    let development = Development::start_with(&[]);
    let manifest = development.manifest().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mails_of = async |directory: &Value| {
        let answer = client.get(text(&directory["outbox_url"])).send().await.unwrap();
        serde_json::from_slice::<Vec<Value>>(&answer.bytes().await.unwrap()).unwrap()
    };
    let (market, campus) = (&manifest["directories"][0], &manifest["directories"][1]);
    let user = text(&market["users"][0]["username"]);
    for language in ["en", "ja"] {
        let url = format!("{}/cloud_directory/forgot_password?language={language}", text(&market["management_url"]));
        let request = client.post(url).bearer_auth(text(&market["management_token"]));
        let request = request.header("content-type", "application/json").body(json!({ "user": user }).to_string());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let mails = wait_for("two mails", async || {
        let mails = mails_of(market).await;
        (mails.len() == 2).then_some(mails)
    })
    .await;
    let links = format!("{}/cloud_directory/link/", text(&market["oauth_server_url"]));
    for (mail, subject) in mails.iter().zip(["Set a new password", "新しいパスワードの設定"]) {
        assert_eq!(members(mail), BTreeSet::from(["links", "sent_at", "subject", "text", "to"]));
        assert_eq!((text(&mail["to"]), text(&mail["subject"])), (user, subject));
        let [link] = mail["links"].as_array().unwrap().as_slice() else { panic!("{mail}") };
        assert!(text(link).starts_with(&links) && text(&mail["text"]).contains(text(link)), "{mail}");
        assert_eq!(client.get(text(link)).send().await.unwrap().status(), 200, "the page of the link");
    }
    assert_eq!(mails_of(campus).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_pages_of_the_stages_apps_show_one_sign_in_refresh_and_sign_out_everywhere() {
    let development = Development::start_with(&[]);
    let manifest = development.manifest().await;
    let directory = &manifest["directories"][0];
    let (first, second) = (text(&directory["apps"][0]["url"]), text(&directory["apps"][1]["url"]));
    let (user, id) = (person(&directory["users"][0]), &directory["users"][0]["id"]);
    let (mut browser, mut other) = (Browser::new(development.gateway()), Browser::new(development.gateway()));

    let login = browser.visit(first).await;
    assert!(login.url.as_str().starts_with(text(&directory["oauth_server_url"])), "{}", login.url);
    let sent_to = login.url.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(json!(sent_to), directory["apps"][0]["redirect_uris"][0]);
    let page = browser.log_in_at(login, &user).await;
    assert_eq!(page.url.as_str(), first, "{}", page.answer.text());
    assert_eq!((shown(&page, "email"), json!(shown(&page, "subject"))), (user.email.to_owned(), id.clone()));
    let silent = browser.visit(second).await;
    assert_eq!((silent.url.as_str(), json!(shown(&silent, "subject"))), (second, id.clone()));

    let page = press(&mut browser, &page, "/refresh").await;
    assert_eq!(shown(&page, "refreshes"), "1");
    let page = press(&mut browser, &page, "/userinfo").await;
    assert!(shown(&page, "userinfo").contains(user.email), "{}", page.answer.text());

    let login = other.visit(second).await;
    other.log_in_at(login, &user).await;
    let left = browser.visit(&format!("{first}/sign-out?sessions=all")).await;
    assert_eq!(left.url.as_str(), format!("{first}/signed-out"), "{}", left.answer.text());
    for browser in [&mut browser, &mut other] {
        let page = browser.visit(first).await;
        assert!(page.url.path().ends_with("/authorization"), "{}", page.url);
    }
}

#[tokio::test]
async fn a_restart_over_the_same_store_keeps_the_ids_of_the_stages_users() {
    let surroundings = Surroundings::start().await;
    let (base, folder) = (surroundings.base.clone(), surroundings.directory().to_owned());
    let written = surroundings.stage.configuration(&base, base.trim_start_matches("http://"), &folder);
    let mut written: toml::Table = toml::from_str(&written).unwrap();
    written.retain(|section, _| matches!(section, "directories" | "mail" | "password_hashes"));
    // The directory's button leads to the local tenant, whose client has a secret.
    let environment = surroundings.stage.secrets();
    let options = Options { appended: written.to_string(), reachable: true, environment, ..Options::default() };
    let mut harness = surroundings.run(&options).await;
    let begun = logs::length();
    harness.stage.prepare_users(&base).await;
    let before = harness.stage.manifest(&base)["directories"].clone();
    assert_eq!(before[1]["users"].as_array().unwrap().len(), 3, "{before}");
    harness.restart(&options).await;
    harness.stage.prepare_users(&base).await;
    assert_eq!(harness.stage.manifest(&base)["directories"], before);
    assert!(!logs::since(begun).contains("of the stage could not be made"), "each user is found again");
}

#[tokio::test]
async fn the_printed_commands_for_a_directory_run_and_show_what_the_text_says() {
    let mut development = Development::start_with(&["--walkthrough"]);
    development.read_to(|line, _| line.contains("/sso/logout"));
    // The users are there when the manifest is.
    development.manifest().await;
    let printed = development.printed.iter().skip_while(|line| !line.starts_with("# Web apps of a directory"));
    let commands: Vec<_> = printed.filter(|line| !line.starts_with('#')).map(String::as_str).collect();
    let output = std::process::Command::new("sh").arg("-euc").arg(commands.join("\n")).output().unwrap();
    let (said, complaints) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && complaints.is_empty(), "{said}\n{complaints}");
    let expected = ["\"name\":\"Ada Lovelace\"", "\"isActive\":true", "\"totalResults\":3", "204"];
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{expected}: {said}");
    }
    let longest = commands.iter().map(|line| line.chars().count()).max();
    assert!(longest < Some(130), "{longest:?}");
}
