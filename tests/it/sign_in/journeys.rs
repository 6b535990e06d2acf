use std::time::Duration;

use serde_json::json;

use super::{WEB_CHAT_USER, card, redeem, teams_card, token_owner, web_chat};
use crate::harness::{Harness, Options, activities};

#[tokio::test]
async fn a_web_chat_user_confirms_and_types_the_code_into_the_chat() {
    let harness = Harness::start().await;
    let resource = card(&harness).await;
    let mut browser = harness.browser();
    let last = browser.arrive(&resource, "Ada").await;
    let asked = browser.get(&last).await;
    assert_eq!(asked.status, 200);
    for said in ["demo", "ada@contoso.example", "Web Chat", "<form method=\"post\">"] {
        assert!(asked.text().contains(said), "{said}: {}", asked.text());
    }
    assert!(!asked.text().contains("id=\"code\""), "not before the user has confirmed");
    let page = browser.post(&last, &[("decision", "continue")]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let code = page.code();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    assert_eq!(harness.get_token("webchat", WEB_CHAT_USER, "graph").await.status, 404, "not without the code");
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
    assert_eq!(token_owner(&harness.get_token("webchat", WEB_CHAT_USER, "graph").await), harness.user("Ada").oid);
    let again = browser.get(resource["signInLink"].as_str().unwrap()).await;
    super::assert_notice("an answered card", &again, 410, "LinkUnknown");
}

#[tokio::test]
async fn a_user_whom_teams_identifies_is_signed_in_without_the_code_and_the_code_is_still_accepted() {
    let harness = Harness::start().await;
    let ada = harness.user("Ada");
    let resource = teams_card(&harness, "Ada").await;
    let mut browser = harness.browser();
    let last = browser.arrive(&resource, "Ada").await;
    let page = browser.get(&last).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let code = page.code();
    assert!(page.text().contains(&format!("data-code=\"{code}\"")) && page.text().contains("notifySuccess"));
    assert!(page.text().contains("MicrosoftTeams.min.js"));
    assert_eq!(token_owner(&harness.get_token("msteams", "29:ada", "graph").await), ada.oid);
    let verify = activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": code }));
    assert_eq!(harness.post(&verify).await.status, 200);
    harness.bot_received(1).await;
    assert_eq!(harness.post(&verify).await.status, 200, "repeated");
    assert_eq!(harness.received_once_settled().await.len(), 1, "and neither told nor asked again");
}

#[tokio::test]
async fn a_user_whom_teams_does_not_identify_must_confirm_and_enter_the_code() {
    let harness = Harness::start().await;
    let ada = activities::teams(&harness, &harness.user("Ada"));
    let mut elsewhere = ada.clone();
    elsewhere["conversation"]["tenantId"] = harness.user("Fay").tid.into();
    let mut unnamed = ada.clone();
    unnamed["from"].as_object_mut().unwrap().remove("aadObjectId");
    let mut tenantless = ada.clone();
    tenantless["conversation"].as_object_mut().unwrap().remove("tenantId");
    let named = activities::on_channel(ada.clone(), "webchat", "29:ada");
    let mut named_elsewhere = named.clone();
    named_elsewhere["from"]["aadObjectId"] = harness.user("Ada").oid.into();
    named_elsewhere["conversation"]["tenantId"] = harness.user("Ada").tid.into();
    for (case, activity, user) in [
        ("another tenant", &elsewhere, "Ada"),
        ("no object id", &unnamed, "Ada"),
        ("no tenant", &tenantless, "Ada"),
        ("a channel that proves nothing", &named_elsewhere, "Ada"),
    ] {
        let resource = harness.sign_in_resource(activity, "graph").await;
        let mut browser = harness.browser();
        // The first try goes to the tenant that is stated, where not all of them have an account, and does not come back.
        browser.begin(&resource).await;
        harness.clock.advance(Duration::from_mins(1));
        let last = browser.arrive(&resource, user).await;
        let asked = browser.get(&last).await;
        assert!(asked.text().contains("<form method=\"post\">"), "{case}: {}", asked.text());
        let code = browser.post(&last, &[("decision", "continue")]).await.code();
        let channel = activity["channelId"].as_str().unwrap();
        assert_eq!(harness.get_token(channel, "29:ada", "graph").await.status, 404, "{case}");
        assert_eq!(token_owner(&redeem(&harness, channel, "29:ada", &code).await), harness.user(user).oid, "{case}");
        harness.sign_out(&[("userId", "29:ada"), ("channelId", channel)]).await;
    }
}

#[tokio::test]
async fn sign_ins_in_several_tabs_of_one_browser_all_complete() {
    let harness = Harness::start().await;
    let (first, second) = (card(&harness).await, card(&harness).await);
    let mail = harness.sign_in_resource(&web_chat(&harness, WEB_CHAT_USER), "mail").await;
    let mut browser = harness.browser();
    let mut callbacks = Vec::new();
    for (resource, user) in [(&first, "Ada"), (&second, "Ada"), (&mail, "Ben"), (&first, "Ada")] {
        let authorize = browser.begin(resource).await;
        callbacks.push(browser.log_in(&authorize, user).await);
    }
    let mut lasts = Vec::new();
    for callback in &callbacks {
        lasts.push(browser.get(callback).await.location().to_owned());
    }
    let mut codes = Vec::new();
    for last in lasts.iter().rev() {
        codes.push(browser.post(last, &[("decision", "continue")]).await.code());
    }
    assert_eq!(
        token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &codes[3]).await),
        harness.user("Ada").oid,
        "the last one"
    );
    let query = [("userId", WEB_CHAT_USER), ("connectionName", "mail"), ("channelId", "webchat"), ("code", &codes[1])];
    assert_eq!(token_owner(&harness.get_token_as("demo", &query).await), harness.user("Ben").oid);
}

