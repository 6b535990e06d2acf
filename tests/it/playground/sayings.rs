//! What the page says around the chat.

use serde_json::json;

use super::visit::{DESKTOP, start, start_without_bot, visit};

#[tokio::test]
async fn a_bot_that_does_not_run_is_named_with_the_status_of_the_message() {
    let harness = start_without_bot().await;
    let steps = json!([{"open": true}, {"say": "hello"}, {"outcome": "demo does not answer (502)"}]);
    let seen = visit(&harness, "no-bot", "", DESKTOP, steps).await;
    assert_eq!((seen.complaints, seen.refused_posts), (Vec::<String>::new(), 1));
}

#[tokio::test]
async fn the_line_below_the_user_follows_the_switches_and_the_next_message_ends_what_was_said() {
    let harness = start().await;
    let steps = json!([
        {"open": true}, {"story": "without a card"},
        {"press": "No consent"}, {"story": "has not consented yet"},
        {"press": "Issuer down"}, {"story": "Switched on for all users: Issuer down."},
        {"press": "All as it was"}, {"story": "without a card"},
        {"say": "hello"}, {"outcome": "No card was shown"}, {"wait": "You are signed in as"},
        {"say": "again"}, {"wait_count": ["You are signed in as", 2]}, {"look": true},
    ]);
    let seen = visit(&harness, "story", "", DESKTOP, steps).await;
    assert_eq!(seen.complaints, Vec::<String>::new());
    assert_eq!(seen.last_look()["outcome"], "");
}

#[tokio::test]
async fn a_user_in_a_group_chat_or_a_channel_of_teams_talks_to_the_bot_without_a_card() {
    let harness = start().await;
    let chat = |choice: &str| {
        [
            json!({"choose": ["channel", choice]}),
            json!({"say": "hello"}),
            json!({"wait": "You are signed in as"}),
            json!({"look": true}),
        ]
    };
    let steps = [json!({"open": true})].into_iter().chain(chat("msteams group")).chain(chat("msteams channel"));
    let seen = visit(&harness, "teams-kinds", "?user=ada&bot=demo", DESKTOP, steps.collect()).await;
    assert_eq!((seen.complaints.len(), seen.refused_posts), (0, 0), "{:?}", seen.complaints);
    assert!(seen.of("look").iter().all(|look| look["cards"] == 0 && look["chat"][0] == "hello"), "{:?}", seen.results);
}
