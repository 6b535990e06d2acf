//! Stores are backed up, restored and copied by commands.

use std::process::Output;

use super::setting::{Setting, bot_sso, stderr, stdout};
use crate::harness::redis::RedisServer;

fn path(setting: &Setting, name: &str) -> String {
    setting.path(name).to_str().unwrap().to_owned()
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    stdout(output)
}

/// What a command that must fail says.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    stderr(output)
}

#[tokio::test]
async fn a_backup_is_written_while_the_service_runs_and_restored_while_it_does_not() {
    let mut setting = Setting::new().await;
    let (store, backup) = (path(&setting, "bot-sso.db"), path(&setting, "backup.db"));
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    succeeded(&bot_sso(&["store", "backup", "--config", &store, &backup]));
    assert_eq!(setting.exchange("Ben", "y").await.status, 200);
    let said = refused(&bot_sso(&["store", "restore", "--config", &store, "--force", &backup]));
    assert!(said.contains("another process has it open"), "{said}");
    service.stop().await;

    let said = refused(&bot_sso(&["store", "restore", "--config", &store, &backup]));
    assert!(said.contains("--force"), "{said}");
    succeeded(&bot_sso(&["store", "restore", "--config", &store, "--force", &backup]));
    let _service = setting.serve().await;
    assert_eq!((setting.get_token("Ada").await, setting.get_token("Ben").await), (200, 404));
}

#[tokio::test]
async fn a_store_in_a_file_is_copied_to_a_server_and_served_from_there() {
    let server = RedisServer::shared().await;
    let mut setting = Setting::new().await;
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let shared: toml::Table = server.new_store().parse().unwrap();
    setting.set("store", shared);
    let (from, to) = (path(&setting, "bot-sso.db"), path(&setting, "bot-sso.toml"));
    let said = refused(&setting.store(&["copy", "--from", &from, "--to", &to]));
    assert!(said.contains("another process has it open"), "{said}");
    service.stop().await;

    let said = succeeded(&setting.store(&["copy", "--from", &from, "--to", &to]));
    assert!(said.contains("sealed with key 1"), "{said}");
    let said = refused(&setting.store(&["copy", "--from", &from, "--to", &to]));
    assert!(said.contains("--merge"), "{said}");
    let said = succeeded(&setting.store(&["copy", "--merge", "--from", &from, "--to", &to]));
    assert!(said.starts_with("0 records were copied"), "{said}");

    let _service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 200);
    let said = refused(&setting.store(&["copy", "--from", &to, "--to", &path(&setting, "back.db")]));
    assert!(said.contains("stop all replicas first"), "{said}");
}
