//! The `OpenAPI` documents compared with the doors' tables, with the running application, and with its real answers.

mod answers;
mod heads;
mod own_paths;

use std::collections::BTreeSet;
use std::path::Path;

use bot_sso::endpoints::{
    api_document, bot_gateway, health, metrics, operations, sign_in_pages, skill_host, token_service, web_chat,
};
use bot_sso::inbound::{Door, LetterCase, Method};

use crate::harness::api_documents::{assert_describes, document_of, documented};
use crate::harness::{Answer, Harness, Options};

const PUBLIC_DOORS: [&Door; 6] = [
    &bot_gateway::DOOR,
    &skill_host::DOOR,
    &sign_in_pages::DOOR,
    &token_service::DOOR,
    &web_chat::DOOR,
    &api_document::DOOR,
];
const OPERATIONS_DOORS: [&Door; 5] =
    [&operations::DOOR, &operations::RELOAD_DOOR, &health::DOOR, &metrics::DOOR, &api_document::DOOR];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The path with valid values in the place of its parameters.
fn with_sample_parameters(path: &str) -> String {
    let path = path.replace("{hash}", &web_chat::RELEASES.newest().unwrap().hash());
    path.replace("{bot}", "demo").replace("{user_key}", "someone@https%3A%2F%2Fissuer.example")
}

/// Whether the answer is the one for an unknown path.
fn is_not_found(answer: &Answer) -> bool {
    answer.status == 404 && String::from_utf8_lossy(&answer.body).contains("\"NotFound\"")
}

async fn send(harness: &Harness, base: &str, method: &str, path: &str) -> Answer {
    harness.send(method, &format!("{base}{path}"), &[], Vec::new()).await
}

#[tokio::test]
async fn each_listener_describes_exactly_the_operations_of_its_doors() {
    let harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    assert_describes(&harness, &harness.base, &PUBLIC_DOORS).await;
    assert_describes(&harness, &harness.operations, &OPERATIONS_DOORS).await;
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
                let answer = send(&harness, base, method, &with_sample_parameters(path)).await;
                assert!(!is_not_found(&answer), "{method} {path}");
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
        ["/", "/openapi", "/openapi.json/", "/OpenAPI.json", "/bots", "/bots/demo", "/admin/users", "/metricsz"];
    for (base, other) in [(&harness.base, &harness.operations), (&harness.operations, &harness.base)] {
        let described = documented(&document_of(&harness, base).await);
        let elsewhere = documented(&document_of(&harness, other).await);
        // A segment that follows may be a parameter.
        let is_parameter = |rest: &str| rest.starts_with("/{") && !rest[1..].contains('/');
        let takes_another =
            |path: &str| described.iter().any(|(_, other)| other.strip_prefix(path).is_some_and(is_parameter));
        let below = described.iter().filter(|(_, path)| !takes_another(path));
        let below = below.map(|(_, path)| format!("{}/x", with_sample_parameters(path)));
        let elsewhere = elsewhere.difference(&described).map(|(_, path)| with_sample_parameters(path));
        for path in everywhere.map(str::to_owned).into_iter().chain(below).chain(elsewhere) {
            for method in ["GET", "POST"] {
                let answer = send(&harness, base, method, &path).await;
                assert!(is_not_found(&answer), "{method} {path}: {}", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn a_path_in_another_letter_case_is_answered_only_where_the_table_allows_it() {
    let harness = Harness::start().await;
    for door in PUBLIC_DOORS {
        for operation in door.operations {
            let path = with_sample_parameters(operation.path).to_uppercase();
            let answer = send(&harness, &harness.base, operation.method.as_str(), &path).await;
            // The answer to HEAD has no body that says why.
            let is_unknown = is_not_found(&answer) || operation.method == Method::Head && answer.status == 404;
            assert_eq!(is_unknown, door.letter_case == LetterCase::Exact, "{path}: {}", answer.status);
            assert_ne!(answer.status, 405, "{path}");
        }
    }
}

/// Only the code that reads the tables registers routes. The stage of development mode is not part of the product and
/// is not searched.
#[test]
fn no_source_file_registers_a_route_outside_the_tables() {
    const ROUTE_CALLS: [&str; 13] = [
        "web::resource",
        "web::scope",
        "web::route",
        "web::get",
        "web::post",
        "web::put",
        "web::delete",
        "web::method",
        "Resource::new",
        "Scope::new",
        ".service(",
        ".route(",
        "#[get(",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // Only these rooms may use the web framework, see architecture/tables.rs.
    let mut paths: Vec<_> = ["endpoints", "inbound", "app", "cli"].map(|name| root.join(name)).into();
    let mut made = BTreeSet::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.to_string_lossy().ends_with("tests.rs")
            && ROUTE_CALLS.iter().any(|call| std::fs::read_to_string(&path).unwrap().contains(call))
        {
            made.insert(path.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    assert_eq!(made, BTreeSet::from(["inbound/door.rs", "inbound/operation.rs"].map(str::to_owned)));
}
