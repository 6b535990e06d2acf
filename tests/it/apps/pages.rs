//! The page of an app reads its user from a browser.

use bot_sso::endpoints::service_role;

use super::fixture::{Apps, ORIGIN};
use crate::harness::Harness;
use crate::harness::api_documents::{document_of, documented, operations_of};

const ME: &str = "/api/apps/app1/entities/User/me";

#[tokio::test]
async fn a_user_token_says_whose_it_is() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let me = apps.me("app1", &ada.token).await;
    assert_eq!(me.header("cache-control"), Some("no-store"));
    let user = apps.harness.user("ada");
    assert_eq!(me.json()["full_name"], user.display_name);
    assert_eq!(me.json()["email"], user.principal_name);
}

#[tokio::test]
async fn a_page_of_the_apps_own_origin_may_read_the_user_and_another_page_may_not() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    for (origin, is_allowed) in [
        (ORIGIN, true),
        ("https://app.example.com.evil.example", false),
        ("https://app.example.com:8443", false),
        ("http://app.example.com", false),
        ("null", false),
    ] {
        let allowed = is_allowed.then_some(origin);
        let asked = [("origin", origin), ("access-control-request-method", "GET")];
        let preflight = apps.harness.send("OPTIONS", ME, &asked, Vec::new()).await;
        assert_eq!(preflight.status, 204, "{origin}");
        assert_eq!(preflight.header("access-control-allow-origin"), allowed, "{origin}");
        assert_eq!(preflight.header("access-control-allow-headers").is_some(), is_allowed, "{origin}");
        let answer = apps.get(ME, &ada.token, &[("origin", origin)]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, allowed), "{origin}");
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let refused = apps.get(ME, "wrong", &[("origin", origin)]).await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, allowed), "{origin}");
    }
}

#[tokio::test]
async fn the_listeners_description_has_the_doors_of_apps_where_there_is_an_app() {
    let apps = Apps::start().await;
    let described = documented(&document_of(&apps.harness, &apps.harness.base).await);
    let expected = operations_of(&[&service_role::DOOR]);
    assert!(expected.is_subset(&described), "{:?}", expected.difference(&described));
    let without = Harness::start().await;
    let described = documented(&document_of(&without, &without.base).await);
    assert!(expected.is_disjoint(&described));
    for path in [ME, "/api/apps/app1/auth/sso/accesstoken/x", "//api/apps/app1/auth/sso/idtoken/x"] {
        assert_eq!(without.send("GET", path, &[], Vec::new()).await.status, 404, "{path}");
    }
}
