//! `bot-sso dev`: the commands that it prints work, and it answers this machine only.

use std::process::Command;
use std::sync::Arc;

use bot_sso::app::{self, BoundListeners, BuildError, DevelopmentMode};
use bot_sso::config::{self, Environment};
use bot_sso::domain::{ClockAndEntropy, SystemClock, SystemEntropy};
use serde_json::Value;

use super::setting::Setting;
use crate::harness::development::Development;

/// Starts the process, and reads to the end of the last command of the walk-through.
fn start_with_walkthrough() -> Development {
    let mut development = Development::start_with(&["--walkthrough"]);
    development
        .read_to(|line, before| line.starts_with("  | sed") && before.iter().any(|line| line.contains("said-123456")));
    development
}

/// The commands of the walk-through, without the prose around them.
fn commands(development: &Development) -> String {
    let pasted = development.printed.iter().skip_while(|line| !line.starts_with("Paste"));
    let starts = ["TOKEN=", "CHANNEL=", "curl ", "sleep ", "  ", "}'"];
    let commands = pasted.filter(|line| starts.iter().any(|start| line.starts_with(start)));
    commands.map(String::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_printed_commands_run_and_show_what_the_text_says() {
    let development = start_with_walkthrough();
    let output = Command::new("sh").arg("-euc").arg(commands(&development)).output().unwrap();
    let (said, complaints) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && complaints.is_empty(), "{said}\n{complaints}");
    let lines: Vec<&str> = said.lines().collect();
    let statuses: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["200 OK", "412 Precondition Failed", "200 OK"], "{said}");
    assert!(lines.contains(&"You are signed in as Ada Lovelace"), "{said}");
    assert!(said.contains("\"tokensRemoved\":1"), "{said}");
    assert!(said.contains("consent_required"), "{said}");
    assert!(lines.iter().any(|line| line.starts_with("http") && line.contains("/api/oauth/signin?signin=")), "{said}");
    assert!(lines.contains(&"This code is not valid or has expired. Send any message to start again."), "{said}");
    let longest = development.printed.iter().map(|line| line.chars().count()).max();
    assert!(longest < Some(130), "{longest:?}");
}

