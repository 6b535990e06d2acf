//! `bot-sso admin …` shows what a running service keeps of a user, and ends it one by one (docs/operating.md §One person).

use serde_json::{Value, json};

use super::operations::{FIRST, port_of, with_operations};
use super::setting::{Setting, bot_sso, stderr, stdout};
use crate::harness::{activities, write_private};

const READ: &str = "read-only-secret-of-the-local-stage";

/// A setting whose operator has a read-only token as well.
async fn with_read_token() -> Setting {
    let mut setting = with_operations("127.0.0.1:0").await;
    let file = setting.path("read.token");
    write_private(&file, READ);
    let mut reference = toml::Table::new();
    reference.insert("file".to_owned(), file.to_str().unwrap().into());
    setting.set("operations.read_token", reference);
    setting
}

/// Signs Ada in on Teams, and on Direct Line, where her account is pinned.
async fn sign_ada_in(setting: &Setting) {
    assert_eq!(setting.exchange("Ada", "one").await.status, 200);
    let pinned = activities::on_channel(setting.activity("Ada", "pin").await, "directline", "dl_ada");
    assert_eq!(setting.harness.post(&pinned).await.status, 200);
}

#[tokio::test]
async fn the_command_shows_a_user_and_ends_one_token_and_one_pin() {
    let mut setting = with_read_token().await;
    let service = setting.serve().await;
    let operations = format!("127.0.0.1:{}", port_of(&service));
    let ada = setting.harness.user("Ada");
    let key = format!("{}@{}", ada.oid, ada.tid);
    sign_ada_in(&setting).await;
    let shown = setting.admin(&["user", "show"], &operations, &[&key]);
    let text = stdout(&shown);
    assert!(text.starts_with(&key) && text.contains("tokens (2)") && text.contains("29:ada"), "{shown:?}");
    assert!(text.contains("sessions (0)") && text.contains("offers (0)"), "{text}");
    let json = setting.admin(&["user", "show"], &operations, &[&key, "--json"]);
    let seen: Value = serde_json::from_str(&stdout(&json)).unwrap();
    let tokens = seen["tokens"].as_array().unwrap();
    let on_teams = tokens.iter().find(|token| token["account"]["channel"] == "msteams").unwrap();
    let ended = setting.admin(&["token", "end"], &operations, &[&key, on_teams["id"].as_str().unwrap()]);
    assert!(stdout(&ended).contains("(demo msteams 29:ada graph) has ended"), "{ended:?}");
    assert_eq!(setting.get_token("Ada").await, 404);
    let again = setting.admin(&["token", "end"], &operations, &[&key, on_teams["id"].as_str().unwrap()]);
    assert!(again.status.code() == Some(1) && stderr(&again).contains("nothing with this id is kept"), "{again:?}");
    let forgotten = setting.admin(&["pin", "forget"], &operations, &[&key, seen["pins"][0]["id"].as_str().unwrap()]);
    assert!(stdout(&forgotten).contains("is forgotten"), "{forgotten:?}");
    let none = setting.admin(&["account", "find"], &operations, &["directline", "dl_ada"]);
    assert_eq!(stdout(&none), "accounts (0)\n", "{none:?}");
    service.stop().await;
}

#[tokio::test]
async fn the_read_only_token_reads_without_a_configuration_and_ends_nothing() {
    let mut setting = with_read_token().await;
    let service = setting.serve().await;
    let url = format!("http://127.0.0.1:{}", port_of(&service));
    let file = setting.path("read.token");
    let file = file.to_str().unwrap();
    sign_ada_in(&setting).await;
    let ada = setting.harness.user("Ada");
    let key = format!("{}@{}", ada.oid, ada.tid);
    let access = ["--url", &url, "--token-file", file];
    let counted = bot_sso(&[&["admin", "counts", "--json"][..], &access].concat());
    let counts: Value = serde_json::from_str(&stdout(&counted)).unwrap();
    assert_eq!((&counts["usersWithTokens"], &counts["tokens"]), (&json!(1), &json!(2)), "{counts}");
    let found = bot_sso(&[&["admin", "account", "find"][..], &access, &["msteams", "29:ada"]].concat());
    assert!(stdout(&found).contains(&key), "{found:?}");
    let refused = bot_sso(&[&["admin", "user", "sign-out"][..], &access, &[&key]].concat());
    assert!(refused.status.code() == Some(1) && stderr(&refused).contains("may only read"), "{refused:?}");
    assert_eq!(setting.get_token("Ada").await, 200);
    let neither = bot_sso(&["admin", "counts"]);
    assert!(stderr(&neither).contains("--config"), "{neither:?}");
    let without = bot_sso(&["admin", "counts", "--url", &url]);
    assert!(stderr(&without).contains("--token-file"), "{without:?}");
    for output in [&counted, &found, &refused, &neither, &without] {
        assert!(!stderr(output).contains("secret-of-the-local-stage"), "{output:?}");
        assert!(!stdout(output).contains("secret-of-the-local-stage"), "{output:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_read_token_is_taken_away_by_sighup() {
    let mut setting = with_read_token().await;
    let mut service = setting.serve().await;
    let url = format!("http://127.0.0.1:{}/admin/counts", port_of(&service));
    let read = async |bearer: &str| {
        let authorization = format!("Bearer {bearer}");
        setting.harness.send("GET", &url, &[("authorization", &authorization)], Vec::new()).await.status
    };
    assert_eq!((read(READ).await, read(FIRST).await), (200, 200));
    std::fs::write(setting.path("bot-sso.toml"), without_read_token(&setting)).unwrap();
    service.signal("HUP");
    service.wait_for_line("the admin token was read again").await;
    assert_eq!((read(READ).await, read(FIRST).await), (401, 200));
    service.stop().await;
}

/// The configuration without the read-only token.
fn without_read_token(setting: &Setting) -> String {
    let mut table: toml::Table = setting.text().parse().unwrap();
    table["operations"].as_table_mut().unwrap().remove("read_token");
    table.to_string()
}
