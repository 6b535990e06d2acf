//! No code for an account that is not the one of the Teams chat (docs/architecture.md §Security rules, rule 8).

use std::time::Duration;

use serde_json::{Value, json};

use super::{allowing_other_accounts, redeem, teams_card, token_owner};
use crate::harness::{Answer, Harness, Options, activities, logs};

/// Signs `user` in from the card's link on and sends the form that confirms, whether or not the page offers it.
async fn last_page(harness: &Harness, resource: &Value, user: &str) -> Answer {
    let mut browser = harness.browser();
    let last = browser.arrive(resource, user).await;
    assert_eq!(browser.get(&last).await.status, 200);
    browser.post(&last, &[("decision", "continue")]).await
}

fn has_no_code(page: &Answer) -> bool {
    let text = page.text();
    page.status == 200
        && text.contains("id=\"other-account\"")
        && !text.contains("class=\"code\"")
        && !text.contains("\"continue\"")
}

/// Ada's activity in a group of this tenant.
fn in_group_of(harness: &Harness, tenant: &str) -> Value {
    let mut activity = activities::in_group(activities::teams(harness, &harness.user("Ada")));
    activity["conversation"]["tenantId"] = tenant.into();
    activity["channelData"]["tenant"]["id"] = tenant.into();
    activity
}

#[tokio::test]
async fn another_account_than_the_one_of_the_chat_gets_no_code_and_learns_whose_chat_it_is() {
    let harness = Harness::start().await;
    let before = logs::length();
    let page = last_page(&harness, &teams_card(&harness, "Ada").await, "Ben").await;
    assert!(has_no_code(&page), "{}", page.text());
    for said in ["Ada Lovelace", "ben@contoso.example", "/api/oauth/signin?again=", "allow_other_accounts"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    let logged = logs::since(before);
    let line = logged.lines().find(|line| line.contains("a browser sign-in got no code")).unwrap_or_default();
    assert!(line.contains("allow_other_accounts") && line.contains("\"security\":true"), "{logged}");
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404);
}

#[tokio::test]
async fn a_connection_that_allows_other_accounts_gives_the_code() {
    let harness = Harness::with(allowing_other_accounts()).await;
    let code = last_page(&harness, &teams_card(&harness, "Ada").await, "Ben").await.code();
    assert_eq!(token_owner(&redeem(&harness, "msteams", "29:ada", &code).await), harness.user("Ben").oid);
}

#[tokio::test]
async fn a_code_is_not_redeemed_by_an_activity_that_states_another_person() {
    let harness = Harness::start().await;
    // The bot's request states no identity, so the page cannot know whose chat it is.
    let mut unnamed = activities::teams(&harness, &harness.user("Ada"));
    unnamed["from"].as_object_mut().unwrap().remove("aadObjectId");
    let resource = harness.sign_in_resource(&unnamed, "graph").await;
    let code = last_page(&harness, &resource, "Ben").await.code();
    let verify = activities::invoke(&harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": code }));
    assert_eq!(harness.post(&verify).await.status, 404);
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404);
    let mut bens = verify;
    bens["from"]["aadObjectId"] = harness.user("Ben").oid.into();
    assert_eq!(harness.post(&bens).await.status, 200, "the right code was not used up");
}

#[tokio::test]
async fn an_account_of_the_tenant_of_a_group_gets_no_code_for_another_one_of_that_tenant() {
    let harness = Harness::start().await;
    let resource = harness.sign_in_resource(&in_group_of(&harness, harness.user("Ada").tid), "graph").await;
    let page = last_page(&harness, &resource, "Ben").await;
    assert!(has_no_code(&page), "{}", page.text());
}

#[tokio::test]
async fn an_account_of_another_tenant_than_a_groups_gets_a_code_until_the_channel_has_shown_whose_account_it_is() {
    let harness = Harness::start().await;
    let group = in_group_of(&harness, harness.user("Ada").tid);
    // The first try goes to the tenant that is stated, where Fay has no account, and does not come back.
    let page = async || {
        let resource = harness.sign_in_resource(&group, "graph").await;
        harness.browser().begin(&resource).await;
        harness.clock.advance(Duration::from_mins(1));
        last_page(&harness, &resource, "Fay").await
    };
    let code = page().await.code();
    assert_eq!(token_owner(&redeem(&harness, "msteams", "29:ada", &code).await), harness.user("Fay").oid);
    harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams")]).await;

    let silent = activities::exchange(&harness, &harness.user("Ada"), "x", &harness.user_token("Ada", "graph").await);
    assert_eq!(harness.post(&silent).await.status, 200);
    let page = page().await;
    assert!(has_no_code(&page), "{}", page.text());
}

#[tokio::test]
async fn a_bot_with_parents_gives_no_code_to_another_account_either() {
    let appended = "[[bots.demo.callers]]\napp_id = \"4eac6f85-bd31-4094-8f5e-8b7c9daebf04\"\n\
                    tenant = \"8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50\"\n\
                    service_urls = [\"https://parent.example/\"]\nchannels = [\"msteams\"]\n"
        .to_owned();
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let page = last_page(&harness, &teams_card(&harness, "Ada").await, "Ben").await;
    assert!(has_no_code(&page), "{}", page.text());
}
