//! A collector that is down.

use super::collector::COLLECTOR_TOKEN;
use crate::harness::waiting::wait_for;
use crate::harness::{Harness, NOWHERE, Options, activities, logs};

#[tokio::test]
async fn a_collector_that_is_down_fails_no_request_and_is_logged_once() {
    let appended = format!(
        "[traces]\nendpoint = \"http://{NOWHERE}/v1/traces\"\nsample = 1.0\n\
         headers = {{ authorization = {{ env = \"COLLECTOR_TOKEN\" }} }}\n"
    );
    let environment = vec![("COLLECTOR_TOKEN".to_owned(), COLLECTOR_TOKEN.to_owned())];
    let logged = logs::length();
    let options = Options { operations: true, appended, environment, ..Options::default() };
    let harness = Harness::with(options).await;
    let token = harness.user_token("Ada", "graph").await;
    for number in 0..20 {
        let exchange = activities::exchange(&harness, &harness.user("Ada"), &number.to_string(), &token);
        assert_eq!(harness.post(&exchange).await.status, 200);
    }
    let complaint = "the collector of traces.endpoint does not take spans";
    // Five tries take 15 seconds; then the spans are counted as dropped.
    let lost = async || {
        let url = format!("{}/metrics", harness.operations);
        let metrics = harness.send("GET", &url, &[], Vec::new()).await.body;
        let metrics = String::from_utf8(metrics).unwrap();
        let line =
            metrics.lines().find(|line| line.starts_with("bot_sso_trace_spans_total{result=\"dropped\"}")).unwrap();
        let lost: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        (lost > 0).then_some(lost)
    };
    wait_for("the lost spans", lost).await;
    let lines = logs::since(logged);
    assert_eq!(lines.lines().filter(|line| line.contains(complaint)).count(), 1, "{lines}");
}
