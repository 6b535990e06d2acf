//! Files that a client sends.

use serde_json::{Value, json};

use super::chat::{Bot, Chat, direct_line, start_with};
use crate::harness::Answer;

const BOUNDARY: &str = "the-boundary";

/// A part of a form: the parameters of its disposition, its type, and its content.
#[derive(Clone, Copy)]
struct Part<'a>(&'a str, &'a str, &'a [u8]);

async fn upload(chat: &Chat<'_>, parts: &[Part<'_>]) -> Answer {
    let mut body = Vec::new();
    for Part(parameters, media_type, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\nContent-Type: {media_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let (authorization, media_type) =
        (format!("Bearer {}", chat.token), format!("multipart/form-data; boundary={BOUNDARY}"));
    let headers = [("authorization", authorization.as_str()), ("content-type", media_type.as_str())];
    let url = format!("{}{}", direct_line(chat.harness), chat.path("/upload?userId=dl_somebody-else"));
    chat.harness.send("POST", &url, &headers, body).await
}

#[tokio::test]
async fn an_uploaded_file_is_an_attachment_that_the_bot_can_read() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    // The client library leaves an attachment without an address for each file.
    let activity = json!({
        "type": "message", "from": {"id": "dl_somebody-else"}, "channelData": {"clientActivityID": "c"},
        "attachments": [{"name": "cat.png", "contentType": "image/png", "thumbnailUrl": "data:x"}],
    });
    let text = activity.to_string();
    let posted = upload(
        &chat,
        &[
            Part("name=\"activity\"; filename=\"blob\"", "application/vnd.microsoft.activity", text.as_bytes()),
            Part("name=\"file\"; filename=\"cat.png\"", "image/png", b"\x89PNG"),
            Part("name=\"file\"; filename=\"page.html\"", "text/html", b"<script>"),
        ],
    )
    .await;
    assert_eq!(posted.status, 200, "{}", posted.text());
    let to_bot = harness.bot_received(2).await[1].json();
    assert_eq!((&to_bot["id"], &to_bot["from"]["id"]), (&posted.json()["id"], &json!(chat.user_id)));
    let attachments = to_bot["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 2);
    assert_eq!((&attachments[0]["name"], &attachments[0]["thumbnailUrl"]), (&json!("cat.png"), &json!("data:x")));
    assert_eq!(chat.activities().await[0]["attachments"], to_bot["attachments"]);

    let expected: [(&Value, &[u8], &str, &str); 2] = [
        (&attachments[0], b"\x89PNG", "image/png", "inline"),
        (&attachments[1], b"<script>", "text/html", "attachment"),
    ];
    for (attachment, content, media_type, disposition) in expected {
        let url = attachment["contentUrl"].as_str().unwrap();
        let file = harness.send("GET", url, &[], Vec::new()).await;
        assert_eq!((file.status, file.body.as_slice()), (200, content));
        assert_eq!(file.header("content-type"), Some(media_type));
        assert_eq!(file.header("content-disposition"), Some(disposition));
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert!(file.header("content-security-policy").unwrap().contains("sandbox"));
        let described = harness.send("GET", url.strip_suffix("/views/original").unwrap(), &[], Vec::new()).await;
        assert_eq!((&described.json()["name"], &described.json()["type"]), (&attachment["name"], &json!(media_type)));
        let thumbnail = harness.send("GET", &url.replace("original", "thumbnail"), &[], Vec::new()).await;
        assert_eq!(thumbnail.status, 404);
    }
}

#[tokio::test]
async fn files_without_an_activity_are_a_message() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    assert_eq!(upload(&chat, &[Part("name=\"file\"; filename=\"a.txt\"", "text/plain", b"a")]).await.status, 200);
    let to_bot = harness.bot_received(2).await[1].json();
    assert_eq!((&to_bot["type"], &to_bot["attachments"][0]["name"]), (&json!("message"), &json!("a.txt")));
}

#[tokio::test]
async fn an_upload_that_is_too_large_or_no_form_is_refused() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let file = "name=\"file\"; filename=\"a.bin\"";
    let half = vec![0; 2 * 1024 * 1024 + 1];
    let parts = [Part(file, "text/plain", &half), Part(file, "text/plain", &half)];
    assert_eq!(upload(&chat, &parts).await.status, 413);
    let many: Vec<_> = (0..11).map(|_| Part(file, "text/plain", b"a")).collect();
    assert_eq!(upload(&chat, &many).await.status, 400);
    let wrong = Part("name=\"activity\"; filename=\"blob\"", "application/vnd.microsoft.activity", b"[]");
    assert_eq!(upload(&chat, &[wrong]).await.status, 400);
    let message = Part("name=\"activity\"; filename=\"blob\"", "application/json", br#"{"type": "message"}"#);
    assert_eq!(upload(&chat, &[message, message]).await.status, 400, "a form has one activity");
    let json = chat.call("POST", &chat.path("/upload"), r#"{"type": "message"}"#).await;
    assert_eq!(json.status, 400);
    assert!(chat.activities().await.is_empty());
}
