//! `HEAD` on the pages, as link scanners and previews ask: the head of GET's answer, and nothing is used up.

use bot_sso::dev::GrantKind;

use super::{WEB_CHAT_USER, assert_notice, card, redeem, teams_card, token_owner};
use crate::harness::{Answer, Harness, Options};

fn records(harness: &Harness) -> Vec<(Vec<u8>, Vec<u8>)> {
    let store = rusqlite::Connection::open(harness.store_path()).unwrap();
    let mut statement = store.prepare("SELECT key, value FROM records ORDER BY key").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// The same head, apart from what is drawn for each answer.
fn assert_same_head(case: &str, head: &Answer, get: &Answer) {
    assert!(head.body.is_empty(), "{case}");
    assert_eq!(head.status, get.status, "{case}");
    for name in ["content-type", "cache-control", "referrer-policy", "x-content-type-options"] {
        assert_eq!(head.header(name), get.header(name), "{case}: {name}");
    }
    assert_eq!(head.header("location").is_some(), get.header("location").is_some(), "{case}");
}

#[tokio::test]
async fn head_answers_as_get_does_and_writes_nothing() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let resource = card(&harness).await;
    let link = resource["signInLink"].as_str().unwrap();
    let before = records(&harness);
    let head = browser.head(link).await;
    assert!(browser.cookies.is_empty() && records(&harness) == before, "nothing is kept of it");
    assert_same_head("begin", &head, &browser.get(link).await);

    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let before = records(&harness);
    let head = browser.head(&callback).await;
    assert_eq!((records(&harness), harness.stage.calls().count(GrantKind::AuthorizationCode)), (before, 0));
    let get = browser.get(&callback).await;
    assert_same_head("callback", &head, &get);
    assert_eq!(head.location(), get.location(), "where the browser goes on");

    let last = get.location().to_owned();
    let before = records(&harness);
    let head = browser.head(&last).await;
    assert_eq!(records(&harness), before);
    assert_same_head("confirm", &head, &browser.get(&last).await);
    let code = browser.post(&last, &[("decision", "continue")]).await.code();
    assert_same_head("code", &browser.head(&last).await, &browser.get(&last).await);
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
    assert_same_head("used", &browser.head(&last).await, &browser.get(&last).await);
}

#[tokio::test]
async fn head_of_the_last_page_in_teams_signs_no_user_in() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&teams_card(&harness, "Ada").await, "Ada").await;
    let before = records(&harness);
    let head = browser.head(&last).await;
    assert_eq!(records(&harness), before);
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404);
    assert_same_head("Teams", &head, &browser.get(&last).await);
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
}

#[tokio::test]
async fn head_is_refused_for_another_browser_or_an_unknown_link_as_get_is() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    assert_eq!(harness.browser().head(&callback).await.status, 403);
    let last = browser.get(&callback).await.location().to_owned();
    assert_eq!(harness.browser().head(&last).await.status, 403);
    assert_eq!(harness.browser().head("/api/oauth/signin?signin=x").await.status, 410);
    assert_notice("and GET is as it was", &harness.browser().get(&last).await, 403, "OtherBrowser");
}

#[tokio::test]
async fn a_scanner_that_sends_head_does_not_use_up_the_users_rate_limit() {
    let appended = "[limits]\nuser_exchanges_per_minute = 2\n".to_owned();
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let resource = card(&harness).await;
    for _ in 0..20 {
        assert_eq!(harness.browser().head(resource["signInLink"].as_str().unwrap()).await.status, 302);
    }
    harness.browser().begin(&resource).await;
}
