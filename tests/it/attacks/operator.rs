//! Guesses of the admin token, and web pages that reach the operator's listener by a name of their own
//! (docs/security.md §The operator's listener).

use std::net::IpAddr;

use serde_json::Value;

use crate::harness::{ADMIN_TOKEN, Harness, Options, logs};

/// A client with an address of its own; the first is that of everything else on this machine.
pub(super) fn client_at(address: &str) -> reqwest::Client {
    let address: IpAddr = address.parse().unwrap();
    reqwest::Client::builder().no_proxy().local_address(address).build().unwrap()
}

async fn with_operator() -> Harness {
    Harness::with(Options { operations: true, ..Options::default() }).await
}

/// Signs out a user who has no token, with `bearer`.
pub(super) async fn sign_out(harness: &Harness, client: &reqwest::Client, bearer: &str) -> reqwest::Response {
    let ada = harness.user("Ada");
    let url = format!("{}/admin/users/{}@{}/sign-out", harness.operations, ada.oid, ada.tid);
    client.post(url).bearer_auth(bearer).send().await.unwrap()
}

#[tokio::test]
async fn a_client_that_guesses_the_admin_token_waits_and_the_operator_at_another_address_does_not() {
    let harness = with_operator().await;
    let (guesser, operator) = (client_at("127.0.0.7"), client_at("127.0.0.8"));
    let before = logs::length();
    let mut statuses = Vec::new();
    for number in 0..250 {
        let answer = sign_out(&harness, &guesser, &format!("guess-number-{number:08}")).await;
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses[10..].iter().all(|status| *status == 429), "{statuses:?}");
    let refused = sign_out(&harness, &guesser, "another-guess-of-the-token").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(sign_out(&harness, &operator, ADMIN_TOKEN).await.status(), 200);
    let health = guesser.get(format!("{}/healthz", harness.operations)).send().await.unwrap();
    assert_eq!(health.status(), 200, "a health check is answered whatever else its client does");

    let lines = logs::since(before);
    let lines: Vec<Value> = lines
        .lines()
        .filter(|line| line.contains("a call of the operator's listener was refused") && line.contains("127.0.0.7"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let counted: Vec<&Value> = lines.iter().map(|line| &line["refusals"]).collect();
    assert_eq!(counted, [1, 10, 100, 200], "{lines:?}");
    assert!(lines.iter().all(|line| line["security"] == true && line["level"] == "WARN"), "{lines:?}");

    harness.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(sign_out(&harness, &guesser, "another-guess-of-the-token").await.status(), 401);
}

#[tokio::test]
async fn wrong_bearers_of_one_kind_limit_neither_the_other_nor_health_checks() {
    let harness = with_operator().await;
    let client = client_at("127.0.0.9");
    for number in 0..12 {
        sign_out(&harness, &client, &format!("guess-number-{number:08}")).await;
    }
    assert_eq!(sign_out(&harness, &client, "another-guess-of-the-token").await.status(), 429);
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer =
            client.get(format!("{}{path}", harness.operations)).bearer_auth("a probe's own").send().await.unwrap();
        assert_ne!(answer.status(), 429, "{path}");
    }
}

#[tokio::test]
async fn a_call_without_a_bearer_is_no_guess() {
    let harness = with_operator().await;
    let client = client_at("127.0.0.9");
    let ada = harness.user("Ada");
    let url = format!("{}/admin/users/{}@{}/sign-out", harness.operations, ada.oid, ada.tid);
    for _ in 0..30 {
        assert_eq!(client.post(&url).send().await.unwrap().status(), 401);
    }
    assert_eq!(sign_out(&harness, &client, ADMIN_TOKEN).await.status(), 200);
}

#[tokio::test]
async fn a_loopback_listener_answers_only_under_names_of_this_machine_and_listed_ones() {
    for (options, ops) in [
        (Options { operations: true, ..Options::default() }, 403),
        (
            Options {
                operations: true,
                environment: vec![("BOT_SSO_OPERATIONS__HOSTS".to_owned(), "[\"ops.example.com\"]".to_owned())],
                ..Options::default()
            },
            200,
        ),
    ] {
        let harness = Harness::with(options).await;
        let client = client_at("127.0.0.1");
        for (host, expected) in [
            ("evil.example", 403),
            ("127.0.0.1.evil.example:3981", 403),
            ("ops.example.com.evil.example", 403),
            ("OPS.example.com:3981", ops),
            ("localhost", 200),
            ("127.0.0.1:1", 200),
            ("[::1]:3981", 200),
        ] {
            for path in ["/healthz", "/openapi.json"] {
                let request = client.get(format!("{}{path}", harness.operations)).header("host", host);
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status().as_u16(), expected, "{path} {host}");
            }
        }
        let ada = harness.user("Ada");
        let url = format!("{}/admin/users/{}@{}/sign-out", harness.operations, ada.oid, ada.tid);
        let request = client.post(url).bearer_auth(ADMIN_TOKEN).header("host", "evil.example");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert!(answer.text().await.unwrap().contains("HostNotAllowed"));
    }
}
