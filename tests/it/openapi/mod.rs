//! The `OpenAPI` documents against the doors' tables, against the running application, and against its real answers.

mod answers;

use std::collections::BTreeSet;
use std::path::Path;

use bot_sso::endpoints::{api_document, bot_gateway, operations, sign_in_pages, token_service};
use bot_sso::inbound::{Door, LetterCase};

use crate::harness::api_documents::{assert_describes, document_of, documented};
use crate::harness::{Answer, Harness, Options};

const PUBLIC: [&Door; 4] = [&bot_gateway::DOOR, &sign_in_pages::DOOR, &token_service::DOOR, &api_document::DOOR];
const FOR_THE_OPERATOR: [&Door; 2] = [&operations::DOOR, &api_document::DOOR];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A request that the path's parameters do not fail.
fn filled(path: &str) -> String {
    path.replace("{bot}", "demo").replace("{user_key}", "someone@https%3A%2F%2Fissuer.example")
}

/// What an address answers that leads nowhere.
fn is_unknown(answer: &Answer) -> bool {
    answer.status == 404 && String::from_utf8_lossy(&answer.body).contains("\"NotFound\"")
}

async fn send(harness: &Harness, base: &str, method: &str, path: &str) -> Answer {
    harness.send(method, &format!("{base}{path}"), &[], Vec::new()).await
}

#[tokio::test]
async fn each_listener_describes_exactly_the_operations_of_its_doors() {
    let harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    assert_describes(&harness, &harness.base, &PUBLIC).await;
    assert_describes(&harness, &harness.operations, &FOR_THE_OPERATOR).await;
}

#[tokio::test]
async fn a_described_operation_is_answered_and_other_methods_of_its_path_are_405() {
    let harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    for base in [&harness.base, &harness.operations] {
        let described = documented(&document_of(&harness, base).await);
        for (_, path) in &described {
            let allowed: Vec<_> = METHODS
                .into_iter()
                .filter(|method| described.contains(&((*method).to_owned(), path.clone())))
                .collect();
            for method in METHODS {
                let answer = send(&harness, base, method, &filled(path)).await;
                assert!(!is_unknown(&answer), "{method} {path}");
                assert_eq!(answer.status == 405, !allowed.contains(&method), "{method} {path}: {}", answer.status);
                if answer.status == 405 {
                    assert_eq!(answer.header("allow"), Some(allowed.join(", ").as_str()), "{method} {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_path_that_is_not_described_is_404() {
    let harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    let everywhere =
        ["/", "/openapi", "/openapi.json/", "/OpenAPI.json", "/bots", "/bots/demo", "/admin/users/x", "/metrics"];
    for (base, other) in [(&harness.base, &harness.operations), (&harness.operations, &harness.base)] {
        let described = documented(&document_of(&harness, base).await);
        let elsewhere = documented(&document_of(&harness, other).await);
        let below = described.iter().map(|(_, path)| format!("{}/x", filled(path)));
        let elsewhere = elsewhere.difference(&described).map(|(_, path)| filled(path));
        for path in everywhere.map(str::to_owned).into_iter().chain(below).chain(elsewhere) {
            for method in ["GET", "POST"] {
                let answer = send(&harness, base, method, &path).await;
                assert!(is_unknown(&answer), "{method} {path}: {}", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn a_path_in_another_letter_case_is_answered_only_where_the_table_allows_it() {
    let harness = Harness::start().await;
    for door in PUBLIC {
        for operation in door.operations {
            let path = filled(operation.path).to_uppercase();
            let answer = send(&harness, &harness.base, operation.method.as_str(), &path).await;
            assert_eq!(is_unknown(&answer), door.letter_case == LetterCase::Exact, "{path}: {}", answer.status);
            assert_ne!(answer.status, 405, "{path}");
        }
    }
}

/// Whatever makes routes: the tables do, in one place. The stage of development mode is no part of the product.
#[test]
fn no_source_file_registers_a_route_outside_the_tables() {
    const MAKERS: [&str; 12] = [
        "web::resource",
        "web::scope",
        "web::route",
        "web::get",
        "web::post",
        "web::delete",
        "web::method",
        "Resource::new",
        "Scope::new",
        ".service(",
        ".route(",
        "#[get(",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // The rooms that may name the framework at all: see architecture/tables.rs.
    let mut paths: Vec<_> = ["endpoints", "inbound", "app", "cli"].map(|name| root.join(name)).into();
    let mut made = BTreeSet::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if MAKERS.iter().any(|maker| std::fs::read_to_string(&path).unwrap().contains(maker)) {
            made.insert(path.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    assert_eq!(made, BTreeSet::from(["inbound/door.rs", "inbound/operation.rs"].map(str::to_owned)));
}
