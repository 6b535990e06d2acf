//! SIGHUP: keys, certificates and credentials are read again while users are being served.

use std::path::Path;

use super::setting::{Setting, bot_sso, stderr};
use crate::harness::write_private;

#[tokio::test]
async fn a_rotated_key_seals_after_sighup_and_old_tokens_stay_readable() {
    let mut setting = Setting::new().await;
    let keys = setting.path("bot-sso.keys");
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let old_ring = std::fs::read_to_string(&keys).unwrap();

    let rotated = bot_sso(&["keys", "rotate", keys.to_str().unwrap()]);
    assert!(rotated.status.success(), "{rotated:?}");
    let mut service = service;
    service.signal("HUP");
    service.wait_for_line("the key ring was read again").await;
    assert_eq!(setting.get_token("Ada").await, 200);
    assert_eq!(setting.exchange("Ben", "y").await.status, 200);
    service.stop().await;

    let service = setting.serve().await;
    assert_eq!((setting.get_token("Ada").await, setting.get_token("Ben").await), (200, 200));
    service.stop().await;

    // With the old ring Ada's token could be opened and Ben's could not: his was sealed with the new key.
    write_private(&keys, &old_ring);
    let output = setting.run("serve");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("keys.file: the key ring lacks sealing key 2"), "{output:?}");
}

#[tokio::test]
async fn an_unusable_key_file_does_not_change_the_running_service() {
    let mut setting = Setting::new().await;
    let keys = setting.path("bot-sso.keys");
    let ring = std::fs::read_to_string(&keys).unwrap();
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let other = setting.path("other.keys");
    assert!(bot_sso(&["keys", "create", other.to_str().unwrap()]).status.success());
    let of_another_store = std::fs::read_to_string(other).unwrap();
    for broken in ["no key ring", "", of_another_store.as_str()] {
        write_private(&keys, broken);
        service.forget_lines();
        service.signal("HUP");
        let line = service.wait_for_line("the key ring could not be read again").await;
        assert_eq!(line["level"], "ERROR");
        assert_eq!(setting.get_token("Ada").await, 200);
    }
    assert_eq!(setting.exchange("Ben", "y").await.status, 200);
    service.stop().await;

    write_private(&keys, &ring);
    let _service = setting.serve().await;
    assert_eq!((setting.get_token("Ada").await, setting.get_token("Ben").await), (200, 200));
}

#[tokio::test]
async fn a_corrected_secret_is_used_after_sighup() {
    let mut setting = Setting::new().await;
    let right = setting.harness.stage.directory().connections[0].client_secret;
    let secret = setting.secret_in_file("demo-graph", "a secret that has run out");
    let mut service = setting.serve().await;
    let answer = setting.exchange("Ada", "x").await;
    assert_eq!(answer.status, 400, "{}", answer.detail());
    assert!(answer.detail().starts_with("misconfigured:"), "{}", answer.detail());

    // A secret that cannot be read changes nothing.
    write_private(&secret, "");
    service.signal("HUP");
    service.wait_for_line("the old credentials stay").await;
    let complaint = service.wait_for_line("connections.demo-graph.client_secret").await;
    assert_eq!(complaint["level"], "ERROR");

    write_private(&secret, &format!("{right}\n"));
    service.signal("HUP");
    service.wait_for_line("the client credentials were read again").await;
    let answer = setting.exchange("Ada", "y").await;
    assert_eq!(answer.status, 200, "{}", answer.detail());
    let logged = service.lines().join("\n");
    assert!(!logged.contains(right) && !logged.contains("a secret that has run out"));
}

#[tokio::test]
async fn a_credential_of_another_client_is_not_used_for_the_old_one_where_a_restart_is_needed() {
    let mut setting = Setting::new().await;
    let right = setting.harness.stage.directory().connections[0].client_secret;
    setting.secret_in_file("demo-graph", right);
    let mut service = setting.serve().await;
    setting.secret_in_file("demo-graph", "the other client's secret");
    setting.set("connections.demo-graph.client_id", "5fbd7096-ce42-41a5-906f-9c8daebfc005");
    setting.set("server.body_limit_bytes", 400_000);
    assert!(setting.run("check").status.success());
    service.signal("HUP");
    let line = service.wait_for_line("restart to apply that").await;
    assert_eq!(line["path"], "connections.demo-graph");
    let line = service.wait_for_line("cannot change while the process runs").await;
    assert_eq!(line["path"], "server.body_limit_bytes");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
}

#[tokio::test]
async fn a_credential_for_another_token_endpoint_is_not_sent_to_the_old_one() {
    let mut setting = Setting::new().await;
    let right = setting.harness.stage.directory().connections[0].client_secret;
    setting.secret_in_file("demo-graph", right);
    let mut service = setting.serve().await;
    setting.secret_in_file("demo-graph", "a secret for the new place");
    setting.set("identity_providers.entra.token_endpoint", "https://127.0.0.1:1/{tenant}/oauth2/v2.0/token");
    setting.set("server.body_limit_bytes", 400_000);
    assert!(setting.run("check").status.success());
    service.signal("HUP");
    service.wait_for_line("restart to apply that").await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200, "the old secret goes on to the old place");
}

#[tokio::test]
async fn the_service_speaks_https_and_uses_a_renewed_certificate_after_sighup() {
    let mut setting = Setting::new().await;
    let (certificate, key) = (setting.path("certificate.pem"), setting.path("certificate.key"));
    let first = write_pair(&certificate, &key);
    setting.set("server.tls.certificate_file", certificate.to_str().unwrap());
    setting.set("server.tls.key_file", key.to_str().unwrap());
    let mut service = setting.serve().await;
    let url = format!("https://localhost:{}/api/usertoken/GetToken", service.address.rsplit_once(':').unwrap().1);
    assert_eq!(status_of(&first, &url).await, Some(401));

    // Half of a renewal: the key is there, its certificate is not yet.
    let before = std::fs::read_to_string(&certificate).unwrap();
    let second = write_pair(&certificate, &key);
    let after = std::fs::read_to_string(&certificate).unwrap();
    std::fs::write(&certificate, before).unwrap();
    service.signal("HUP");
    service.wait_for_line("the certificate could not be read again").await;
    assert_eq!(status_of(&first, &url).await, Some(401));

    std::fs::write(&certificate, after).unwrap();
    service.signal("HUP");
    service.wait_for_line("the certificate was read again").await;
    assert_eq!(status_of(&second, &url).await, Some(401));
    assert_eq!(status_of(&first, &url).await, None);
}

/// Writes a self-made certificate and its key; returns the certificate.
fn write_pair(certificate: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(certificate, made.cert.pem()).unwrap();
    write_private(key, &made.signing_key.serialize_pem());
    made.cert.pem()
}

/// The result of a new connection that trusts only this certificate.
async fn status_of(certificate: &str, url: &str) -> Option<u16> {
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    client.get(url).send().await.ok().map(|answer| answer.status().as_u16())
}
