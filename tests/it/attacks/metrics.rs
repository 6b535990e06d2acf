//! What strangers make up must not become series of metrics (docs/operating.md §Metrics).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::peers::{Peer, Program};
use crate::harness::{Harness, Options, activities};

/// A token that names a key, with the claims of a real one and a made-up signature.
fn token_of_made_up_key(real: &str, key_id: &str) -> String {
    let claims = real.split('.').nth(1).unwrap();
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id }).to_string();
    format!("{}.{claims}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode([0_u8; 256]))
}

async fn metrics(harness: &Harness, accept: &str) -> String {
    let url = format!("{}/metrics", harness.operations);
    let answer = harness.send("GET", &url, &[("accept", accept)], Vec::new()).await;
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.body).unwrap()
}

/// The series of a text, with their values.
fn series(text: &str) -> BTreeMap<String, String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// The sum of counters whose names begin with `start`.
fn sum(series: &BTreeMap<String, String>, start: &str) -> u64 {
    series.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, value)| value.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn ten_thousand_made_up_bots_paths_keys_and_connections_add_no_series() {
    const EACH: u64 = 2500;
    let harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    let token = harness.user_token("Ada", "graph").await;
    let exchange = activities::exchange(&harness, &harness.user("Ada"), "x", &token);
    assert_eq!(harness.post(&exchange).await.status, 200);
    let before = series(&metrics(&harness, "").await);
    let channel_token = harness.channel_token("demo").await;
    let channel = format!("Bearer {channel_token}");
    for number in 0..EACH {
        let made_up_bot = format!("/bots/bot-{number}/api/messages");
        assert!(harness.send("POST", &made_up_bot, &[], b"{}".to_vec()).await.status >= 400);
        assert_eq!(harness.send("GET", &format!("/path/{number}"), &[], Vec::new()).await.status, 404);
        let bearer = format!("Bearer {}", token_of_made_up_key(&channel_token, &format!("key-{number}")));
        let headers = [("authorization", bearer.as_str())];
        assert!(harness.send("POST", "/bots/demo/api/messages", &headers, b"{}".to_vec()).await.status >= 400);
        let mut activity = exchange.clone();
        activity["value"]["connectionName"] = format!("connection-{number}").into();
        activity["value"]["id"] = format!("id-{number}").into();
        let headers = [("authorization", channel.as_str()), ("content-type", "application/json")];
        let answer =
            harness.send("POST", "/bots/demo/api/messages", &headers, serde_json::to_vec(&activity).unwrap()).await;
        assert!(answer.status < 500, "{}", answer.status);
    }
    let after = series(&metrics(&harness, "").await);
    assert_eq!(before.keys().collect::<BTreeSet<_>>(), after.keys().collect::<BTreeSet<_>>());
    let requests = "bot_sso_requests_total{";
    let counted = sum(&after, requests) - sum(&before, requests);
    assert!(counted >= 4 * EACH, "{counted} requests were counted");
    let unknown = "bot_sso_requests_total{door=\"none\"";
    assert!(sum(&after, unknown) - sum(&before, unknown) >= EACH);
    assert_eq!(sum(&after, "bot_sso_exchanges_total{bot=\"demo\",connection=\"graph\",outcome=\"kept\"}"), 1);
}

#[tokio::test]
async fn another_parser_reads_the_metrics_in_both_formats() {
    // Metrics of skills and of directories have series where there are skills and directories.
    let appended = "[skills.weather]\napp_id = \"33333333-3333-4333-8333-333333333333\"\nbots = [\"demo\"]\n\
                    tenant = \"22222222-2222-4222-8222-222222222222\"\nendpoint = \"https://weather.example/api/messages\"\n[directories.market]\n";
    let options = Options { operations: true, appended: appended.to_owned(), ..Options::default() };
    let harness = Harness::with(options).await;
    let token = harness.user_token("Ada", "graph").await;
    for _ in 0..2 {
        let exchange = activities::exchange(&harness, &harness.user("Ada"), "x", &token);
        assert_eq!(harness.post(&exchange).await.status, 200);
    }
    let texts = json!({
        "prometheus": metrics(&harness, "*/*").await,
        "openmetrics": metrics(&harness, "application/openmetrics-text;version=1.0.0;q=0.9,*/*;q=0.1").await,
    });
    let path = harness.directory.path().join("metrics.json");
    std::fs::write(&path, texts.to_string()).unwrap();
    let program = Program { peer: "prometheus", script: "parse.py" };
    let parsed = Peer::start(&program, "metrics", &[("METRICS", path.display().to_string())]).finish().await;
    for format in ["prometheus", "openmetrics"] {
        let families: Vec<&Value> = parsed.iter().filter(|family| family["format"] == format).collect();
        let named: BTreeSet<&str> = families.iter().map(|family| family["name"].as_str().unwrap()).collect();
        for metric in bot_sso::observability::METRICS {
            let sample = metric.sample_name();
            // The parser names a counter without its suffix, and OpenMetrics names an info without its own.
            assert!(named.contains(metric.name) || named.contains(sample.as_str()), "{format}: {sample} in {named:?}");
        }
        assert_eq!(named.len(), bot_sso::observability::METRICS.len(), "{format}");
        let value = |name: &str, labels: Value| {
            let samples = families.iter().flat_map(|family| family["samples"].as_array().unwrap());
            let found = samples.clone().find(|sample| sample["name"] == name && sample["labels"] == labels);
            found.unwrap_or_else(|| panic!("{format}: no {name} {labels}"))["value"].as_f64().unwrap().to_string()
        };
        let graph = json!({"bot": "demo", "connection": "graph"});
        assert_eq!(value("bot_sso_exchange_duplicates_total", graph), "1");
        let kept = json!({"bot": "demo", "connection": "graph", "outcome": "kept"});
        assert_eq!(value("bot_sso_exchanges_total", kept), "1");
        let called = json!({"provider": "entra", "result": "ok"});
        assert_eq!(value("bot_sso_identity_provider_call_duration_seconds_count", called), "1");
        assert_ne!(value("bot_sso_store_size_bytes", json!({})), "0");
        assert_ne!(value("bot_sso_open_connections", json!({"listener": "public"})), "0");
        assert_eq!(value("bot_sso_skill_cards_total", json!({"skill": "weather", "outcome": "swallowed"})), "0");
        let fetched = json!({"key_set": "channels", "result": "ok"});
        assert_ne!(value("bot_sso_key_set_fetches_total", fetched), "0");
    }
}
