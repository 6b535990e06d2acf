//! The operator lists and ends the sessions of a directory's user by the admin API.

use serde_json::json;

use super::fixture::{ADA, BEN, Directories, MARKET, SHOP};
use super::sessions::is_asked;
use crate::harness::{ADMIN_TOKEN, Answer};

async fn call(directories: &Directories, method: &str, path: &str) -> Answer {
    let authorization = format!("Bearer {ADMIN_TOKEN}");
    let url = format!("{}/admin/users/{path}", directories.harness.operations);
    directories.harness.send(method, &url, &[("authorization", &authorization)], Vec::new()).await
}

fn key_of(id: &str) -> String {
    let key = format!("cloud_directory:{}/{id}", MARKET.tenant);
    url::form_urlencoded::byte_serialize(key.as_bytes()).collect()
}

#[tokio::test]
async fn the_operator_ends_one_session_of_a_user_and_the_other_browser_stays_signed_in() {
    let directories = Directories::start().await;
    let (ada, ben) = (directories.create_user(&MARKET, &ADA).await, directories.create_user(&MARKET, &BEN).await);
    let (mut laptop, mut phone) = (directories.browser(), directories.browser());
    laptop.sign_in(&SHOP, &ADA).await;
    phone.sign_in(&SHOP, &ADA).await;
    let seen = call(&directories, "GET", &key_of(&ada)).await;
    let sessions = seen.json()["sessions"].clone();
    assert_eq!((seen.status, sessions.as_array().map(Vec::len)), (200, Some(2)), "{}", seen.text());
    assert_eq!((&sessions[0]["directory"], &sessions[0]["tenant"]), (&json!("market"), &json!(MARKET.tenant)));
    assert!(sessions[0]["begunAt"].is_string() && sessions[0]["endsAt"].is_string(), "{sessions}");
    let id = sessions[0]["id"].as_str().unwrap();
    let of_ben = call(&directories, "DELETE", &format!("{}/sessions/{id}", key_of(&ben))).await;
    assert_eq!((of_ben.status, &of_ben.json()["error"]["code"]), (404, &json!("UnknownElement")), "it is Ada's");
    let path = format!("{}/sessions/{id}", key_of(&ada));
    let ended = call(&directories, "DELETE", &path).await;
    assert_eq!((ended.status, &ended.json()["session"]["id"]), (200, &json!(id)), "{}", ended.text());
    let asked = [is_asked(&mut laptop, &SHOP).await, is_asked(&mut phone, &SHOP).await];
    assert_eq!(asked.iter().filter(|asked| **asked).count(), 1, "one of them has ended: {asked:?}");
    assert_eq!(directories.audited("directory_signed_out", Some(&ada)).await["administrator"], "operator");
    assert_eq!(call(&directories, "DELETE", &path).await.status, 404, "it has ended already");
    assert_eq!(call(&directories, "GET", &key_of(&ada)).await.json()["sessions"].as_array().map(Vec::len), Some(1));
}
