//! How the process calls other services, and which proxies it trusts about the address of a client.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::setting::Setting;

/// Lets the process fetch keys over plain http, so that only the token endpoint needs the CA file.
fn fetch_keys_over_http(setting: &mut Setting) {
    let http = setting.harness.stage.http_base();
    setting.set("channels.jwks_url", format!("{http}/channel/v1/.well-known/keys"));
    setting.set("channels.allow_insecure_http", true);
    setting.set("identity_providers.entra.jwks_url", format!("{http}/common/discovery/v2.0/keys"));
    setting.set("identity_providers.entra.allow_insecure_http", true);
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_with_its_ca_file() {
    let mut setting = Setting::new().await;
    fetch_keys_over_http(&mut setting);
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    service.stop().await;

    setting.remove_section("outbound");
    let _service = setting.serve().await;
    let answer = setting.exchange("Ben", "y").await;
    assert_eq!(answer.status, 500, "{}", answer.detail());
    assert!(answer.detail().starts_with("temporarily_unavailable:"), "{}", answer.detail());
}

#[tokio::test]
async fn a_remote_host_is_reached_through_the_egress_proxy() {
    let mut setting = Setting::new().await;
    fetch_keys_over_http(&mut setting);
    let (proxy, seen) = start_proxy(setting.harness.stage.http_base().replace("http://", "")).await;
    setting.set("outbound.egress_proxy", proxy);
    setting.set("identity_providers.entra.token_endpoint", "http://login.bot-sso.example/{tenant}/oauth2/v2.0/token");
    let _service = setting.serve().await;
    let answer = setting.exchange("Ada", "x").await;
    assert_eq!(answer.status, 200, "{}", answer.detail());
    // The bot is on this machine and is called directly.
    setting.harness.bot_received(1).await;
    let seen = seen.lock().unwrap().clone();
    assert!(!seen.is_empty() && seen.iter().all(|line| line.contains("http://login.bot-sso.example/")), "{seen:?}");
}

/// Starts a proxy that sends every request to `target`; returns its address and the request lines that it has seen.
async fn start_proxy(target: String) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
    let lines = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = client.read(&mut head).await.unwrap();
            let text = String::from_utf8_lossy(&head[..length]).into_owned();
            lines.lock().unwrap().push(text.lines().next().unwrap_or("").to_owned());
            // The origin expects a request target in origin form and its own host name.
            let rewritten =
                text.replacen("http://login.bot-sso.example", "", 1).replacen("login.bot-sso.example", "127.0.0.1", 1);
            let mut server = TcpStream::connect(&target).await.unwrap();
            server.write_all(rewritten.as_bytes()).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (url, seen)
}

#[tokio::test]
async fn the_client_address_in_a_header_counts_only_from_a_trusted_proxy() {
    let mut setting = Setting::new().await;
    let headers = [("x-forwarded-for", "203.0.113.9")];
    let mut service = setting.serve().await;
    setting.harness.send("GET", "/api/messages", &headers, Vec::new()).await;
    assert_eq!(service.wait_for_line("/api/messages").await["client"], "127.0.0.1");
    service.stop().await;

    setting.set("server.trusted_proxies", vec!["127.0.0.0/8"]);
    let mut service = setting.serve().await;
    setting.harness.send("GET", "/api/messages", &headers, Vec::new()).await;
    assert_eq!(service.wait_for_line("/api/messages").await["client"], "203.0.113.9");
}
