//! A browser's sign-in touches several replicas, and each step may be repeated at any of them.

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::redis::RedisServer;
use crate::harness::replicas::Replicas;
use crate::harness::waiting::wait_until;
use crate::harness::{Answer, Harness, Options, activities};

const CONTINUE: &[(&str, &str)] = &[("decision", "continue")];
const CANCEL: &[(&str, &str)] = &[("decision", "cancel")];
const USER: &str = "wc-1";

/// A card for a user of Web Chat, who needs a code.
async fn card(harness: &Harness) -> Value {
    let activity = activities::on_channel(activities::teams(harness, &harness.user("Ada")), "webchat", USER);
    harness.sign_in_resource(&activity, "graph").await
}

async fn redeem(replicas: &Replicas, replica: usize, code: &str) -> Answer {
    let query = format!("userId={USER}&connectionName=graph&channelId=webchat&code={code}");
    replicas.token_service(replica, "GET", &format!("/api/usertoken/GetToken?{query}")).await
}

fn redeemed_codes(harness: &Harness) -> u64 {
    harness.stage.calls().count(GrantKind::AuthorizationCode)
}

#[tokio::test]
async fn a_browser_that_takes_each_step_at_another_replica_is_signed_in_and_may_repeat_it_at_any() {
    let replicas = Replicas::start(3, Options::default()).await;
    let harness = &replicas.harness;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.go_to(replicas.base(1)).get(&callback).await.location().to_owned();
    for replica in 0..3 {
        assert_eq!(browser.go_to(replicas.base(replica)).get(&callback).await.location(), last);
        assert!(browser.get(&last).await.text().contains("ada@contoso.example"));
        assert_eq!(harness.browser().go_to(replicas.base(replica)).get(&callback).await.status, 403);
    }
    let code = browser.go_to(replicas.base(2)).post(&last, CONTINUE).await.code();
    for replica in 0..3 {
        assert_eq!(browser.go_to(replicas.base(replica)).post(&last, CONTINUE).await.code(), code);
        assert_eq!(browser.get(&last).await.code(), code);
    }
    assert_eq!(redeem(&replicas, 0, &code).await.status, 200);
    assert_eq!(redeem(&replicas, 1, &code).await.status, 200, "the same account repeats it");
    for replica in 0..3 {
        let page = browser.go_to(replicas.base(replica)).post(&last, CANCEL).await;
        assert!(page.text().contains("You are signed in"), "{}", page.text());
    }
    assert_eq!(redeemed_codes(harness), 1);
}

#[tokio::test]
async fn a_callback_that_is_delivered_to_three_replicas_at_once_redeems_one_code_and_leads_to_one_page() {
    let replicas = Replicas::start(3, Options::default()).await;
    let harness = &replicas.harness;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    harness.stage.faults().add(FaultRule::new(Fault::Slow { millis: 400 }));
    let returns = (0..3).map(|replica| {
        let (mut tab, callback, base) = (browser.tab(), &callback, replicas.base(replica));
        async move { tab.go_to(base).get(callback).await.location().to_owned() }
    });
    let pages = join_all(returns).await;
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
    assert_eq!(redeemed_codes(harness), 1);
}

#[tokio::test]
async fn wrong_codes_at_several_replicas_count_together() {
    let replicas = Replicas::start(3, Options::default()).await;
    let mut browser = replicas.harness.browser();
    let code = browser.finish(&card(&replicas.harness).await, "Ada").await.code();
    let wrong = if code == "999999" { "100000" } else { "999999" };
    for number in 0..5 {
        assert_eq!(redeem(&replicas, number % 3, wrong).await.status, 404);
    }
    for replica in 0..3 {
        assert_eq!(redeem(&replicas, replica, &code).await.status, 404, "no try is left");
    }
}

#[tokio::test]
async fn every_page_says_try_again_while_the_server_is_down_and_the_browser_goes_on_afterwards() {
    let replicas = Replicas::on(RedisServer::start().await, 2, Options::default()).await;
    let harness = &replicas.harness;
    let resource = card(harness).await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let mut other = harness.browser();
    let last = other.arrive(&resource, "Ada").await;

    replicas.server.stop().await;
    let link = resource["signInLink"].as_str().unwrap();
    let pages = [
        ("link", harness.browser().get(link).await),
        ("callback", browser.go_to(replicas.base(1)).get(&callback).await),
        ("last page", other.go_to(replicas.base(1)).get(&last).await),
        ("decision", other.post(&last, CONTINUE).await),
    ];
    for (case, page) in pages {
        assert_eq!(page.status, 503, "{case}: {}", page.text());
        assert!(page.header("retry-after").is_some(), "{case}");
        assert!(page.text().contains("Try again in a moment"), "{case}: {}", page.text());
    }

    replicas.server.restart().await;
    wait_until("the callback", async || browser.tab().get(&callback).await.status == 302).await;
    other.post(&last, CONTINUE).await.code();
    assert_eq!(redeemed_codes(harness), 2);
}
