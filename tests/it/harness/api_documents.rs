//! The `OpenAPI` documents of a running application.

use std::collections::BTreeSet;

use bot_sso::endpoints::{api_document, bot_gateway, sign_in_pages, skill_host, token_service, web_chat};
use bot_sso::inbound::Door;
use serde_json::Value;

use super::Harness;

const WITHOUT_BOTS: [&Door; 5] =
    [&bot_gateway::DOOR, &skill_host::DOOR, &sign_in_pages::DOOR, &web_chat::DOOR, &api_document::DOOR];
const FOR_BOTS: [&Door; 2] = [&token_service::DOOR, &api_document::DOOR];

/// The document of the listener at `base`.
pub async fn document_of(harness: &Harness, base: &str) -> Value {
    let answer = harness.send("GET", &format!("{base}/openapi.json"), &[], Vec::new()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{base}");
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    // References to `docs/` and links of rustdoc belong to this source code and not to the public document.
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains('§') && !text.contains("[`") && !text.contains("\\n"), "{text}");
    answer.json()
}

/// Method and path of every operation that a document describes.
pub fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// Method and path of every operation in the doors' tables, and of the HEAD that a GET answers as well.
pub fn operations_of(doors: &[&Door]) -> BTreeSet<(String, String)> {
    let operations = doors.iter().flat_map(|door| door.operations);
    let heads =
        doors.iter().flat_map(|door| door.operations.iter().filter(|operation| door.derives_head(operation.path)));
    let heads = heads.map(|operation| ("HEAD", operation.path));
    let listed = operations.map(|operation| (operation.method.as_str(), operation.path)).chain(heads);
    listed.map(|(method, path)| (method.to_owned(), path.to_owned())).collect()
}

pub async fn assert_describes(harness: &Harness, base: &str, doors: &[&Door]) {
    let described = documented(&document_of(harness, base).await);
    assert!(described.len() > 2);
    assert_eq!(described, operations_of(doors), "{base}");
}

/// Asserts the documents of the Token Service's own listener and of the public listener beside it.
pub async fn assert_bots_are_described_apart(harness: &Harness) {
    assert_describes(harness, &harness.for_bots, &FOR_BOTS).await;
    assert_describes(harness, &harness.base, &WITHOUT_BOTS).await;
}