#[tokio::test]
async fn what_the_gateway_does_is_listed_for_the_playground() {
    let development = Development::start_with(&[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |url: String| {
        let answer = client.get(url).send().await.unwrap();
        serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap()
    };
    let manifest = get(format!("{}/dev/manifest.json", development.gateway())).await;
    let stage = manifest["web_chat"]["token_url"].as_str().unwrap().trim_end_matches("/web-chat/token");
    let refused = client.post(format!("{}/bots/demo/api/messages", development.gateway())).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let events = get(format!("{stage}/playground/events")).await;
    assert_eq!(events["events"][0]["kind"], "caller_refused", "{events}");
}

#[tokio::test]
async fn development_mode_answers_only_requests_whose_host_is_this_machine() {
    let development = Development::start_with(&[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str, host: &str| {
        let request = client.get(format!("{}{path}", development.gateway())).header("host", host);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    };
    for path in ["/dev/manifest.json", "/api/messages", "/api/usertoken/GetToken", "/nothing"] {
        for host in ["evil", "evil:3978", "127.0.0.1.evil"] {
            let (status, body) = get(path, host).await;
            assert_eq!((status, &body["error"]["code"]), (403, &"HostNotAllowed".into()), "{path} {host}");
        }
        for host in ["localhost", "127.0.0.1:1"] {
            assert_ne!(get(path, host).await.0, 403, "{path} {host}");
        }
    }
    assert_eq!(get("/nothing", "[::1]:3978").await.0, 404);
    let (_, manifest) = get("/dev/manifest.json", "localhost").await;
    assert_eq!(manifest["gateway"], development.gateway());
    let operations = manifest["operations"]["url"].as_str().unwrap();
    for (host, expected) in [("evil", 403), ("127.0.0.1.evil", 403), ("localhost", 200), ("127.0.0.1:1", 200)] {
        let answer = client.get(format!("{operations}/healthz")).header("host", host).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{host}");
    }
    let url = format!("{operations}/admin/users/{0}@{0}/sign-out", "00000000-0000-4000-8000-000000000009");
    for (name, path) in [("health", "/healthz"), ("readiness", "/readyz"), ("metrics", "/metrics")] {
        let url = manifest["operations"][name].as_str().unwrap();
        assert_eq!(url, format!("{operations}{path}"));
        assert_eq!(client.get(url).send().await.unwrap().status(), 200, "{name}");
    }
    let bearer = manifest["operations"]["adminToken"].as_str().unwrap();
    let status = async |bearer: &str| client.post(&url).bearer_auth(bearer).send().await.unwrap().status().as_u16();
    assert_eq!((status("of-somebody-else").await, status(bearer).await), (401, 200));
}

#[tokio::test]
async fn a_caller_without_a_token_reaches_a_bot_only_with_allow_anonymous() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let message = r#"{"type":"conversationUpdate","id":"1","channelId":"emulator","serviceUrl":"http://localhost:52000",
        "from":{"id":"u"},"recipient":{"id":"b"},"conversation":{"id":"k"}}"#;
    for (options, status) in [(&[] as &[&str], 401), (&["--allow-anonymous"], 200)] {
        let development = Development::start_with(options);
        let post = async |host: &str| {
            let url = format!("{}/bots/demo/api/messages", development.gateway());
            client.post(url).header("host", host).body(message).send().await.unwrap().status().as_u16()
        };
        assert_eq!((post("localhost").await, post("evil").await), (status, 403), "{options:?}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_uses_direct_line_only_with_allow_origin() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let origins = ["--allow-origin", "https://other.example", "--allow-origin", "https://chat.example"];
    for (options, expected) in [(&[] as &[&str], 403), (&origins, 200)] {
        let development = Development::start_with(options);
        let manifest = development.manifest().await;
        let url = manifest["web_chat"]["token_url"].as_str().unwrap();
        let post = client.post(url).header("origin", "https://chat.example").body(r#"{"user": "ada"}"#);
        assert_eq!(post.send().await.unwrap().status().as_u16(), expected, "{options:?}");
    }
}

#[tokio::test]
async fn development_mode_refuses_other_addresses_than_loopback_and_production_does_not() {
    let setting = Setting::new().await;
    let text = setting.text().replace("127.0.0.1:0", "0.0.0.0:0");
    let config = config::parse(&text, &Environment::of(setting.harness.stage.secrets())).unwrap();
    let ambient = ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let development = DevelopmentMode {
        routes: Arc::new(|_: &mut actix_web::web::ServiceConfig| {}),
        anonymous: false,
        observer: None,
    };
    let refused = app::build(config.clone(), ambient.clone(), BoundListeners::default(), Some(development)).await;
    assert!(matches!(refused, Err(BuildError::NotLoopback(_))));
    assert!(app::build(config, ambient, BoundListeners::default(), None).await.is_ok());
}

#[tokio::test]
async fn development_mode_refuses_a_bound_listener_that_is_not_loopback() {
    let setting = Setting::new().await;
    let config = config::parse(&setting.text(), &Environment::of(setting.harness.stage.secrets())).unwrap();
    let ambient = ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let development = DevelopmentMode {
        routes: Arc::new(|_: &mut actix_web::web::ServiceConfig| {}),
        anonymous: false,
        observer: None,
    };
    let public = vec![std::net::TcpListener::bind("0.0.0.0:0").unwrap()];
    let listeners = BoundListeners { public, ..BoundListeners::default() };
    let refused = app::build(config, ambient, listeners, Some(development)).await;
    assert!(matches!(refused, Err(BuildError::NotLoopback(_))));
}
