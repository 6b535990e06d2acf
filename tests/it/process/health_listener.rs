//! The listener for health checks of the real process: `HEAD`, load balancers that speak HTTP/1.0, and the names under
//! which it answers (docs/operating.md §Health).

use super::operations::with_operations;
use super::operations_health::{health_port_of, wait_for_readiness};
use super::setting::Setting;
use crate::harness::Answer;
use crate::harness::api_documents::{document_of, documented};
use crate::harness::raw::{Wire, blocking};

async fn send(setting: &Setting, method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    setting.harness.send(method, url, headers, Vec::new()).await
}

/// Sends a request as it stands, and returns the status line of the answer.
async fn status_line(port: &str, request: &str) -> String {
    let (base, request) = (format!("http://127.0.0.1:{port}"), request.to_owned());
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn head_of_each_path_is_the_head_of_get() {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("operations.health_listen", "127.0.0.1:0");
    setting.set("operations.health_metrics", true);
    let service = setting.serve().await;
    let port = health_port_of(&service);
    wait_for_readiness(&setting, &port, 200).await;
    let base = format!("http://127.0.0.1:{port}");
    let described = documented(&document_of(&setting.harness, &base).await);
    let paths: Vec<_> = described.iter().filter(|(method, _)| method == "GET").map(|(_, path)| path).collect();
    assert_eq!(paths, ["/healthz", "/metrics", "/openapi.json", "/readyz"]);
    for path in paths {
        let url = format!("{base}{path}");
        let (got, head) = (send(&setting, "GET", &url, &[]).await, send(&setting, "HEAD", &url, &[]).await);
        assert_eq!((got.status, head.status, head.body.len()), (200, 200, 0), "{path}");
        assert_eq!(got.header("content-type"), head.header("content-type"), "{path}");
        assert_eq!(send(&setting, "PUT", &url, &[]).await.header("allow"), Some("GET, HEAD"), "{path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_load_balancer_that_speaks_http_1_0_without_a_host_gets_the_health_and_nothing_else() {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("operations.health_listen", "127.0.0.1:0");
    setting.set("operations.health_metrics", true);
    let service = setting.serve().await;
    let port = health_port_of(&service);
    wait_for_readiness(&setting, &port, 200).await;
    for (request, status) in [
        ("GET /healthz HTTP/1.0\r\n\r\n", "200"),
        ("HEAD /readyz HTTP/1.0\r\n\r\n", "200"),
        ("GET /healthz HTTP/1.0\r\nHost: evil.example\r\n\r\n", "403"),
        ("GET /metrics HTTP/1.0\r\n\r\n", "403"),
        ("GET /openapi.json HTTP/1.0\r\n\r\n", "403"),
        ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", "400"),
    ] {
        let line = status_line(&port, request).await;
        assert_eq!(line.split(' ').nth(1), Some(status), "{request:?}: {line}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_listener_on_all_addresses_answers_connections_on_loopback_under_names_of_this_machine_alone() {
    let mut setting = with_operations("127.0.0.1:0").await;
    setting.set("operations.health_listen", "0.0.0.0:0");
    let mut service = setting.serve().await;
    let port = health_port_of(&service);
    let url = format!("http://127.0.0.1:{port}/healthz");
    for (host, status) in [("localhost", 200), ("127.0.0.1:1", 200), ("rebinding.example", 403), ("0.0.0.0", 403)] {
        assert_eq!(send(&setting, "GET", &url, &[("host", host)]).await.status, status, "{host}");
    }
    let line = service.wait_for_line("a request for another host was refused").await;
    let said = ["listener", "seen", "code", "client"].map(|field| line[field].as_str().unwrap_or_default().to_owned());
    assert_eq!(said, ["health", "rebinding.example", "HostNotAllowed", "127.0.0.1"], "{line}");
    assert_eq!((&line["security"], &line["requests"]), (&true.into(), &1.into()));
    // The second refusal of this minute has no line of its own.
    let lines = service.lines().into_iter().filter(|line| line.contains("a request for another host was refused"));
    assert_eq!(lines.count(), 1);
    service.stop().await;
}
