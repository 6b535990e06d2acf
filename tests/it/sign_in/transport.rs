//! What a browser is told about the transport: to use https alone, and which file the Teams library has to be.

use std::path::Path;

use aws_lc_rs::digest::{SHA384, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::teams_card;
use crate::harness::{Harness, Options};

const TRANSPORT: &str = "strict-transport-security";

#[tokio::test]
async fn every_answer_of_a_service_behind_https_tells_browsers_to_stay_with_https() {
    let environment = vec![("BOT_SSO_SERVER__PUBLIC_URL".to_owned(), "https://sso.example.com".to_owned())];
    let token_service = "listen = [\"127.0.0.1:0\"]";
    let harness = Harness::with(Options { environment, token_service, operations: true, ..Options::default() }).await;
    for base in [&harness.base, &harness.for_bots] {
        for (method, path) in [
            ("GET", "/api/oauth/signin?signin=x"),
            ("GET", "/.auth/web/redirect"),
            ("POST", "/api/messages"),
            ("GET", "/api/usertoken/GetToken"),
            ("GET", "/openapi.json"),
            ("GET", "/nothing"),
            ("DELETE", "/api/oauth/signin"),
        ] {
            let answer = harness.send(method, &format!("{base}{path}"), &[], Vec::new()).await;
            assert_eq!(answer.header(TRANSPORT), Some("max-age=31536000"), "{base} {method} {path} {}", answer.status);
        }
    }
    let health = harness.send("GET", &format!("{}/healthz", harness.operations), &[], Vec::new()).await;
    assert_eq!(health.header(TRANSPORT), None, "the operator's listener is not reached under public_url");
}

#[tokio::test]
async fn a_service_on_plain_http_says_nothing_about_https() {
    let harness = Harness::start().await;
    for path in ["/api/oauth/signin?signin=x", "/nothing"] {
        let answer = harness.send("GET", path, &[], Vec::new()).await;
        assert_eq!(answer.header(TRANSPORT), None, "{path}");
    }
}

/// The page that tells Teams its result, of an application with these options.
async fn last_page(options: Options) -> String {
    let harness = Harness::with(options).await;
    let mut browser = harness.browser();
    let last = browser.arrive(&teams_card(&harness, "Ada").await, "Ada").await;
    browser.get(&last).await.text()
}

#[tokio::test]
async fn the_default_teams_library_has_to_be_the_file_of_the_published_package() {
    let page = last_page(Options::default()).await;
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/browser/node_modules/@microsoft/teams-js");
    let about: Value = serde_json::from_slice(&std::fs::read(package.join("package.json")).unwrap()).unwrap();
    let version = about["version"].as_str().unwrap();
    let file = std::fs::read(package.join("dist/umd/MicrosoftTeams.min.js")).unwrap();
    let integrity = format!("sha384-{}", STANDARD.encode(digest(&SHA384, &file)));
    let tag = format!(
        "src=\"https://res.cdn.office.net/teams-js/{version}/js/MicrosoftTeams.min.js\" integrity=\"{integrity}\" \
         crossorigin=\"anonymous\"></script>"
    );
    assert!(page.contains(&tag), "{tag}\n{page}");
}

#[tokio::test]
async fn a_library_at_another_address_may_be_any_file() {
    let appended = "[sign_in]\nteams_library_url = \"https://library.example/teams.js\"\n".to_owned();
    let page = last_page(Options { appended, ..Options::default() }).await;
    assert!(page.contains("src=\"https://library.example/teams.js\"></script>"), "{page}");
    assert!(!page.contains("integrity="), "{page}");
}
