//! `GetTokenStatus` (docs/protocols/token-service-api.md §3.4, §1 rules 1, 2 and 5).

use serde_json::{Value, json};

use super::{error_of, names_of, sign_in};
use crate::harness::{Harness, Options};

async fn get_token_status(harness: &Harness, query: &str) -> Value {
    let answer = harness.token_service("demo", &format!("/api/usertoken/GetTokenStatus?{query}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{query}");
    answer.json()
}

fn connections(statuses: &Value) -> Vec<(&str, bool)> {
    let mut read = Vec::new();
    for status in statuses.as_array().unwrap() {
        read.push((status["connectionName"].as_str().unwrap(), status["hasToken"].as_bool().unwrap()));
    }
    read.sort_unstable();
    read
}

#[tokio::test]
async fn get_token_status_lists_every_connection_with_and_without_a_token() {
    let harness = Harness::start().await;
    let before = get_token_status(&harness, "userId=29:ada&channelId=msteams").await;
    let configured = connections(&before);
    assert!(configured.len() > 1 && configured.iter().all(|(_, has_token)| !has_token), "{before}");
    sign_in(&harness, "msteams", "29:ada").await;
    let calls = harness.exchanges();
    let after = get_token_status(&harness, "userId=29:ada&channelId=msteams").await;
    let with_graph: Vec<_> = configured.iter().map(|(name, _)| (*name, *name == "graph")).collect();
    assert_eq!(connections(&after), with_graph);
    for status in after.as_array().unwrap() {
        assert_eq!(names_of(status), ["channelId", "connectionName", "hasToken", "serviceProviderDisplayName"]);
        assert_eq!(status["channelId"], "msteams");
        assert_eq!(status["serviceProviderDisplayName"], "Azure Active Directory v2");
    }
    assert_eq!(harness.exchanges(), calls);
}

#[tokio::test]
async fn get_token_status_shows_no_token_of_another_user_channel_or_bot() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    for query in ["userId=29:ben&channelId=msteams", "userId=29:ada&channelId=directline"] {
        let statuses = get_token_status(&harness, query).await;
        assert!(connections(&statuses).iter().all(|(_, has_token)| !has_token), "{query}");
    }
    let elsewhere = "/api/usertoken/GetTokenStatus?userId=29:ada&channelId=msteams";
    let elsewhere = harness.token_service("demo-none", elsewhere).await.json();
    assert!(connections(&elsewhere).iter().all(|(_, has_token)| !has_token));
    let nameless = get_token_status(&harness, "userId=29:ada").await;
    assert_eq!(names_of(&nameless[0]), ["connectionName", "hasToken", "serviceProviderDisplayName"]);
    assert!(connections(&nameless).contains(&("graph", true)), "no channel is Teams");
}

#[tokio::test]
async fn the_parameter_include_selects_connections_by_a_comma_separated_list() {
    let harness = Harness::start().await;
    for query in ["include=graph", "INCLUDE=graph,nothing", "include=%20graph%20,"] {
        let statuses = get_token_status(&harness, &format!("userid=29:ada&channelid=msteams&{query}")).await;
        assert_eq!(connections(&statuses), [("graph", false)], "{query}");
    }
    assert_eq!(get_token_status(&harness, "userId=29:ada&include=nothing").await, json!([]));
    let all = get_token_status(&harness, "userId=29:ada").await;
    for none in ["include=", "includeFilter=graph", "includeFilter="] {
        assert_eq!(get_token_status(&harness, &format!("userId=29:ada&{none}")).await, all, "{none}");
    }
}

#[tokio::test]
async fn get_token_status_counts_a_refreshable_token_without_refreshing_it() {
    let harness = Harness::with(Options { offline_access: true, ..Options::default() }).await;
    sign_in(&harness, "msteams", "29:ada").await;
    harness.clock.advance(std::time::Duration::from_hours(2));
    let refreshes = harness.stage.calls().count(bot_sso::dev::GrantKind::RefreshToken);
    let statuses = get_token_status(&harness, "userId=29:ada&channelId=msteams&include=graph").await;
    assert_eq!(connections(&statuses), [("graph", true)]);
    assert_eq!(harness.stage.calls().count(bot_sso::dev::GrantKind::RefreshToken), refreshes);
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
}

#[tokio::test]
async fn get_token_status_does_not_count_an_expired_token() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    harness.clock.advance(std::time::Duration::from_hours(2));
    let statuses = get_token_status(&harness, "userId=29:ada&channelId=msteams&include=graph").await;
    assert_eq!(connections(&statuses), [("graph", false)]);
}

#[tokio::test]
async fn get_token_status_names_the_missing_user_parameter() {
    let harness = Harness::start().await;
    let answer = harness.token_service("demo", "/api/usertoken/gettokenstatus?channelId=msteams").await;
    assert!(error_of("no user", &answer, 400).1.contains("'userId'"));
}
