//! Which statements about a Teams user prove who the user is, and for whom the page sends the code to Teams
//! (docs/architecture.md §Security rules, rules 5 and 8).

use serde_json::Value;

use super::{WEB_CHAT_USER, allowing_other_accounts, card, redeem, teams_card, token_owner};
use crate::harness::{Answer, Harness, Options, activities};

/// Options for a bot that a parent may call on behalf of Teams users.
fn with_parent() -> Options {
    let appended = "[[bots.demo.callers]]\napp_id = \"4eac6f85-bd31-4094-8f5e-8b7c9daebf04\"\n\
                    tenant = \"8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50\"\n\
                    service_urls = [\"https://parent.example/\"]\nchannels = [\"msteams\"]\n"
        .to_owned();
    Options { appended, ..Options::default() }
}

/// Signs `user` in from the card's link on; returns the last page, and whether a page asked the user to confirm.
async fn last_page(harness: &Harness, resource: &Value, user: &str) -> (Answer, bool) {
    let mut browser = harness.browser();
    let last = browser.arrive(resource, user).await;
    let page = browser.get(&last).await;
    if !page.text().contains("value=\"continue\"") {
        return (page, false);
    }
    (browser.post(&last, &[("decision", "continue")]).await, true)
}

fn notifies_teams(page: &Answer) -> bool {
    page.text().contains("microsoftTeams")
}

/// A card whose activity states that the account `id` belongs to the user `whose`.
async fn card_claiming(harness: &Harness, id: &str, whose: &str) -> Value {
    let mut activity = activities::teams(harness, &harness.user(whose));
    activity["from"]["id"] = id.into();
    harness.sign_in_resource(&activity, "graph").await
}

#[tokio::test]
async fn a_user_must_enter_the_code_when_a_parent_may_have_written_the_cards_activity() {
    let harness = Harness::with(with_parent()).await;
    let planted = card_claiming(&harness, "29:mallory", "Ada").await;
    let (page, was_asked) = last_page(&harness, &planted, "Ada").await;
    assert!(was_asked && !notifies_teams(&page), "{}", page.text());
    assert_eq!(harness.get_token("msteams", "29:mallory", "graph").await.status, 404);
    let code = page.code();
    assert_eq!(token_owner(&redeem(&harness, "msteams", "29:mallory", &code).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn a_user_whom_the_channel_has_proven_needs_no_code_and_another_person_cannot_replace_them() {
    let harness = Harness::with(with_parent()).await;
    let ada = harness.user("Ada");
    let silent = activities::exchange(&harness, &ada, "card-1", &harness.user_token("Ada", "graph").await);
    assert_eq!(harness.post(&silent).await.status, 200);

    let planted = card_claiming(&harness, "29:ada", "Ben").await;
    let (page, was_asked) = last_page(&harness, &planted, "Ben").await;
    assert!(was_asked && !notifies_teams(&page), "{}", page.text());
    assert_eq!(token_owner(&harness.get_token("msteams", "29:ada", "graph").await), ada.oid);

    let (page, was_asked) = last_page(&harness, &teams_card(&harness, "Ada").await, "Ada").await;
    assert!(!was_asked && notifies_teams(&page), "{}", page.text());
}

#[tokio::test]
async fn an_exchange_by_a_bot_with_parents_does_not_pin_the_account() {
    let harness = Harness::with(with_parent()).await;
    card_claiming(&harness, "29:mallory", "Ada").await;
    let body = serde_json::json!({ "token": harness.user_token("Ada", "graph").await }).to_string();
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let exchange = "/api/usertoken/exchange?userId=29:mallory&connectionName=graph&channelId=msteams";
    assert_eq!(harness.send("POST", exchange, &headers, body.into_bytes()).await.status, 200);
    let (_, was_asked) = last_page(&harness, &card_claiming(&harness, "29:mallory", "Ada").await, "Ada").await;
    assert!(was_asked);
}

#[tokio::test]
async fn the_page_does_not_send_teams_the_code_of_a_user_other_than_the_cards() {
    let harness = Harness::with(allowing_other_accounts()).await;
    let (page, was_asked) = last_page(&harness, &teams_card(&harness, "Ben").await, "Ada").await;
    assert!(was_asked && !notifies_teams(&page), "{}", page.text());
    assert!(!page.text().contains("data-code"), "{}", page.text());
    page.code();

    // The activity states no object id: the page asks the user and then sends the code to Teams.
    let mut unnamed = activities::teams(&harness, &harness.user("Ada"));
    unnamed["from"].as_object_mut().unwrap().remove("aadObjectId");
    let resource = harness.sign_in_resource(&unnamed, "graph").await;
    let (page, was_asked) = last_page(&harness, &resource, "Ada").await;
    assert!(was_asked && notifies_teams(&page), "{}", page.text());
    let (page, _) = last_page(&harness, &card(&harness).await, "Ada").await;
    assert!(!notifies_teams(&page), "{}", page.text());
}

#[tokio::test]
async fn a_stranger_who_follows_a_link_many_times_uses_up_no_tries_of_its_owner() {
    let harness = Harness::start().await;
    let resource = card(&harness).await;
    let code = harness.browser().finish(&resource, "Ada").await.code();
    let mut bystander = harness.browser();
    let mut status = 302;
    for _ in 0..200 {
        status = bystander.get(resource["signInLink"].as_str().unwrap()).await.status;
    }
    assert_eq!(status, 429);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, wrong).await.status, 404, "tries are left");
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 200);
}

#[tokio::test]
async fn a_card_without_a_channel_belongs_to_teams() {
    let harness = Harness::with(allowing_other_accounts()).await;
    let mut loose = activities::teams(&harness, &harness.user("Ada"));
    loose.as_object_mut().unwrap().remove("channelId");
    let resource = harness.sign_in_resource(&loose, "graph").await;
    let (page, _) = last_page(&harness, &resource, "Ben").await;
    let code = page.code();
    assert_eq!(token_owner(&redeem(&harness, "msteams", "29:ada", &code).await), harness.user("Ben").oid);

    let resource = harness.sign_in_resource(&loose, "graph").await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    let signed_out = harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams")]).await;
    assert_eq!(signed_out.status, 200);
    let callback = browser.log_in(&authorize, "Ada").await;
    assert_eq!(browser.get(&callback).await.status, 410, "signed out means signed out of this, too");
}
