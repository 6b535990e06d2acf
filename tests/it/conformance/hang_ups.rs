//! A client that hangs up in the middle of a request.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Harness, Options, activities};

/// Sends `body` to the bot's messages, and resets the connection after the runtime has had `turns` other turns.
async fn post_and_hang_up(harness: &Harness, body: &[u8], turns: usize) {
    let bearer = harness.channel_token("demo").await;
    let address = harness.base.trim_start_matches("http://");
    let head = format!(
        "POST /bots/demo/api/messages HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {bearer}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    connection.set_zero_linger().unwrap();
}

/// The moment of the reset is not the test's to choose, so it tries several; each has to end in the same way.
#[tokio::test]
async fn a_code_whose_sender_hangs_up_is_told_to_the_bot_once() {
    let mut harness = Harness::start().await;
    let ada = harness.user("Ada");
    for (trial, turns) in [0, 10, 30, 100, 300, 1000, 3000].into_iter().enumerate() {
        harness.sign_in_resource(&activities::teams(&harness, &ada), "graph").await;
        let code = harness.issue_code(&Options::default(), &ada, "graph", &format!("token-{trial}")).await;
        let activity = activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": code }));
        post_and_hang_up(&harness, activity.to_string().as_bytes(), turns).await;
        // The gateway may not have read the request before the reset. Then the user's client says the code again.
        assert_eq!(harness.post(&activity).await.status, 200, "{turns}");
        let received = harness.bot.wait_for(trial + 1).await;
        assert_eq!(received[trial].json()["value"]["token"], format!("token-{trial}"), "{turns}");
    }
    assert_eq!(harness.received_once_settled().await.len(), 7, "each code was told once");
}
