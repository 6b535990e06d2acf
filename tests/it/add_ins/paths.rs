use super::fixture::Fixture;
use crate::harness::logs;
use crate::harness::raw::{Wire, blocking};

const DOWNSTREAM: &str = "/api/add-ins/files/downstream";

/// Sends a path as no client library does, and returns the status.
async fn status_of(fixture: &Fixture, bearer: &str, target: &str) -> u16 {
    let request =
        format!("GET {target} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\r\n");
    let base = fixture.base.clone();
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_path_that_may_leave_the_base_never_reaches_the_api() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for path in [
        "/me/drive/../../users",
        "/me/drive/%2e%2e/%2E%2e/users",
        "/me/drive/.%2e/users",
        "/me/drive/./x",
        "/me/drive/..%2fusers",
        "/me/drive/%2e%2e%2fusers",
        "/me/drive/x%2fy",
        "/me/drive/..%5cusers",
        "/me/drive/..\\users",
        "/me/drive/x\\y",
        "/me/drive//users",
        "//users",
        "//evil.example.com/me",
        "/me/drive/..;/users",
        "/me/drive/..;a=b/..;/users",
        "/me/drive/..%3b/users",
        "/me/drive/;/x",
        "/me/drive/%252e%252e/users",
        "/me/drive/%25252e%25252e/users",
        "/me/drive/x%252fy",
        "/me/drive/%c0%ae%c0%ae/users",
        "/me/drive/x%00",
        "/me/drive/x%0d%0aX-Y:%20z",
        "/me/drive/x%0a",
        "/me/drive/x%3f$select=a",
        "/me/drive/%ef%bc%8e%ef%bc%8e/users",
        "/http://evil.example.com/me",
        "/http:%2f%2fevil.example.com",
        "/me/drive/%",
        "/me/drive/%zz",
        "/../identity",
        "/me/../identity",
    ] {
        let status = status_of(&fixture, &token, &format!("{DOWNSTREAM}{path}")).await;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    for path in
        ["/users", "/me/messages", "/ME", "/mex", "/me/", "/me/drive", "/me/drive/", "/", "", "/me;x", "/me/driveway/x"]
    {
        assert_eq!(status_of(&fixture, &token, &format!("{DOWNSTREAM}{path}")).await, 404, "{path}");
    }
    assert_eq!((fixture.exchanges(), fixture.api.calls().len()), (0, 0));
}

#[tokio::test]
async fn a_listed_path_reaches_the_api_in_its_canonical_form_with_its_query() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for (path, target) in [
        ("/me", "/v1.0/me"),
        ("/%6De", "/v1.0/me"),
        (
            "/me?$select=id,displayName&$filter=a%20eq%201&x=%2e%2e%2f",
            "/v1.0/me?$select=id,displayName&$filter=a%20eq%201&x=%2e%2e%2f",
        ),
        (
            "/me/drive/root:/My%20files/caf%C3%A9%23.docx:/content",
            "/v1.0/me/drive/root:/My%20files/caf%C3%A9%23.docx:/content",
        ),
        ("/me/drive/items/A!1/delta(token='x')", "/v1.0/me/drive/items/A!1/delta(token='x')"),
        ("/me/drive/100%25", "/v1.0/me/drive/100%25"),
    ] {
        assert_eq!(status_of(&fixture, &token, &format!("{DOWNSTREAM}{path}")).await, 200, "{path}");
        assert_eq!(fixture.api.calls().last().unwrap().target, target, "{path}");
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_the_lists() {
    let fixture = Fixture::start().await;
    for path in ["/me", "/users", "/me/drive/..%2fx"] {
        assert_eq!(status_of(&fixture, "abc", &format!("{DOWNSTREAM}{path}")).await, 401, "{path}");
    }
}

#[tokio::test]
async fn headers_of_a_request_inject_none_into_the_call() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let base = fixture.base.clone();
    let request = format!(
        "GET {DOWNSTREAM}/me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nprefer: a\rb\r\nconnection: close\r\n\r\n"
    );
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let twice = fixture
        .send(
            "GET",
            &format!("{DOWNSTREAM}/me"),
            &[("authorization", &format!("Bearer {token}")), ("authorization", "Bearer other")],
            Vec::new(),
        )
        .await;
    assert_eq!((twice.status, fixture.api.calls().len()), (401, 0));
}

#[tokio::test]
async fn the_line_of_a_call_names_the_route_and_not_the_users_file() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let log = logs::length();
    for path in
        ["/api/add-ins/files/downstream/me/drive/salary-of-ben.xlsx", "/api/add-ins/files/downstream/salary-of-ben"]
    {
        fixture.get_as(&token, path).await;
    }
    fixture.get_as(&token, "/api/add-ins/files/identity").await;
    let text = logs::since(log);
    let lines = text.lines().filter(|line| line.contains(&fixture.tag) && line.contains("\"answered\""));
    let lines: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let pattern = "/api/add-ins/{add_in}/downstream/{path}";
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [pattern, pattern, "/api/add-ins/files/identity"]);
    let complaints = logs::complaints_of(&fixture.tag, log);
    assert!(!format!("{lines:?}{complaints:?}").contains("salary"), "{lines:?} {complaints:?}");
}
