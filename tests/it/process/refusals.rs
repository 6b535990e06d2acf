//! Processes that do not start say why, naming the key to change.

use super::setting::{Setting, stderr};
use crate::harness::write_private;

/// Starts a process that must refuse to start; returns its output.
fn refused(setting: &Setting) -> String {
    let output = setting.run("serve");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    stderr(&output)
}

#[tokio::test]
async fn a_start_on_an_address_that_is_taken_or_foreign_names_the_address() {
    let mut setting = Setting::new().await;
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    setting.set("server.listen", vec![address.clone()]);
    let said = refused(&setting);
    assert!(said.contains(&format!("server.listen: {address}: Address already in use")), "{said}");

    setting.set("server.listen", vec!["192.0.2.1:3978"]);
    let said = refused(&setting);
    assert!(said.contains("server.listen: 192.0.2.1:3978: "), "{said}");

    setting.set("server.listen", vec!["localhost:3978"]);
    let said = refused(&setting);
    assert!(said.contains("server.listen[0]: \"localhost:3978\" is not an address to listen on: write"), "{said}");
}

#[tokio::test]
async fn a_start_on_an_unreadable_store_names_it_and_leaves_it_unchanged() {
    let mut setting = Setting::new().await;
    let path = setting.path("bot-sso.db");
    std::fs::write(&path, "the diary of somebody else, which is no database at all").unwrap();
    let said = refused(&setting);
    assert!(said.contains("store.path: ") && said.contains("bot-sso.db"), "{said}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("the diary"));

    let folder = setting.path("").to_str().unwrap().to_owned();
    setting.set("store.path", folder);
    let said = refused(&setting);
    assert!(said.contains("store.path: "), "{said}");

    setting.set("store.path", "/nowhere/at/all/bot-sso.db");
    let said = refused(&setting);
    assert!(said.contains("store.path: the directory /nowhere/at/all does not exist: make it"), "{said}");
}

#[tokio::test]
async fn a_second_process_on_the_same_store_is_refused_and_the_first_continues() {
    let mut setting = Setting::new().await;
    let _service = setting.serve().await;
    let said = refused(&setting);
    assert!(said.contains("store.path: ") && said.contains("another process has it open"), "{said}");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    assert_eq!(setting.get_token("Ada").await, 200);
}

#[tokio::test]
async fn a_refused_start_keeps_the_stored_tokens() {
    let mut setting = Setting::new().await;
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    service.stop().await;

    let keys = setting.path("bot-sso.keys");
    let ring = std::fs::read_to_string(&keys).unwrap();
    write_private(&keys, "[[keys]]\nid = 1\n");
    let said = refused(&setting);
    assert!(said.contains("keys.file: "), "{said}");
    std::fs::remove_file(&keys).unwrap();
    let said = refused(&setting);
    assert!(said.contains("keys.file: ") && said.contains("bot-sso keys create"), "{said}");

    write_private(&keys, &ring);
    let _service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 200);
}
