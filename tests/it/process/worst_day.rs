//! What the machine can do to the process, and what an operator then sees (docs/running.md §On the worst day).

use std::process::Command;

use super::operations::{FIRST, port_of, sign_out, with_operations};
use super::setting::{Service, Setting};

/// Sets a resource limit of a running process, for example `fsize=4096:unlimited`.
fn limit(service: &Service, limit: &str) {
    let set = Command::new("prlimit").args(["--pid", &service.id().to_string(), &format!("--{limit}")]).status();
    assert!(set.unwrap().success());
}

#[tokio::test]
async fn a_limit_on_file_sizes_makes_writes_fail_and_does_not_end_the_process() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    limit(&service, "fsize=4096:unlimited");
    assert_eq!(setting.exchange("Ben", "y").await.status, 500);
    let line = service.wait_for_line("the vault failed").await;
    assert!(line["error"].as_str().unwrap().starts_with("the store is unavailable"), "{line}");
    assert_eq!(setting.get_token("Ada").await, 200, "what was kept before is still there");
    limit(&service, "fsize=unlimited:unlimited");
    assert_eq!(setting.exchange("Ben", "z").await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn the_process_writes_no_core_file() {
    let mut setting = Setting::new().await;
    let service = setting.serve().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", service.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
}

#[tokio::test]
async fn requests_are_answered_while_the_log_is_not_read_and_the_log_says_later_what_it_lacks() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let mut service = setting.serve().await;
    let health = format!("http://127.0.0.1:{}/healthz", port_of(&service));
    let refused = format!("http://{}/bots/demo/api/messages", service.address);
    let reading = service.reading();
    let not_read = reading.lock().await;
    // The pipe holds 64 KiB, and the process twice 256 KiB at most; each refusal writes a line of some 300 bytes.
    for _ in 0..5000 {
        assert_eq!(setting.harness.send("POST", &refused, &[], Vec::new()).await.status, 401);
    }
    let answer = setting.harness.send("GET", &health, &[], Vec::new()).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert!(text.starts_with("ok\n") && text.contains("the log is blocked"), "{text}");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    drop(not_read);
    let line = service.wait_for_line("were left out").await;
    assert!(line["lines"].as_u64().unwrap() > 100, "{line}");
    assert_eq!(setting.harness.send("GET", &health, &[], Vec::new()).await.body, b"ok");
    service.stop().await;
}

#[tokio::test]
async fn a_process_whose_log_is_not_read_still_stops() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    let refused = format!("http://{}/bots/demo/api/messages", service.address);
    let reading = service.reading();
    let not_read = reading.lock().await;
    for _ in 0..1000 {
        setting.harness.send("POST", &refused, &[], Vec::new()).await;
    }
    service.signal("TERM");
    assert_eq!(service.exit_code().await, Some(0));
    drop(not_read);
}

#[tokio::test]
async fn a_database_that_is_removed_or_replaced_makes_writes_fail_until_it_is_back() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let (file, away) = (setting.path("bot-sso.db"), setting.path("away.db"));
    std::fs::rename(&file, &away).unwrap();
    for id in ["y", "z"] {
        assert_eq!(setting.exchange("Ben", id).await.status, 500);
    }
    let line = service.wait_for_line("the store refuses all work").await;
    assert_eq!(line["level"], "ERROR");
    assert!(line["error"].as_str().unwrap().contains("bot-sso.db was removed"), "{line}");
    assert_eq!(setting.get_token("Ben").await, 503);
    std::fs::copy(&away, &file).unwrap();
    assert_eq!(setting.exchange("Ben", "w").await.status, 500, "a copy is not the open file");
    let said = service.lines().iter().filter(|line| line.contains("the store refuses all work")).count();
    assert_eq!(said, 1);
    std::fs::rename(&away, &file).unwrap();
    assert_eq!(setting.exchange("Ben", "v").await.status, 200);
    service.wait_for_line("the store works again").await;
    service.kill();
    let _service = setting.serve().await;
    for user in ["Ada", "Ben"] {
        assert_eq!(setting.get_token(user).await, 200, "{user}");
    }
}

#[tokio::test]
async fn a_sign_out_that_cannot_be_stored_is_answered_503_and_holds_after_a_restart() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let service = setting.serve().await;
    let (port, ada) = (port_of(&service), setting.harness.user("Ada"));
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    limit(&service, "fsize=4096:unlimited");
    assert_eq!(sign_out(&setting, &port, &ada, FIRST).await, 503);
    assert_eq!(setting.get_token("Ada").await, 404, "the sign-out holds in memory");
    limit(&service, "fsize=unlimited:unlimited");
    // The process writes the sign-out again before it ends.
    service.stop().await;
    let _service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 404);
}
