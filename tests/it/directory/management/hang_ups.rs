//! Callers of the management API who hang up: what they asked for is done whole, and noted.

use serde_json::{Value, json};

use crate::directory::fixture::{Directories, MARKET};
use crate::harness::raw::{Wire, blocking};

/// Sends a call with a body, and closes the connection as soon as the body is sent. The application has read the head by then.
async fn hang_up(directories: &Directories, path: &str, body: &Value) {
    let base = directories.harness.base.clone();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n",
        path = MARKET.management(path),
        host = base.strip_prefix("http://").unwrap(),
        token = MARKET.administrator("writer"),
        length = body.len(),
    );
    blocking(move || {
        let mut wire = Wire::to(&base);
        let continued = wire.send(head.as_bytes()).read_until("\r\n\r\n");
        assert!(continued.starts_with("HTTP/1.1 100 "), "{continued}");
        wire.send(body.as_bytes());
    })
    .await;
}

#[tokio::test]
async fn a_user_whose_creator_hangs_up_is_there_with_an_audit_line() {
    let directories = Directories::start().await;
    let body = json!({ "emails": [{ "value": "u@a.example" }], "password": "a-password-of-the-directory" });
    hang_up(&directories, "/cloud_directory/Users", &body).await;
    let line = directories.audited("directory_user_created", None).await;
    let listed = directories.manage(&MARKET, "GET", "/cloud_directory/Users", &Value::Null).await.json();
    let id = listed["Resources"][0]["id"].as_str().unwrap();
    assert!(line["user"].as_str().unwrap().ends_with(id), "{line} {listed}");
}
