//! The operator's view of an app's users.

use serde_json::{Value, json};

use super::fixture::{Apps, assert_refused};

#[tokio::test]
async fn a_link_of_the_operator_names_the_person_whose_sign_in_gives_the_token() {
    let apps = Apps::start().await;
    let linked = apps.link("app1", "crm-7", "ada").await;
    let expected = json!({ "userId": "crm-7", "user": apps.key("ada").to_string(), "hasToken": false });
    assert_eq!((linked.status, linked.json()), (200, expected));
    assert_refused("before a sign-in", &apps.read("crm-7").await, 404, "SSO_NOT_LINKED");
    let ada = apps.sign_in("app1", "ada").await;
    assert_eq!((ada.user_id.as_str(), ada.is_new), ("crm-7", false));
    assert_eq!(apps.read("crm-7").await.status, 200);
    let again = apps.link("app1", "crm-7", "ada").await;
    assert_eq!((again.status, &again.json()["hasToken"]), (200, &true.into()));
    assert_eq!(apps.link("app1", "crm-8", "ada").await.json()["hasToken"], true, "a second id of the same person");
    assert_eq!(apps.read("crm-8").await.status, 200);
}

#[tokio::test]
async fn a_user_id_is_given_to_another_person_only_after_it_was_unlinked() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    assert_eq!(apps.link("app1", &ada.user_id, "ben").await.status, 409);
    assert_eq!(apps.unlink("app1", &ada.user_id).await.status, 204);
    assert_eq!(apps.unlink("app1", &ada.user_id).await.status, 404);
    assert_eq!(apps.link("app1", &ada.user_id, "ben").await.status, 200);
    assert_refused("ben has no token", &apps.read(&ada.user_id).await, 404, "SSO_NOT_LINKED");
}

#[tokio::test]
async fn the_operator_lists_the_users_of_one_app() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    apps.link("app1", "ben-1", "ben").await;
    apps.link("app2", "ben-2", "ben").await;
    let listed = apps.admin("GET", "/admin/apps/app1/users", &Value::Null).await;
    assert_eq!(listed.status, 200);
    let mut expected = vec![
        json!({ "userId": ada.user_id, "user": apps.key("ada").to_string(), "hasToken": true }),
        json!({ "userId": "ben-1", "user": apps.key("ben").to_string(), "hasToken": false }),
    ];
    expected.sort_by_key(|user| user["userId"].as_str().unwrap().to_owned());
    assert_eq!(listed.json(), json!({ "users": expected }));
    assert_eq!(apps.admin("GET", "/admin/apps/app2/users", &Value::Null).await.json()["users"][0]["userId"], "ben-2");
}

#[tokio::test]
async fn what_the_operator_misspells_is_refused_and_changes_nothing() {
    let apps = Apps::start().await;
    let ada = json!({ "user": apps.key("ada").to_string() });
    for (method, path, body, status) in [
        ("GET", "/admin/apps/nowhere/users", &Value::Null, 404),
        ("GET", "/admin/apps/app1/users?from=x", &Value::Null, 400),
        ("GET", "/admin/apps/app1/users?from=256", &Value::Null, 400),
        ("GET", "/admin/apps/app1/users?from=255", &Value::Null, 200),
        ("PUT", "/admin/apps/nowhere/users/u", &ada, 404),
        ("DELETE", "/admin/apps/app1/users/u", &Value::Null, 404),
        ("PUT", "/admin/apps/app1/users/undefined", &ada, 400),
        ("PUT", "/admin/apps/app1/users/a%2fb", &ada, 400),
        ("PUT", "/admin/apps/app1/users/a/b", &ada, 404),
        ("PUT", "/admin/apps/app1/users/u", &Value::Null, 400),
        ("PUT", "/admin/apps/app1/users/u", &json!({ "user": "ada@contoso.example" }), 400),
        ("PUT", "/admin/apps/app1/users/u", &json!({ "user": ada["user"], "more": 1 }), 400),
    ] {
        let answer = apps.admin(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    assert_eq!(apps.admin("GET", "/admin/apps/app1/users", &Value::Null).await.json(), json!({ "users": [] }));
    let path = format!("{}/admin/apps/app1/users/u", apps.harness.operations);
    for method in ["PUT", "DELETE", "GET"] {
        let answer = apps.harness.send(method, &path, &[], ada.to_string().into_bytes()).await;
        assert_eq!(answer.status, if method == "GET" { 405 } else { 401 }, "{method}");
    }
}
