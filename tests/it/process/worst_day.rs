//! What the machine can do to the process, and what an operator then sees (docs/running.md §On the worst day).

use std::process::Command;

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
    service.wait_for_line("storage_unavailable").await;
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
