//! A skill's stream of events that goes on while its first events are relayed.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::fixture::{CONTOSO, Fixture, LEGACY, PARENT, Setting, WEATHER};
use crate::harness::logs;

/// A skill that a test answers by hand.
struct LiveSkill {
    listener: TcpListener,
}

impl LiveSkill {
    /// Takes the next request, and begins a stream of events as its answer.
    async fn begin_stream(&self) -> (Value, TcpStream) {
        let (mut connection, _) = self.listener.accept().await.unwrap();
        let mut request = Vec::new();
        let body = loop {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0);
            let text = String::from_utf8_lossy(&request);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() == length.unwrap_or(0_usize) {
                break serde_json::from_str(body).unwrap();
            }
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        (body, connection)
    }
}

async fn write_event(connection: &mut TcpStream, activity: &Value) {
    let event = format!("event: activity\r\ndata: {activity}\r\n\r\n");
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    connection.write_all(chunk.as_bytes()).await.unwrap();
}

async fn read_event(answer: &mut reqwest::Response) -> Value {
    let chunk = answer.chunk().await.unwrap().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    serde_json::from_str(text.split("data: ").nth(1).unwrap()).unwrap()
}

#[tokio::test]
async fn an_event_goes_on_while_the_next_is_not_there_and_waits_behind_a_card() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/api/messages", listener.local_addr().unwrap());
    let live = format!(
        "[skills.live]\napp_id = \"{LEGACY}\"\ntenant = \"{CONTOSO}\"\nendpoint = \"{endpoint}\"\n\
         exchange_uris = [\"api://live\"]\nbots = [\"demo\"]\n"
    );
    let fixture = Fixture::with(Setting { appended: live, without_news: true, ..Setting::default() }).await;
    let skill = LiveSkill { listener };
    let token = fixture.token(PARENT, WEATHER).await;
    let token = fixture.forge(&token, |claims| claims["aud"] = LEGACY.into());
    let mut message = fixture.message();
    message["deliveryMode"] = "stream".into();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/skills/live/messages", fixture.harness.base);
    let request = client.post(url).bearer_auth(token).header("content-type", "application/json");
    let answering = tokio::spawn(request.body(message.to_string()).send());
    let (received, mut connection) = skill.begin_stream().await;
    let id = received["conversation"]["id"].as_str().unwrap().to_owned();
    let numbered = |number: u64| {
        let mut reply = fixture.reply(&id);
        reply["text"] = number.to_string().into();
        reply
    };
    write_event(&mut connection, &numbered(1)).await;
    let mut answer = answering.await.unwrap().unwrap();
    assert_eq!(read_event(&mut answer).await["text"], "1", "the stream has not ended");
    let logged = logs::length();
    write_event(&mut connection, &fixture.card(&id, "card")).await;
    write_event(&mut connection, &numbered(3)).await;
    assert!(read_event(&mut answer).await["attachments"].is_array());
    assert_eq!(read_event(&mut answer).await["text"], "3");
    assert_eq!(fixture.card_reasons(logged), ["uri_not_listed"]);
    connection.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(answer.chunk().await.unwrap().is_none());
}
