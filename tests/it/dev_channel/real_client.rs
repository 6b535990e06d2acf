//! The unmodified client library of Web Chat (`botframework-directlinejs`) and a demo bot of the stage.

use serde_json::{Value, json};

use super::chat::{Bot, start_with};
use crate::harness::Harness;
use crate::harness::peers::{Peer, Program};

/// What one page does: it says `say`, and answers a sign-in card if `exchange`.
struct Page<'a> {
    user: &'a str,
    transport: &'a str,
    say: &'a str,
    exchange: bool,
}

/// Runs a page to its end. A page after the first one continues the conversation, as a page that is loaded again.
async fn run(harness: &Harness, page: &Page<'_>) -> Vec<Value> {
    let state = harness.directory.path().join(format!("{}.page", page.user));
    let resumed = if state.exists() { "-resumed" } else { "" };
    let environment = [
        ("MANIFEST", harness.stage.manifest(&harness.base).to_string()),
        ("USER", page.user.to_owned()),
        ("TRANSPORT", page.transport.to_owned()),
        ("SAY", page.say.to_owned()),
        ("EXCHANGE", if page.exchange { "yes" } else { "no" }.to_owned()),
        ("STATE", state.display().to_string()),
    ];
    let label = format!("direct-line-{}-{}{resumed}", page.transport, page.user);
    Peer::start(&Program { peer: "directline", script: "chat.mjs" }, &label, &environment).finish().await
}

fn event<'e>(events: &'e [Value], name: &str) -> &'e Value {
    events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name}: {events:#?}"))
}

fn received(events: &[Value], fits: impl Fn(&Value) -> bool) -> Vec<&Value> {
    events.iter().filter(|event| event["event"] == "received" && fits(event)).collect()
}

async fn sign_in_silently(transport: &str) {
    let harness = start_with(Bot::OfStage).await;
    let page = Page { user: "ada", transport, say: "hello", exchange: true };
    let events = run(&harness, &page).await;
    let posted = event(&events, "posted")["id"].clone();
    let echo = received(&events, |activity| activity["id"] == posted)[0];
    assert_eq!(
        (&echo["role"], &echo["isMine"], &echo["clientActivityID"]),
        (&"user".into(), &true.into(), &"typed".into())
    );
    assert_eq!((&echo["hasTime"], &echo["isHere"]), (&true.into(), &true.into()));
    let card = received(&events, |activity| activity["card"].is_object())[0];
    assert_eq!(card["card"], json!({"connectionName": "graph", "canExchange": true}));
    assert_eq!((&card["role"], &card["replyToId"]), (&"bot".into(), &posted));
    let invoke = event(&events, "invoke")["id"].clone();
    assert_ne!(invoke, "retry");
    let greeting = received(&events, |activity| activity["text"] == "You are signed in as Ada Lovelace");
    assert_eq!(greeting.len(), 1);
    for echo in received(&events, |activity| activity["type"] == "invoke") {
        assert_eq!((&echo["id"], &echo["hasValue"]), (&invoke, &false.into()));
    }
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(event(&events, "session")["length"], 32);

    let again = run(&harness, &Page { say: "hello again", exchange: false, ..page }).await;
    let ids = received(&again, |_| true).into_iter().map(|activity| &activity["id"]);
    let seen_before: Vec<_> = received(&events, |_| true).into_iter().map(|activity| &activity["id"]).collect();
    let repeated: Vec<_> = ids.filter(|id| seen_before.contains(id)).collect();
    assert!(repeated.is_empty(), "the page resumes after its watermark: {repeated:?}");
    assert_eq!(received(&again, |activity| activity["text"] == "You are signed in as Ada Lovelace").len(), 1);
    assert_eq!(harness.exchanges(), 1, "the bot still has the token");
}

#[tokio::test]
async fn a_user_signs_in_silently_in_a_chat_over_a_websocket() {
    sign_in_silently("websocket").await;
}

#[tokio::test]
async fn a_user_signs_in_silently_in_a_chat_that_polls() {
    sign_in_silently("polling").await;
}

#[tokio::test]
async fn a_user_without_consent_keeps_the_card_and_signs_in_by_its_link() {
    let harness = start_with(Bot::OfStage).await;
    let page = Page { user: "cleo", transport: "polling", say: "hello", exchange: true };
    let events = run(&harness, &page).await;
    assert_eq!(event(&events, "invoke")["id"], "retry", "the library's word for 502");
    assert!(received(&events, |activity| activity["type"] == "invoke").is_empty(), "it was not accepted");
    assert_eq!(received(&events, |activity| activity["card"].is_object()).len(), 1);

    let sent = harness.stage.connector_calls(None);
    let link = sent[0]["activity"]["attachments"][0]["content"]["buttons"][0]["value"].clone();
    let code = harness.browser().finish(&json!({ "signInLink": link }), "Cleo").await.code();
    let signed_in = run(&harness, &Page { say: &code, exchange: false, ..page }).await;
    assert_eq!(received(&signed_in, |activity| activity["text"] == "You are signed in as Cleo Patra").len(), 1);
}
