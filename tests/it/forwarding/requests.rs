//! Which parts of a caller's request reach the bot.

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use super::{head, message, say};
use crate::harness::raw::{ScriptedServer, Wire, blocking};
use crate::harness::waiting::wait_until;
use crate::harness::{Harness, activities};

#[tokio::test]
async fn body_bytes_and_authorization_reach_the_bot_unchanged() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let plain = message(&harness);
    let members = plain.strip_prefix('{').unwrap();
    let bodies = [
        plain.clone(),
        format!("\r\n\t {{ \"speak\" :\t\"\\u00e9\\/\\ud83d\\ude00 é\" ,\n\n{members}  \n"),
        format!("{{\"unknown\":{{\"a\":[1.0,1e2,12345678901234567890123,-0,null,{{}}]}},{members}"),
        format!("{{\"Text\":\"other case\",\"text \":\"a space\",\"\":0,{members}"),
        format!("{{\"NUL\":\"\\u0000\",{members}"),
        format!("{{\"z\":\"{}\",{members}", "\u{1F600}\u{0301}\u{2028}".repeat(1000)),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let authorization = format!("{} {token}", ["Bearer", "bearer", "BEARER"][number % 3]);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json; charset=utf-8")];
        let answer = harness.send("POST", "/bots/demo/api/messages", &headers, body.clone().into_bytes()).await;
        assert_eq!(answer.status, 200, "{body}");
        let received = harness.bot.received().pop().unwrap();
        assert_eq!(String::from_utf8_lossy(&received.body), *body);
        assert_eq!(received.header("authorization"), Some(authorization.as_str()));
        assert_eq!(received.header("content-type"), Some("application/json; charset=utf-8"));
    }
    assert_eq!(harness.bot.received().len(), bodies.len());
}

#[tokio::test]
async fn the_callers_headers_reach_the_bot_except_those_of_its_connection() {
    let server = ScriptedServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let harness = super::in_front_of(&server).await;
    let token = harness.channel_token("demo").await;
    let passing = [
        ("accept", "application/json, */*"),
        ("content-type", "application/json"),
        ("cookie", "a=b"),
        ("ms-cv", "abc.1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("user-agent", "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)"),
        ("x-custom", "ä, kept"),
        ("x-ms-conversation-id", "a:ada"),
    ];
    let dropped = [
        ("connection", "close, X-Named-Here ,x-named-too"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic c2VjcmV0"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("trailer", "x-checksum"),
        ("upgrade", "h2c"),
        ("x-named-here", "1"),
        ("X-NAMED-TOO", "1"),
    ];
    let lines: Vec<_> = passing.iter().chain(&dropped).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = message(&harness);
    let request = format!("{}content-length: {}\r\n\r\n{body}", head(&token, &lines.concat()), body.len());
    let base = harness.base.clone();
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let requests = server.requests();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    let (head, forwarded) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(forwarded, body);
    for (name, value) in passing {
        assert!(
            head.contains(&format!("{name}: {value}\r\n")) || head.ends_with(&format!("{name}: {value}")),
            "{head}"
        );
    }
    let head = head.to_ascii_lowercase();
    for (name, _) in dropped {
        assert!(!head.contains(&format!("\r\n{name}:")), "{name} reached the bot:\n{head}");
    }
    assert_eq!(head.matches("\r\nhost:").count(), 1);
    assert!(!head.contains("host: bot-sso"), "{head}");
    assert_eq!(head.matches("\r\nauthorization:").count(), 1);
}

#[tokio::test]
async fn headers_in_which_proxies_state_the_client_do_not_reach_the_bot() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let authorization = format!("Bearer {token}");
    let spoofed = [
        "CF-Connecting-IP",
        "Client-IP",
        "Fastly-Client-IP",
        "Forwarded",
        "True-Client-IP",
        "Via",
        "X-Bot-Sso-User",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Proto",
        "X-MS-CLIENT-PRINCIPAL",
        "X-MS-CLIENT-PRINCIPAL-ID",
        "X-MS-CLIENT-PRINCIPAL-NAME",
        "X-MS-TOKEN-AAD-ACCESS-TOKEN",
        "X-MS-TOKEN-AAD-ID-TOKEN",
        "X-Original-For",
        "X-Original-Host",
        "X-Original-URL",
        "X-Real-IP",
        // Many web frameworks read underscores in header names as hyphens.
        "X_Forwarded_For",
        "X_Real_IP",
        "X_MS_CLIENT_PRINCIPAL_ID",
    ];
    let mut headers: Vec<(&str, &str)> = spoofed.iter().map(|name| (*name, "spoofed")).collect();
    headers.push(("authorization", &authorization));
    headers.push(("x-forward", "not one of them"));
    let answer = harness.send("POST", "/bots/demo/api/messages", &headers, message(&harness).into_bytes()).await;
    assert_eq!(answer.status, 200);
    let received = harness.bot.received().pop().unwrap();
    for name in spoofed {
        assert_eq!(received.header(name), None, "{name} reached the bot");
    }
    assert_eq!(received.header("x-forward"), Some("not one of them"));
}

