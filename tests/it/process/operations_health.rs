//! Health checks and metrics of the real process: what turns `/readyz` red, and the listener without the admin API
//! (docs/operating.md §Health).

use serde_json::Value;

use super::operations::{FIRST, port_of, with_operations};
use super::setting::{Service, Setting};
use crate::harness::waiting::wait_for;
use crate::harness::{Answer, write_private};

async fn get(setting: &Setting, port: &str, path: &str) -> Answer {
    setting.harness.send("GET", &format!("http://127.0.0.1:{port}{path}"), &[], Vec::new()).await
}

/// Asks for the readiness until it has this status, and returns the report.
pub(super) async fn wait_for_readiness(setting: &Setting, port: &str, status: u16) -> Value {
    wait_for("the readiness", async || {
        let answer = get(setting, port, "/readyz").await;
        (answer.status == status).then(|| answer.json())
    })
    .await
}

fn status_of<'r>(report: &'r Value, check: &str) -> &'r str {
    report["checks"][check]["status"].as_str().unwrap_or_else(|| panic!("no {check} in {report}"))
}

pub(super) fn health_port_of(service: &Service) -> String {
    let line = service.lines().into_iter().find(|line| line.contains("\"listening\"")).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    line["health"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_lost_database_a_lost_key_file_and_a_full_disk_turn_the_readiness_red_until_they_are_back() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let service = setting.serve().await;
    let port = port_of(&service);
    let ready = wait_for_readiness(&setting, &port, 200).await;
    assert_eq!(ready["ready"], true);
    for check in
        ["store", "key_ring", "log_writer", "channel_keys", "serving", "audit_writer", "identity_provider:entra"]
    {
        assert_eq!(status_of(&ready, check), "ok", "{check}");
    }
    for (file, check) in [("bot-sso.db", "store"), ("bot-sso.keys", "key_ring")] {
        std::fs::rename(setting.path(file), setting.path("away")).unwrap();
        let red = wait_for_readiness(&setting, &port, 503).await;
        assert_eq!((status_of(&red, check), &red["ready"]), ("failing", &false.into()), "{red}");
        assert_eq!(get(&setting, &port, "/healthz").await.status, 200);
        std::fs::rename(setting.path("away"), setting.path(file)).unwrap();
        wait_for_readiness(&setting, &port, 200).await;
    }
    let limit = |bytes: &str| {
        let pid = service.id().to_string();
        let mut set = std::process::Command::new("prlimit");
        assert!(set.args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status().unwrap().success());
    };
    limit("4096");
    assert_eq!(setting.exchange("Ben", "y").await.status, 500);
    assert_eq!(status_of(&wait_for_readiness(&setting, &port, 503).await, "store"), "failing");
    limit("unlimited");
    wait_for_readiness(&setting, &port, 200).await;
    assert_eq!(setting.exchange("Ben", "z").await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn an_identity_provider_that_cannot_be_reached_is_named_and_the_channels_keys_decide() {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("identity_providers.entra.jwks_url", "https://127.0.0.1:1/keys");
    let service = setting.serve().await;
    let port = port_of(&service);
    let ready = wait_for_readiness(&setting, &port, 200).await;
    assert_eq!(status_of(&ready, "identity_provider:entra"), "failing");
    assert_eq!(ready["checks"]["identity_provider:entra"]["required"], false);
    service.stop().await;
    setting.set("channels.jwks_url", "https://127.0.0.1:1/keys");
    let service = setting.serve().await;
    let port = port_of(&service);
    let red = wait_for_readiness(&setting, &port, 503).await;
    assert_eq!(status_of(&red, "channel_keys"), "failing", "{red}");
    assert!(!red.to_string().contains("127.0.0.1"), "no address is named: {red}");
    service.stop().await;
}

#[tokio::test]
async fn a_log_that_is_not_read_turns_the_readiness_red() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let service = setting.serve().await;
    let port = port_of(&service);
    let refused = format!("http://{}/bots/demo/api/messages", service.address);
    let reading = service.reading();
    let not_read = reading.lock().await;
    for _ in 0..2000 {
        assert_eq!(setting.harness.send("POST", &refused, &[], Vec::new()).await.status, 401);
    }
    let red = wait_for_readiness(&setting, &port, 503).await;
    assert_eq!(status_of(&red, "log_writer"), "failing");
    drop(not_read);
    wait_for_readiness(&setting, &port, 200).await;
    service.stop().await;
}

#[tokio::test]
async fn the_health_listener_has_no_admin_api_answers_get_and_head_alone_and_metrics_by_setting() {
    const TOKEN: &str = "metrics-secret-of-the-local-stage";
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("operations.health_listen", "127.0.0.1:0");
    let service = setting.serve().await;
    let port = health_port_of(&service);
    let send = async |setting: &Setting, port: &str, method: &str, path: &str, bearer: &str| {
        let authorization = format!("Bearer {bearer}");
        let url = format!("http://127.0.0.1:{port}{path}");
        setting.harness.send(method, &url, &[("authorization", &authorization)], Vec::new()).await
    };
    for path in ["/healthz", "/readyz"] {
        wait_for_readiness(&setting, &port, 200).await;
        let (got, head) = (send(&setting, &port, "GET", path, "").await, send(&setting, &port, "HEAD", path, "").await);
        assert_eq!((got.status, head.status, head.body.len()), (200, 200, 0), "{path}");
        assert_eq!(got.header("content-type"), head.header("content-type"), "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = send(&setting, &port, method, path, "").await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
    let key = "00000000-0000-4000-8000-000000000009";
    for path in ["/metrics", &format!("/admin/users/{key}@{key}/sign-out"), "/api/messages", "/"] {
        for method in ["GET", "POST"] {
            assert_eq!(send(&setting, &port, method, path, FIRST).await.status, 404, "{method} {path}");
        }
    }
    service.stop().await;
    setting.set("operations.health_metrics", true);
    let file = setting.path("metrics.token");
    write_private(&file, TOKEN);
    let mut reference = toml::Table::new();
    reference.insert("file".to_owned(), file.to_str().unwrap().into());
    setting.set("operations.metrics_token", reference);
    let service = setting.serve().await;
    for port in [health_port_of(&service), port_of(&service)] {
        let statuses = [
            get(&setting, &port, "/metrics").await.status,
            send(&setting, &port, "GET", "/metrics", FIRST).await.status,
            send(&setting, &port, "GET", "/metrics", TOKEN).await.status,
            send(&setting, &port, "HEAD", "/metrics", TOKEN).await.status,
            send(&setting, &port, "POST", "/metrics", TOKEN).await.status,
            get(&setting, &port, "/healthz").await.status,
        ];
        assert_eq!(statuses, [401, 401, 200, 200, 405, 200]);
    }
    let logged = service.lines().join("\n");
    assert!(!logged.contains(TOKEN));
    service.stop().await;
}
