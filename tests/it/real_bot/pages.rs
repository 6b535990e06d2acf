//! The pages behind a card's button in a real browser, without a bot: their look, and the messages that the Teams
//! library sends to Teams.

use serde_json::{Value, json};

use crate::harness::chromium::{Seen, Visit};
use crate::harness::{Harness, Options, activities};

async fn harness() -> Harness {
    Harness::with(Options { reachable: true, ..Options::default() }).await
}

/// Ada follows the link of a card in Teams.
async fn visit_from_teams(label: &str, decision: &str, client: &str) -> Seen {
    let harness = harness().await;
    let ada = harness.user("Ada");
    let resource = harness.sign_in_resource(&activities::teams(&harness, &ada), "graph").await;
    let link = resource["signInLink"].as_str().unwrap();
    harness.visits(label, &Visit { link, user: &ada, decision, scheme: "dark", client }).await
}

/// Ada follows the link of a card in Web Chat, where a page asks her to confirm.
async fn visit_from_webchat(harness: &Harness, scheme: &str) -> Seen {
    let ada = harness.user("Ada");
    let activity = activities::on_channel(activities::teams(harness, &ada), "webchat", "dl_5f1c");
    let resource = harness.sign_in_resource(&activity, "graph").await;
    let link = resource["signInLink"].as_str().unwrap();
    let visit = Visit { link, user: &ada, decision: "continue", scheme, client: "browser" };
    harness.visits(&format!("pages-{scheme}"), &visit).await
}

#[tokio::test]
async fn pages_follow_the_browsers_colour_scheme_and_are_readable_in_both() {
    let harness = harness().await;
    let (light, dark) = (visit_from_webchat(&harness, "light").await, visit_from_webchat(&harness, "dark").await);
    assert_eq!(light.titles(), dark.titles());
    assert_eq!(light.titles().len(), 2);
    for (light, dark) in light.pages.iter().zip(&dark.pages) {
        assert!(brightness(light, "background") > 600 && brightness(light, "text") < 150, "{light}");
        assert!(brightness(dark, "background") < 150 && brightness(dark, "text") > 600, "{dark}");
    }
}

/// The brightness of a colour: the sum of its red, green and blue.
fn brightness(page: &Value, what: &str) -> u32 {
    page["looks"][what].as_str().unwrap().split(',').map(|part| part.parse::<u32>().unwrap()).sum()
}

#[tokio::test]
async fn the_page_sends_the_code_to_teams_before_it_shows_the_code() {
    let seen = visit_from_teams("pages-teams", "continue", "teams").await;
    assert_eq!(seen.titles(), ["You are signed in"]);
    assert_eq!(seen.pages[0]["codeVisible"], false);
    assert_eq!(seen.told, json!([{ "func": "authentication.authenticate.success", "args": [seen.code()] }]));
}

#[tokio::test]
async fn the_page_notifies_teams_when_the_user_gives_up() {
    let seen = visit_from_teams("pages-given-up", "give up", "teams").await;
    assert_eq!(seen.titles(), ["You have cancelled"]);
    assert_eq!(seen.told, json!([{ "func": "authentication.authenticate.failure", "args": ["CancelledByUser"] }]));
}

#[tokio::test]
async fn the_page_shows_the_code_when_teams_does_not_answer() {
    let seen = visit_from_teams("pages-silent-teams", "continue", "silent teams").await;
    let visible: Vec<_> = seen.pages.iter().map(|page| &page["codeVisible"]).collect();
    assert_eq!(visible, [false, true]);
    assert_eq!(seen.pages[1]["copied"], json!({ "says": "Copied", "same": true }));
    assert_eq!(seen.told, json!([]));
}
