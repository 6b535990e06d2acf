//! `HEAD` on every path that answers `GET`: the head of GET's answer (RFC 9110 §9.3.2).

use std::collections::BTreeSet;

use crate::harness::api_documents::{document_of, documented};
use crate::harness::{Answer, Harness, Options, activities};

const OWN_LISTENER: &str = "listen = [\"127.0.0.1:0\"]";

fn assert_same_head(case: &str, head: &Answer, got: &Answer) {
    assert_eq!((head.status, head.body.len()), (got.status, 0), "{case}");
    for name in ["content-type", "cache-control", "www-authenticate", "location"] {
        assert_eq!(head.header(name), got.header(name), "{case}: {name}");
    }
}

/// Asserts the rule for each path of the listener at `base`, and returns the paths.
async fn assert_heads(harness: &Harness, base: &str) -> BTreeSet<String> {
    let described = documented(&document_of(harness, base).await);
    let paths: BTreeSet<_> =
        described.iter().filter(|(method, _)| method == "GET").map(|(_, path)| path.clone()).collect();
    for path in &paths {
        assert!(described.contains(&("HEAD".to_owned(), path.clone())), "{path} is described");
        let url = format!("{base}{path}");
        let got = harness.send("GET", &url, &[], Vec::new()).await;
        let head = harness.send("HEAD", &url, &[], Vec::new()).await;
        assert_same_head(path, &head, &got);
    }
    paths
}

#[tokio::test]
async fn head_of_each_path_of_each_listener_is_the_head_of_get() {
    let harness = Harness::with(Options { operations: true, token_service: OWN_LISTENER, ..Options::default() }).await;
    let mut paths = BTreeSet::new();
    for base in [&harness.base, &harness.for_bots, &harness.operations] {
        paths.append(&mut assert_heads(&harness, base).await);
    }
    for path in ["/openapi.json", "/healthz", "/metrics", "/api/usertoken/GetToken", "/api/oauth/signin"] {
        assert!(paths.contains(path), "{path}: {paths:?}");
    }
    let joined = Harness::start().await;
    assert_heads(&joined, &joined.base).await;
}

#[tokio::test]
async fn head_of_a_bots_operation_is_the_head_of_what_the_bot_would_get() {
    let harness = Harness::start().await;
    let bearer = format!("Bearer {}", harness.bot_token("demo").await);
    let send = async |method: &str| {
        let url = "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams";
        harness.send(method, url, &[("authorization", &bearer)], Vec::new()).await
    };
    assert_same_head("no token", &send("HEAD").await, &send("GET").await);
    let token = harness.user_token("Ada", "graph").await;
    let exchange = activities::exchange(&harness, &harness.user("Ada"), "x", &token);
    assert_eq!(harness.post(&exchange).await.status, 200);
    let (head, got) = (send("HEAD").await, send("GET").await);
    assert_eq!(got.status, 200);
    assert_same_head("a token", &head, &got);
}
