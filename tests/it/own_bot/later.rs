//! A bot that is not running when the stage starts.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::development::Development;
use crate::harness::waiting::wait_until;

/// An address of this process alone: no program listens there, and none gets it as a free port.
fn own_address() -> String {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.78.{high}.{low}:3999")
}

/// Answers every request with 200.
async fn serve(address: &str) {
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 8192];
                while matches!(connection.read(&mut bytes).await, Ok(1..)) {
                    let _ = connection
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                        .await;
                    let _ = connection.shutdown().await;
                }
            });
        }
    });
}

#[tokio::test]
async fn a_bot_that_is_started_later_is_answered_for_by_502_until_then() {
    let (address, http) = (own_address(), reqwest::Client::builder().no_proxy().build().unwrap());
    let mut development = Development::start_with(&["--bot", &format!("http://{address}/api/messages")]);
    development.read_to(|line, _| line.starts_with("The bot own-bot does not answer at http://127.78."));
    let manifest = development.manifest().await;
    let post = async |url: &str, bearer: &str, body: Value| {
        let post = http.post(url).header("content-type", "application/json").bearer_auth(bearer);
        let answer = post.body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap_or_default())
    };
    let order = json!({"user": "ada", "bot": "own-bot"});
    let (_, site) = post(manifest["web_chat"]["token_url"].as_str().unwrap(), "none", order).await;
    let (token, conversation) = (site["token"].as_str().unwrap(), site["conversationId"].as_str().unwrap());
    let direct_line = manifest["web_chat"]["direct_line"].as_str().unwrap();
    assert_eq!(post(&format!("{direct_line}/conversations"), token, json!({})).await.0, 201);
    let activities = format!("{direct_line}/conversations/{conversation}/activities");
    let message = json!({"type": "message", "text": "hello"});
    let (status, refusal) = post(&activities, token, message.clone()).await;
    assert_eq!((status, &refusal["httpStatusCode"]), (502, &json!(502)), "{refusal}");
    serve(&address).await;
    assert_eq!(post(&activities, token, message).await.0, 200);
    wait_until("the line in the log", async || development.log().contains("the bot answers")).await;
    assert!(development.log().contains("the bot does not answer yet"), "{}", development.log());
}
