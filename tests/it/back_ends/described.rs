//! Unmodified validators check what the `OpenAPI` document says of the door, and real answers against it.

use bot_sso::endpoints::back_end;
use serde_json::{Value, json};

use super::fixture::{BackEnds, exchange_form};
use crate::harness::Answer;
use crate::harness::api_documents::{document_of, documented, operations_of};
use crate::harness::peers::{Peer, Program};

fn answered(path: &str, answer: &Answer) -> Value {
    let method = if path.starts_with("/oauth2") { "POST" } else { "GET" };
    json!({
        "document": "public",
        "method": method,
        "path": path,
        "status": answer.status,
        "content_type": answer.header("content-type"),
        "body": String::from_utf8(answer.body.clone()).unwrap(),
    })
}

#[tokio::test]
async fn the_document_is_valid_and_describes_the_doors_answers() {
    let back_ends = BackEnds::start().await;
    let document = document_of(&back_ends.harness, &back_ends.harness.base).await;
    assert!(documented(&document).is_superset(&operations_of(&[&back_end::DOOR])));
    let (token, introspect, revoke) = ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke");
    let metadata = "/.well-known/oauth-authorization-server";
    let subject = back_ends.subject("Ada").await;
    let exchanged = back_ends.exchange(&subject, &[]).await;
    let kept = exchanged.json()["access_token"].as_str().unwrap().to_owned();
    let needs_action = back_ends.subject("Dan").await;
    let answers = [
        answered(metadata, &back_ends.harness.send("GET", metadata, &[], Vec::new()).await),
        answered(token, &exchanged),
        answered(token, &back_ends.post_as_orders(token, &[("grant_type", "client_credentials")]).await),
        answered(token, &back_ends.exchange(&needs_action, &[]).await),
        answered(token, &back_ends.post(token, None, &exchange_form(&subject)).await),
        answered(introspect, &back_ends.post_as_orders(introspect, &[("token", &subject)]).await),
        answered(introspect, &back_ends.post_as_orders(introspect, &[("token", &kept)]).await),
        answered(introspect, &back_ends.post_as_orders(introspect, &[("token", "x")]).await),
        answered(introspect, &back_ends.post_as_orders(introspect, &[]).await),
        answered(revoke, &back_ends.post_as_orders(revoke, &[("token", &kept)]).await),
    ];
    let path = back_ends.harness.directory.path().join("cases.json");
    std::fs::write(&path, json!({"documents": {"public": document}, "answers": answers}).to_string()).unwrap();
    let program = Program { peer: "openapi", script: "check.py" };
    let environment = [("CASES", path.display().to_string())];
    let lines = Peer::start(&program, "openapi-back-ends", &environment).finish().await;
    assert_eq!(lines.len(), 11);
    for line in lines {
        assert_eq!(line["problems"], json!([]), "{line}");
    }
}
