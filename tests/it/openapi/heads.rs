//! `HEAD` on the paths that answer `GET`: the head of GET's answer (RFC 9110 §9.3.2), or 405 where a GET may use something up.

use std::collections::BTreeSet;

use crate::harness::api_documents::{document_of, documented};
use crate::harness::{Answer, Harness, Options};

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
    let gets = described.iter().filter(|(method, path)| method == "GET" && !path.starts_with("/api/usertoken"));
    let gets = gets.filter(|(_, path)| !path.starts_with("/api/botsignin") && !path.starts_with("/api/agentsignin"));
    // What a parent's GET does is not known here.
    let gets = gets.filter(|(_, path)| !path.starts_with("/api/skills"));
    let paths: BTreeSet<_> = gets.map(|(_, path)| path.clone()).collect();
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
    for path in ["/openapi.json", "/healthz", "/readyz", "/metrics", "/api/oauth/signin", "/web-chat/single-sign-on.js"]
    {
        assert!(paths.contains(path), "{path}: {paths:?}");
    }
    let joined = Harness::start().await;
    assert_heads(&joined, &joined.base).await;
}

#[tokio::test]
async fn head_of_a_bots_operation_uses_no_code_up() {
    let mut harness = Harness::start().await;
    let ada = harness.user("Ada");
    let code = harness.issue_code(&Options::default(), &ada, "graph", "behind-a-code").await;
    let bearer = format!("Bearer {}", harness.bot_token("demo").await);
    let url = format!("/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams&code={code}");
    let send = async |method: &str| harness.send(method, &url, &[("authorization", &bearer)], Vec::new()).await;
    let head = send("HEAD").await;
    assert_eq!((head.status, head.header("allow")), (405, Some("GET")));
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404, "nothing was redeemed");
    assert_eq!(send("GET").await.status, 200);
}
