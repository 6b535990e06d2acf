//! The audit stream of the real process (docs/operating.md §Audit stream).

use serde_json::Value;

use super::operations::{FIRST, port_of, sign_out, with_operations};
use super::setting::Setting;
use crate::harness::activities;
use crate::harness::waiting::wait_for;

/// The lines of the audit file `name`.
fn audited(setting: &Setting, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(setting.path(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Waits for an event in the file `name`, and returns its first line.
async fn wait_for_event(setting: &Setting, name: &str, event: &str) -> Value {
    wait_for(event, async || audited(setting, name).into_iter().find(|line| line["event"] == event)).await
}

async fn with_audit() -> Setting {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("audit.file", "audit.jsonl");
    setting
}

#[tokio::test]
async fn what_is_done_to_a_person_and_what_may_be_an_attack_is_a_line_with_the_user_key_and_without_a_token() {
    let mut setting = with_audit().await;
    let service = setting.serve().await;
    let (port, ada) = (port_of(&service), setting.harness.user("Ada"));
    let key = format!("{}@{}", ada.oid, ada.tid);
    let token = setting.harness.user_token("Ada", "graph").await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let line = wait_for_event(&setting, "audit.jsonl", "token_exchanged").await;
    assert_eq!(
        (&line["user"], &line["bot"], &line["connection"]),
        (&key.clone().into(), &"demo".into(), &"graph".into())
    );
    assert_eq!((&line["stream"], &line["security"]), (&"audit".into(), &false.into()));
    // Ben's token in Ada's chat.
    let of_ben = setting.harness.user_token("Ben", "graph").await;
    let stolen = activities::exchange(&setting.harness, &ada, "y", &of_ben);
    assert_eq!(setting.harness.post(&stolen).await.status, 400);
    let line = wait_for_event(&setting, "audit.jsonl", "identity_mismatch").await;
    let ben = setting.harness.user("Ben");
    assert_eq!((&line["user"], &line["security"]), (&format!("{}@{}", ben.oid, ben.tid).into(), &true.into()));
    assert_eq!(sign_out(&setting, &port, &ada, "a-guess-of-the-admin-token").await, 401);
    wait_for_event(&setting, "audit.jsonl", "operator_call_refused").await;
    assert_eq!(sign_out(&setting, &port, &ada, FIRST).await, 200);
    let line = wait_for_event(&setting, "audit.jsonl", "signed_out_everywhere").await;
    assert_eq!((&line["user"], &line["count"]), (&key.into(), &1.into()));
    service.stop().await;
    let events: Vec<Value> = audited(&setting, "audit.jsonl").into_iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events.first(), Some(&"started".into()), "{events:?}");
    assert_eq!(events.last(), Some(&"stopped".into()), "{events:?}");
    let text = std::fs::read_to_string(setting.path("audit.jsonl")).unwrap();
    for secret in [token.as_str(), of_ben.as_str(), FIRST, "a-guess-of-the-admin-token", "29:ada", "eyJ"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_moved_audit_file_is_opened_again_at_sighup() {
    let mut setting = with_audit().await;
    let mut service = setting.serve().await;
    wait_for_event(&setting, "audit.jsonl", "started").await;
    std::fs::rename(setting.path("audit.jsonl"), setting.path("audit.jsonl.1")).unwrap();
    service.signal("HUP");
    service.wait_for_line("the audit file was opened again").await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    wait_for_event(&setting, "audit.jsonl", "token_exchanged").await;
    assert!(audited(&setting, "audit.jsonl.1").iter().all(|line| line["event"] != "token_exchanged"));
    service.stop().await;
}

#[tokio::test]
async fn a_full_disk_under_the_audit_file_costs_lines_and_stops_nothing() {
    let mut setting = with_audit().await;
    setting.set("audit.file", "/dev/full");
    let service = setting.serve().await;
    let base = format!("http://127.0.0.1:{}", port_of(&service));
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let send = async |path: &str| setting.harness.send("GET", &format!("{base}{path}"), &[], Vec::new()).await;
    let left_out = wait_for("lines left out", async || {
        let text = String::from_utf8(send("/metrics").await.body).unwrap();
        let line = text.lines().find(|line| line.starts_with("bot_sso_log_lines_left_out_total{stream=\"audit\"}"));
        line.and_then(|line| line.rsplit_once(' ')).and_then(|(_, lines)| lines.parse().ok()).filter(|lines| *lines > 0)
    });
    let lines: u64 = left_out.await;
    assert!(lines >= 1);
    let readiness = send("/readyz").await;
    assert_eq!((readiness.status, &readiness.json()["checks"]["audit_writer"]["status"]), (200, &"failing".into()));
    service.stop().await;
}

#[tokio::test]
async fn on_standard_error_the_lines_of_the_audit_stream_stand_among_those_of_the_log() {
    let mut setting = Setting::new().await;
    setting.set("audit.output", "stderr");
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let line = service.wait_for_line("\"token_exchanged\"").await;
    assert_eq!(line["stream"], "audit");
    service.stop().await;
}
