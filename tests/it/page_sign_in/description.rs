//! The doors are there where the configuration has an add-in or an app, and the listener's document describes them.

use super::fixture::{DIALOG, FRONT, login, start};
use crate::harness::Harness;
use crate::harness::api_documents::{document_of, documented};

const PATHS: [&str; 6] = [
    "/api/add-ins/{add_in}/sign-in",
    "/api/add-ins/{add_in}/sign-in/callback",
    "/api/add-ins/{add_in}/sign-in/done",
    "/api/apps/{app}/auth/sso/login",
    "/api/apps/{app}/auth/sso/callback",
    "/api/apps/auth/logout",
];

#[tokio::test]
async fn the_document_describes_the_doors_where_they_are_open() {
    let harness = start().await;
    let described = documented(&document_of(&harness, &harness.base).await);
    for path in PATHS {
        assert!(described.contains(&("GET".to_owned(), path.to_owned())), "{path}");
        assert!(!described.contains(&("HEAD".to_owned(), path.to_owned())), "{path}");
    }
    let without = Harness::start().await;
    let described = documented(&document_of(&without, &without.base).await);
    for path in PATHS {
        assert!(described.iter().all(|(_, other)| other != path), "{path}");
    }
    for door in [DIALOG, &login("coded", &[("from_url", FRONT)]), "/api/apps/auth/logout"] {
        assert_eq!(without.browser().get(door).await.status, 404, "{door}");
    }
}
