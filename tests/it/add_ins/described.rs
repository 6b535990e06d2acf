use std::collections::BTreeSet;

use super::fixture::{Fixture, IDENTITY, ME, USER_DATA};
use crate::harness::Harness;
use crate::harness::api_documents::{document_of, documented};

#[tokio::test]
async fn the_door_is_open_and_described_exactly_where_there_are_add_ins() {
    let fixture = Fixture::start().await;
    let document = document_of(&fixture, &fixture.base).await;
    let described = documented(&document);
    let downstream = "/api/add-ins/{add_in}/downstream/{path}";
    for (path, methods) in [
        ("/api/add-ins/{add_in}/identity", &["GET", "HEAD", "OPTIONS"][..]),
        (downstream, &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ("/api/add-ins/{add_in}/token", &["POST"]),
        (USER_DATA, &["GET", "HEAD", "OPTIONS"]),
    ] {
        let found: BTreeSet<_> =
            described.iter().filter(|(_, known)| known == path).map(|(method, _)| method.as_str()).collect();
        assert_eq!(found, methods.iter().copied().collect(), "{path}");
    }
    let paths = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> = paths.filter_map(|operation| operation["operationId"].as_str()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each operation has an id of its own");
    let without = Harness::start().await;
    assert!(!document_of(&without, &without.base).await.to_string().contains("add-ins"));
    let authorization = format!("Bearer {}", without.user_token("Ada", "graph").await);
    for path in [IDENTITY, ME, USER_DATA] {
        let answer = without.send("GET", path, &[("authorization", &authorization)], Vec::new()).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (404, Some("NotFound")), "{path}");
    }
}
