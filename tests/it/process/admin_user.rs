//! `bot-sso admin user …` calls the operator's listener of a running service (docs/operating.md §Export and erasure).

use serde_json::{Value, json};

use super::operations::{FIRST, port_of, with_operations};
use super::setting::{bot_sso, stderr, stdout};
use crate::harness::write_private;

#[tokio::test]
async fn the_command_exports_signs_out_and_erases_a_user_of_the_running_service() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let service = setting.serve().await;
    let operations = format!("127.0.0.1:{}", port_of(&service));
    let ada = setting.harness.user("Ada");
    let key = format!("{}@{}", ada.oid, ada.tid);
    assert_eq!(setting.exchange("Ada", "one").await.status, 200);
    let exported = setting.admin_user("export", &operations, &[&key]);
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let read: Value = serde_json::from_str(&stdout(&exported)).unwrap();
    assert_eq!(
        (&read["userKey"], &read["records"]["tokens"][0]["connection"]),
        (&json!(key), &json!("graph")),
        "{read}"
    );
    let ended = setting.admin_user("sign-out", &operations, &[&key]);
    assert_eq!(stdout(&ended), format!("{key} is signed out everywhere: tokens 1\n"), "{ended:?}");
    assert_eq!(setting.get_token("Ada").await, 404);
    assert_eq!(setting.exchange("Ada", "two").await.status, 200);
    // Nobody can answer the question here, and nothing is erased without an answer.
    let asked = setting.admin_user("erase", &operations, &[&key]);
    assert!(asked.status.code() == Some(1) && stderr(&asked).contains("add --yes"), "{asked:?}");
    assert_eq!(setting.get_token("Ada").await, 200);
    let erased = setting.admin_user("erase", &operations, &[&key, "--yes"]);
    assert!(stdout(&erased).starts_with(&format!("{key} is erased: tokens 1")), "{erased:?}");
    assert_eq!(setting.get_token("Ada").await, 404);
    let again = setting.admin_user("erase", &operations, &["--yes", "cloud_directory:market/nobody"]);
    assert_eq!(stdout(&again), "cloud_directory:market/nobody is erased: nothing was kept\n", "{again:?}");
    service.stop().await;
}

#[tokio::test]
async fn the_command_says_what_is_wrong_and_never_prints_the_token() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let service = setting.serve().await;
    let operations = format!("127.0.0.1:{}", port_of(&service));
    let key = "cloud_directory:market/nobody";
    let malformed = setting.admin_user("export", &operations, &["ada@contoso.example"]);
    assert!(
        stderr(&malformed).contains("is no user key") && stderr(&malformed).contains("cloud_directory:<tenant>/<id>"),
        "{malformed:?}"
    );
    write_private(&setting.path("admin.token"), "another-admin-secret-of-the-local-stage");
    let refused = setting.admin_user("export", &operations, &[key]);
    assert!(stderr(&refused).contains("refuses operations.admin_token"), "{refused:?}");
    write_private(&setting.path("admin.token"), FIRST);
    service.stop().await;
    let stopped = setting.admin_user("export", &operations, &[key]);
    assert!(stderr(&stopped).contains(&format!("does not answer at http://{operations}/")), "{stopped:?}");
    for output in [&malformed, &refused, &stopped] {
        assert!(output.status.code() == Some(1) && stdout(output).is_empty(), "{output:?}");
        assert!(!stderr(output).contains("secret-of-the-local-stage"), "{output:?}");
    }
    setting.remove_section("operations");
    setting.write();
    let file = setting.path("bot-sso.toml");
    let without = bot_sso(&["admin", "user", "export", "--config", file.to_str().unwrap(), key]);
    assert_eq!(without.status.code(), Some(1), "{without:?}");
    let missing = bot_sso(&["admin", "user", "export", "--config", "/nowhere/bot-sso.toml", key]);
    assert!(stderr(&missing).contains("/nowhere/bot-sso.toml"), "{missing:?}");
}
