//! The operator's listener of the real process: beyond loopback it is served with the certificate, and its bearer can
//! be renewed while it runs.

use std::path::Path;

use bot_sso::dev::User;

use super::setting::{Service, Setting};
use crate::harness::write_private;

pub(super) const FIRST: &str = "first-admin-secret-of-the-local-stage";
const SECOND: &str = "second-admin-secret-of-the-local-stage";

/// A setting with an operator's listener on `listen`, its bearer in a file.
pub(super) async fn with_operations(listen: &str) -> Setting {
    let mut setting = Setting::new().await;
    let file = setting.path("admin.token");
    write_private(&file, FIRST);
    let mut reference = toml::Table::new();
    reference.insert("file".to_owned(), file.to_str().unwrap().into());
    setting.set("operations.admin_token", reference);
    setting.set("operations.listen", listen);
    setting
}

pub(super) fn port_of(service: &Service) -> String {
    let line = service.lines().into_iter().find(|line| line.contains("\"operations\"")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    line["operations"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned()
}

pub(super) async fn sign_out(setting: &Setting, port: &str, user: &User, bearer: &str) -> u16 {
    let url = format!("http://127.0.0.1:{port}/admin/users/{}@{}/sign-out", user.oid, user.tid);
    let authorization = format!("Bearer {bearer}");
    setting.harness.send("POST", &url, &[("authorization", &authorization)], Vec::new()).await.status
}

#[tokio::test]
async fn a_renewed_admin_token_is_valid_after_sighup() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let mut service = setting.serve().await;
    let (port, ada) = (port_of(&service), setting.harness.user("Ada"));
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    write_private(&setting.path("admin.token"), SECOND);
    assert_eq!(sign_out(&setting, &port, &ada, SECOND).await, 401, "not read again yet");
    service.signal("HUP");
    service.wait_for_line("the admin token was read again").await;
    assert_eq!(sign_out(&setting, &port, &ada, FIRST).await, 401);
    assert_eq!(setting.get_token("Ada").await, 200);
    assert_eq!(sign_out(&setting, &port, &ada, SECOND).await, 200);
    assert_eq!(setting.get_token("Ada").await, 404);
    let logged = service.lines().join("\n");
    assert!(!logged.contains(FIRST) && !logged.contains(SECOND));
    service.stop().await;
}

#[tokio::test]
async fn the_operators_listener_leaves_loopback_only_with_allow_remote_and_uses_tls() {
    let mut setting = with_operations("0.0.0.0:0").await;
    let refused = setting.run("check");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).starts_with("operations.listen: "), "{refused:?}");
    setting.set("operations.allow_remote", true);
    let (certificate, key) = (setting.path("certificate.pem"), setting.path("certificate.key"));
    let trusted = write_pair(&certificate, &key);
    setting.set("server.tls.certificate_file", certificate.to_str().unwrap());
    setting.set("server.tls.key_file", key.to_str().unwrap());
    let service = setting.serve().await;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    let port = port_of(&service);
    let alive = client.get(format!("https://localhost:{port}/healthz")).send().await.unwrap();
    assert_eq!((alive.status().as_u16(), alive.text().await.unwrap().as_str()), (200, "ok"));
    assert!(client.get(format!("http://localhost:{port}/healthz")).send().await.is_err(), "not in the clear");
}

fn write_pair(certificate: &Path, key: &Path) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(certificate, made.cert.pem()).unwrap();
    write_private(key, &made.signing_key.serialize_pem());
    reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}
