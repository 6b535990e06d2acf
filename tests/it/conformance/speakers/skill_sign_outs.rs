//! A sign-out at a parent that is registered here, too, ends what its skill got through it (docs/skills.md).

use super::{ID, LISTS, OTHER_PARENT, OVER, PARENT, by_parent, channel_speaks, options, parent_speaks, post_as_parent};
use crate::harness::{Answer, Harness, Options, activities};

/// The bot that is a parent of `demo` and is registered here, too.
const ASSISTANT: &str = OTHER_PARENT;
/// The connection of `demo` that the skill uses; the assistant has none of this name.
const OF_SKILL: &str = "mail";
const MAIL: &str = "https://graph.microsoft.com/Mail.Read";
const ALL: [(&str, &str); 2] = [("userId", ID), ("channelId", "msteams")];
const GRAPH: [(&str, &str); 3] = [("userId", ID), ("channelId", "msteams"), ("connectionName", "graph")];

/// `options`, with `demo` as a skill of the assistant.
fn with_skill(harness: &Harness, endpoint: &str, exchange_uri: &str, options: Options) -> Options {
    let skill = format!(
        "[skills.calendar]\napp_id = \"{}\"\ntenant = \"{}\"\nendpoint = \"{endpoint}\"\nconnections = [\"{OF_SKILL}\"]\n\
         exchange_uris = [\"{exchange_uri}\"]\nbots = [\"{ASSISTANT}\"]\n",
        harness.bot_app_id("demo"),
        harness.stage.directory().main_tenant_id(),
    );
    Options { appended: options.appended.clone() + &skill, connection: LISTS.to_owned(), ..options }
}

/// Signs Ada out at the assistant.
async fn sign_out_at_assistant(harness: &Harness, query: &[(&str, &str)]) {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let authorization = format!("Bearer {}", harness.bot_token(ASSISTANT).await);
    let headers = [("authorization", authorization.as_str())];
    let answer = harness.send("DELETE", &format!("/api/usertoken/SignOut?{query}"), &headers, Vec::new()).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

/// Ada's exchange for a connection of `demo`.
async fn exchange_for(harness: &Harness, connection: &str, id: &str) -> serde_json::Value {
    let token = harness.user_token("Ada", connection).await;
    let mut activity = activities::exchange(harness, &harness.user("Ada"), id, &token);
    activity["value"]["connectionName"] = connection.into();
    activity
}

fn assert_signed_in(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

async fn parent_brings(harness: &Harness, parent: &str, connection: &str) {
    let exchange = by_parent(exchange_for(harness, connection, &format!("{parent}-{connection}")).await);
    assert_signed_in(&post_as_parent(harness, parent, &exchange).await);
}

async fn channel_brings(harness: &Harness, connection: &str) {
    assert_signed_in(&harness.post(&exchange_for(harness, connection, &format!("channel-{connection}")).await).await);
}

/// Whether `demo` gets a token of the account that spoke last.
async fn has(harness: &Harness, connection: &str) -> bool {
    let status = harness.get_token("msteams", ID, connection).await.status;
    assert!(matches!(status, 200 | 404), "{status}");
    status == 200
}

#[tokio::test]
async fn a_sign_out_at_the_parent_ends_what_it_brought_to_its_skill_and_nothing_else() {
    let mut harness = Harness::start().await;
    let listed = options(&harness, "none", &[[PARENT, ""], [ASSISTANT, ""]]);
    harness.restart(&with_skill(&harness, "https://skill.example/api/messages", MAIL, listed)).await;
    channel_brings(&harness, OF_SKILL).await;
    harness.clock.advance(OVER);
    parent_brings(&harness, PARENT, OF_SKILL).await;
    harness.clock.advance(OVER);
    parent_brings(&harness, ASSISTANT, OF_SKILL).await;
    parent_brings(&harness, ASSISTANT, "graph").await;
    assert!(has(&harness, OF_SKILL).await && has(&harness, "graph").await);
    sign_out_at_assistant(&harness, &GRAPH).await;
    assert!(!has(&harness, OF_SKILL).await, "what the assistant brought");
    assert!(has(&harness, "graph").await, "a connection that the skill does not use");
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    assert!(has(&harness, OF_SKILL).await, "what another parent brought");
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert!(has(&harness, OF_SKILL).await, "what the channel's user has");
}

#[tokio::test]
async fn a_sign_out_at_the_parent_ends_the_tokens_of_a_skill_that_only_uses_the_token_service() {
    let mut harness = Harness::start().await;
    let endpoint = harness.bot.endpoint();
    harness.restart(&with_skill(&harness, &endpoint, MAIL, options(&harness, "none", &[]))).await;
    for (query, id) in [(&GRAPH[..], "1"), (&ALL[..], "2")] {
        assert_signed_in(&harness.post(&exchange_for(&harness, OF_SKILL, id).await).await);
        assert!(has(&harness, OF_SKILL).await);
        sign_out_at_assistant(&harness, query).await;
        assert!(!has(&harness, OF_SKILL).await, "{query:?}");
    }
}

#[tokio::test]
async fn a_sign_out_of_a_connection_that_does_not_serve_a_skill_leaves_the_skill_alone() {
    let mut harness = Harness::start().await;
    let (endpoint, uri) = (harness.bot.endpoint(), "https://graph.microsoft.com/Calendars.Read");
    harness.restart(&with_skill(&harness, &endpoint, uri, options(&harness, "none", &[]))).await;
    channel_brings(&harness, OF_SKILL).await;
    sign_out_at_assistant(&harness, &GRAPH).await;
    assert!(has(&harness, OF_SKILL).await);
    sign_out_at_assistant(&harness, &ALL).await;
    assert!(!has(&harness, OF_SKILL).await, "a sign-out of everything ends the skill's own sign-ins as well");
}
