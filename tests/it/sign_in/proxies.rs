//! Browsers behind a reverse proxy, which states their addresses in `X-Forwarded-For`.

use serde_json::Value;

use super::card;
use crate::harness::{Harness, Options};

async fn behind_proxy() -> Harness {
    let proxies = ("BOT_SSO_SERVER__TRUSTED_PROXIES".to_owned(), "[\"127.0.0.0/8\"]".to_owned());
    let appended = "[limits]\nuser_exchanges_per_minute = 2\n".to_owned();
    Harness::with(Options { environment: vec![proxies], appended, ..Options::default() }).await
}

/// Follows the card's link as the browser that the proxy calls `client`.
async fn follow(harness: &Harness, resource: &Value, client: &str) -> u16 {
    let link = resource["signInLink"].as_str().unwrap();
    let path = link.find("/api/").map_or(link, |start| &link[start..]);
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = http.get(format!("{}{path}", harness.base)).header("x-forwarded-for", client);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn browsers_whose_addresses_come_with_ports_are_limited_one_by_one() {
    let harness = behind_proxy().await;
    let resource = card(&harness).await;
    for port in 40_000..40_002 {
        assert_eq!(follow(&harness, &resource, &format!("198.51.100.7:{port}")).await, 302);
    }
    assert_eq!(follow(&harness, &resource, "198.51.100.7:40002").await, 429);
    assert_eq!(follow(&harness, &resource, "198.51.100.7").await, 429, "one client with and without a port");
    assert_eq!(follow(&harness, &resource, "203.0.113.9:50123").await, 302, "another client");
    for host in ["[2001:db8::1]:443", "2001:db8::2"] {
        assert_eq!(follow(&harness, &resource, host).await, 302);
    }
    assert_eq!(follow(&harness, &resource, "[2001:db8::3%25eth0]:444").await, 429, "one IPv6 network is one client");
    assert_eq!(follow(&harness, &resource, "2001:db8:0:1::1").await, 302, "another network");
}

#[tokio::test]
async fn browsers_whose_addresses_cannot_be_read_share_a_limit_that_is_not_the_proxys() {
    let harness = behind_proxy().await;
    let resource = card(&harness).await;
    assert_eq!(follow(&harness, &resource, "unknown").await, 302);
    assert_eq!(follow(&harness, &resource, "_hidden").await, 302);
    assert_eq!(follow(&harness, &resource, "client.example:1").await, 429);
    assert_eq!(follow(&harness, &resource, "127.0.0.1").await, 302, "the proxy's own requests have their own limit");
    assert_eq!(follow(&harness, &resource, "203.0.113.9").await, 302);
}