#[tokio::test]
async fn a_sign_in_completes_across_a_restart_between_any_two_steps() {
    let options = Options::default();
    let mut harness = Harness::with(Options::default()).await;
    let resource = card(&harness).await;
    harness.restart(&options).await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let cookies = browser.cookies;
    harness.restart(&options).await;
    let mut browser = harness.browser();
    browser.cookies = cookies;
    let last = browser.get(&callback).await.location().to_owned();
    let cookies = browser.cookies;
    harness.restart(&options).await;
    let mut browser = harness.browser();
    browser.cookies = cookies;
    let code = browser.post(&last, &[("decision", "continue")]).await.code();
    harness.restart(&options).await;
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn a_user_who_follows_a_link_at_the_last_moment_still_has_time_to_sign_in() {
    let harness = Harness::start().await;
    let resource = card(&harness).await;
    harness.clock.advance(Duration::from_secs(14 * 60 + 50));
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    harness.clock.advance(Duration::from_mins(5));
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    let code = browser.post(&last, &[("decision", "continue")]).await.code();
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
    super::assert_notice(
        "begun too late",
        &browser.get(resource["signInLink"].as_str().unwrap()).await,
        410,
        "LinkUnknown",
    );
}

#[tokio::test]
async fn the_sign_in_ends_at_the_bots_address_only_if_the_operator_listed_it() {
    let appended = "[sign_in]\nfinal_redirects = [\"https://bot.example/signed-in\"]\n".to_owned();
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let ask = async |activity: &serde_json::Value, target: &str| {
        let state = activities::state_of(activity, "graph");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("state", state.as_str()), ("finalRedirect", target)])
            .finish();
        harness.token_service("demo", &format!("/api/botsignin/GetSignInResource?{query}")).await
    };
    let listed = "https://bot.example/signed-in?x=1";
    let teams = activities::teams(&harness, &harness.user("Ada"));
    let mut browser = harness.browser();
    let last = browser.arrive(&ask(&teams, listed).await.json(), "Ada").await;
    let sent = browser.get(&last).await;
    assert_eq!((sent.status, sent.location()), (302, listed));
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
    let page = browser.finish(&ask(&web_chat(&harness, WEB_CHAT_USER), listed).await.json(), "Ada").await;
    assert!(page.text().contains(&format!("<a href=\"{listed}\"")), "{}", page.text());
    for other in
        ["https://evil.example/", "https://bot.example.evil.example/signed-in", "javascript:alert(1)", "//evil"]
    {
        assert_eq!(ask(&teams, other).await.status, 400, "{other}");
    }
}