// Case 72 of docs/protocols/bot-auth-and-skills.md §9.
#[tokio::test]
async fn an_inbound_tokens_response_event_is_dropped_and_nothing_is_stored() {
    let harness = Harness::start().await;
    let value = json!({ "connectionName": "graph", "token": "foreign", "channelId": "directline" });
    let mut event = activities::invoke(&harness, &harness.user("Ada"), "tokens/response", value);
    event["type"] = "event".into();
    let event = activities::on_channel(event, "directline", "dl_ada");
    assert_eq!(harness.post(&event).await.status, 200);
    assert_eq!(harness.get_token("directline", "dl_ada", "graph").await.status, 404);
    let mut elsewhere = event.clone();
    elsewhere["value"]["connectionName"] = "somebody-elses".into();
    let mut spelled = event.clone();
    spelled["type"] = "Event".into();
    spelled["name"] = "Tokens/Response".into();
    for forged in [elsewhere, spelled] {
        assert_eq!(harness.post(&forged).await.status, 200);
    }
    assert!(harness.bot.received().is_empty());
    let mut other = event;
    other["name"] = "tokens/other".into();
    assert_eq!(harness.post(&other).await.status, 200);
    assert_eq!(harness.bot.received().len(), 1, "other events pass");
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_cancel_the_request_to_the_bot() {
    let harness = Harness::start().await;
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 1000 }));
    let user_token = harness.user_token("Ada", "graph").await;
    let body = activities::exchange(&harness, &harness.user("Ada"), "x", &user_token).to_string();
    let token = harness.channel_token("demo").await;
    let request =
        format!("{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", head(&token, ""), body.len());
    let base = harness.base.clone();
    let wire = blocking(move || {
        let mut wire = Wire::to(&base);
        wire.send(request.as_bytes());
        wire
    })
    .await;
    wait_until("the exchange", async || harness.exchanges() > 0).await;
    assert!(harness.bot.received().is_empty(), "the exchange is still under way");
    wire.hang_up();
    let event = harness.bot_received(1).await[0].json();
    assert_eq!(event["name"], "tokens/response");
    let stored = harness.get_token("msteams", "29:ada", "graph").await;
    assert_eq!((stored.status, &stored.json()["token"]), (200, &event["value"]["token"]));
    // The client repeats its request as clients do: it gets the same answer, and the bot gets no second event.
    let again = harness.post_bytes("demo", &token, body_of(&harness, &user_token)).await;
    assert_eq!(again.status, 200);
    assert_eq!((harness.received_once_settled().await.len(), harness.exchanges()), (1, 1));
}

fn body_of(harness: &Harness, user_token: &str) -> Vec<u8> {
    activities::exchange(harness, &harness.user("Ada"), "x", user_token).to_string().into_bytes()
}

#[tokio::test]
async fn the_gateway_posts_an_activity_to_the_bot_once_whatever_the_bot_answers() {
    let server =
        ScriptedServer::answering("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n");
    let harness = super::in_front_of(&server).await;
    assert_eq!(say(&harness).await.status, 503);
    assert_eq!(server.requests().len(), 1);
}
