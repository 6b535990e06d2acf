//! Which pages may call Direct Line.

use serde_json::json;

use super::chat::{Bot, Chat, direct_line, start_with, token_url};
use crate::harness::Harness;

/// The headers with which a browser opens a WebSocket.
const UPGRADE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

struct Route {
    method: &'static str,
    url: String,
}

/// Every route of Direct Line, and that of the site's tokens.
fn routes(chat: &Chat<'_>) -> Vec<Route> {
    let base = direct_line(chat.harness);
    let below = |rest: &str| format!("{base}{}", chat.path(rest));
    let routes = [
        ("POST", token_url(chat.harness)),
        ("POST", format!("{base}/tokens/generate")),
        ("POST", format!("{base}/tokens/refresh")),
        ("POST", format!("{base}/conversations")),
        ("GET", below("")),
        ("GET", below("/activities")),
        ("POST", below("/activities")),
        ("POST", below("/upload")),
        ("GET", below(&format!("/stream?t={}", chat.token))),
        ("GET", format!("{base}/session/getsessionid")),
        ("GET", format!("{}v3/attachments/x/views/original", chat.harness.stage.service_url())),
        ("GET", format!("{base}/no/such/route")),
    ];
    routes.into_iter().map(|(method, url)| Route { method, url }).collect()
}

async fn status(harness: &Harness, route: &Route, headers: &[(&str, &str)]) -> u16 {
    harness.send(route.method, &route.url, headers, br#"{"user": "ada"}"#.to_vec()).await.status
}

#[tokio::test]
async fn pages_of_foreign_origins_and_foreign_hosts_are_refused_at_every_route() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let authorization = format!("Bearer {}", chat.token);
    for route in routes(&chat) {
        for foreign in ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"] {
            for method in [route.method, "OPTIONS"] {
                let headers = [("authorization", authorization.as_str()), ("origin", foreign)];
                let answer = harness.send(method, &route.url, &headers, b"{}".to_vec()).await;
                assert_eq!(answer.status, 403, "{method} {} {foreign}", route.url);
                assert_eq!(answer.header("access-control-allow-origin"), None);
            }
        }
        let twice = [("origin", "http://localhost"), ("origin", "http://localhost")];
        assert_eq!(status(&harness, &route, &twice).await, 403, "{}", route.url);
        let rebound = [("authorization", authorization.as_str()), ("host", "evil.example")];
        assert_eq!(status(&harness, &route, &rebound).await, 403, "{}", route.url);
    }
    let stream = format!("{}{}", direct_line(&harness), chat.path(&format!("/stream?t={}", chat.token)));
    let stream = Route { method: "GET", url: stream };
    for hostile in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let mut headers = UPGRADE.to_vec();
        headers.push(hostile);
        assert_eq!(status(&harness, &stream, &headers).await, 403, "{hostile:?}");
    }
    assert_eq!(harness.bot.received().len(), 1, "only the start of the conversation");
}

#[tokio::test]
async fn pages_of_this_machine_and_of_allowed_origins_may_read_the_answers() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    harness.stage.allow_origin(&"https://chat.example".parse().unwrap());
    for origin in ["http://localhost:5173", "http://127.0.0.1:3978", "https://chat.example"] {
        for Route { method, url } in routes(&chat) {
            let preflight = [
                ("origin", origin),
                ("access-control-request-method", method),
                ("access-control-request-headers", "authorization,content-type,x-ms-bot-agent"),
            ];
            let answer = harness.send("OPTIONS", &url, &preflight, Vec::new()).await;
            assert_eq!(answer.status, 204, "{url}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
            let allowed = answer.header("access-control-allow-headers").unwrap();
            assert!(["authorization", "content-type", "x-ms-bot-agent"].iter().all(|name| allowed.contains(name)));
            assert!(answer.header("access-control-allow-methods").unwrap().contains(method));
        }
        let authorization = format!("Bearer {}", chat.token);
        let url = format!("{}{}", direct_line(&harness), chat.path("/activities"));
        for (bearer, status) in [(authorization.as_str(), 200), ("Bearer x", 403), ("", 401)] {
            let answer = harness.send("GET", &url, &[("authorization", bearer), ("origin", origin)], Vec::new()).await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "a page may read a refusal, too");
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }
    let near = [("origin", "https://chat.example.evil.example"), ("content-type", "application/json")];
    let order = json!({"user": "ada"}).to_string().into_bytes();
    assert_eq!(harness.send("POST", &token_url(&harness), &near, order).await.status, 403);
}
