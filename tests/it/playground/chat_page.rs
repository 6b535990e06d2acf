use serde_json::{Value, json};

use super::visit::{DESKTOP, PHONE, Seen, count_exchanges, sign_out_everywhere, start, start_with, visit};
use crate::harness::Surroundings;

const SILENT: &str = "No card was shown";

fn assert_silent(seen: &Seen) {
    assert_eq!(seen.complaints, Vec::<String>::new());
    assert_eq!(seen.refused_posts, 0);
    let look = seen.last_look();
    assert_eq!(look["cards"], 0, "{look}");
    assert_eq!(look["visitor"], "Ada Lovelace is signed in at this site.");
}

async fn signs_in_silently(transport: &str, sockets: u64) {
    let harness = start().await;
    let steps = json!([
        {"open": true}, {"say": "hello"}, {"outcome": SILENT}, {"wait": "You are signed in as"}, {"look": true},
    ]);
    let query = format!("?transport={transport}");
    let seen = visit(&harness, &format!("silent-{transport}"), &query, DESKTOP, steps).await;
    assert_silent(&seen);
    assert_eq!(seen.last_look()["chat"], json!(["hello", "You are signed in as Ada Lovelace"]));
    assert_eq!((seen.sockets, harness.exchanges()), (sockets, 1));
}

#[tokio::test]
async fn a_user_of_the_site_talks_to_the_bot_without_a_card_over_a_websocket() {
    signs_in_silently("websocket", 1).await;
}

#[tokio::test]
async fn a_user_of_the_site_talks_to_the_bot_without_a_card_by_polling() {
    signs_in_silently("polling", 0).await;
}

#[tokio::test]
async fn a_user_in_teams_talks_to_the_bot_without_a_card() {
    let harness = start().await;
    let steps = json!([{"open": true}, {"say": "hello"}, {"outcome": SILENT}, {"wait": "You are signed in as"}, {"look": true}]);
    let seen = visit(&harness, "teams", "?user=ada&bot=demo&channel=msteams", DESKTOP, steps).await;
    assert_silent(&seen);
}

#[tokio::test]
async fn a_user_without_consent_sees_the_card_signs_in_by_it_and_tells_the_bot_the_code() {
    let harness = start().await;
    let steps = json!([
        {"open": true}, {"say": "hello"}, {"card": true}, {"look": true},
        {"signInByCard": {"username": "cleo", "password": "cleo-password"}},
        {"wait": "You are signed in as Cleo Patra"}, {"look": true},
    ]);
    let seen = visit(&harness, "consent", "?user=cleo", PHONE, steps).await;
    assert_eq!(seen.complaints, Vec::<String>::new());
    assert_eq!(seen.refused_posts, 1, "the token that was refused");
    let before = seen.of("look")[0];
    assert_eq!(
        (&before["cards"], &before["outcome"]),
        (&json!(1), &json!("The card is shown: the token was refused."))
    );
    let chat: Vec<&str> = seen.last_look()["chat"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(chat[2..], ["[code]", "You are signed in as Cleo Patra"]);
}

#[tokio::test]
async fn a_disabled_user_sees_the_card() {
    let harness = start().await;
    let steps = json!([{"open": true}, {"say": "hello"}, {"card": true}, {"look": true}]);
    let seen = visit(&harness, "disabled", "?user=eve", DESKTOP, steps).await;
    assert_eq!((seen.complaints.len(), seen.refused_posts), (0, 1), "{:?}", seen.complaints);
}

#[tokio::test]
async fn a_second_tab_of_the_user_needs_no_exchange_of_its_own() {
    let harness = start().await;
    let tab = || {
        [json!({"open": true}), json!({"say": "hello"}), json!({"wait": "You are signed in as"}), json!({"look": true})]
    };
    let steps: Vec<Value> = tab().into_iter().chain(tab()).collect();
    let seen = visit(&harness, "tabs", "", DESKTOP, steps.into()).await;
    assert_silent(&seen);
    assert_eq!(seen.of("look")[1]["chat"], json!(["hello", "You are signed in as Ada Lovelace"]));
    assert_eq!((seen.sockets, harness.exchanges()), (2, 1));
}

#[tokio::test]
async fn after_a_sign_out_everywhere_the_next_message_signs_the_user_in_again() {
    let harness = start().await;
    let steps = json!([
        {"open": true}, {"say": "hello"}, {"wait": "You are signed in as"},
        sign_out_everywhere(&harness, "ada"),
        {"say": "again"}, {"wait_count": ["You are signed in as", 2]}, {"look": true},
    ]);
    let seen = visit(&harness, "sign-out", "", DESKTOP, steps).await;
    assert_eq!(seen.of("call")[0]["status"], 200);
    assert_silent(&seen);
    assert_eq!(harness.exchanges(), 2);
}

#[tokio::test]
async fn a_reload_goes_on_with_the_conversation_and_answers_no_old_card() {
    let harness = start().await;
    let steps = json!([
        {"open": true}, {"say": "hello"}, {"wait": "You are signed in as"},
        // An old card that was answered now would sign the user in again.
        sign_out_everywhere(&harness, "ada"),
        {"reload": true}, {"wait": "You are signed in as"}, {"say": "noted"}, {"wait_count": ["You are signed in as", 2]},
        count_exchanges(&harness), {"look": true}, {"reload": true}, {"wait_count": ["You are signed in as", 2]},
        {"look": true}, count_exchanges(&harness),
    ]);
    let seen = visit(&harness, "reload", "", DESKTOP, steps).await;
    assert_silent(&seen);
    let counts: Vec<_> = seen.of("exchanges").iter().map(|result| result["count"].clone()).collect();
    assert_eq!(counts, [2, 2], "one for each message");
    let both = ["hello", "You are signed in as Ada Lovelace", "noted", "You are signed in as Ada Lovelace"];
    assert_eq!(seen.last_look()["chat"], json!(both));
}

#[tokio::test]
async fn without_its_libraries_the_page_says_what_is_missing() {
    let harness = start_with(Surroundings::start().await).await;
    let seen =
        visit(&harness, "missing", "", PHONE, json!([{"open": true}, {"missing": true}, {"screenshot": "1"}])).await;
    assert_eq!(seen.complaints, Vec::<String>::new());
    let text = seen.of("missing")[0]["text"].as_str().unwrap();
    assert!(text.contains("Web Chat is missing") && text.contains("--web-chat DIR"), "{text}");
}
