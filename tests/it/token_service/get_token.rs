//! `GetToken` (docs/protocols/token-service-api.md §3.1, §1 rules 1 to 5, 13).

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{assert_nothing, error_of, names_of, sign_in};
use crate::harness::Harness;

#[tokio::test]
async fn a_bot_gets_a_stored_token_in_the_form_that_sdks_read() {
    let harness = Harness::start().await;
    assert_nothing("before", &harness.get_token("msteams", "29:ada", "graph").await);
    sign_in(&harness, "msteams", "29:ada").await;
    let answer = harness.get_token("msteams", "29:ada", "graph").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(names_of(&body), ["channelId", "connectionName", "expiration", "token"]);
    assert_eq!((&body["channelId"], &body["connectionName"]), (&json!("msteams"), &json!("graph")));
    assert_eq!(body["token"], harness.bot_received(1).await[0].json()["value"]["token"]);
    let expiration = OffsetDateTime::parse(body["expiration"].as_str().unwrap(), &Rfc3339).unwrap().unix_timestamp();
    let left = expiration - harness.now();
    assert!((300..=3600).contains(&left), "{left} s");
    harness.clock.advance(std::time::Duration::from_secs(3600 - 299));
    assert_nothing("less than five minutes before its end", &harness.get_token("msteams", "29:ada", "graph").await);
}

#[tokio::test]
async fn paths_and_query_names_are_read_in_any_case_and_the_rest_is_ignored() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    for url in [
        "/api/usertoken/GetToken?userId=29%3Aada&connectionName=graph&channelId=msteams",
        "/API/UserToken/gettoken?userid=29:ada&connectionname=graph&channelid=msteams",
        "/api/usertoken/GETTOKEN?USERID=29:ada&CONNECTIONNAME=graph&CHANNELID=msteams",
        "/api/usertoken/GetToken?api-version=token&userId=29:ada&connectionName=graph&channelId=msteams&includeFilter=",
        "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams&code=",
        "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams&code",
        "/api/usertoken/GetToken?&&userId=29:ada&connectionName=graph&channelId=msteams&",
        "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams%3ACOPILOT",
        "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=MsTeams",
    ] {
        assert_eq!(harness.token_service("demo", url).await.status, 200, "{url}");
    }
}

#[tokio::test]
async fn user_ids_are_decoded_as_forms_are() {
    let harness = Harness::start().await;
    let id = "29:1a+b/c= d%é&x";
    sign_in(&harness, "msteams", id).await;
    for user_id in [
        "29%3A1a%2Bb%2Fc%3D%20d%25%C3%A9%26x",
        "29%3A1a%2Bb%2Fc%3D+d%25%C3%A9%26x",
        "29:1a%2Bb/c=+d%25%C3%A9%26x",
        "29:1a%2bb/c%3d%20d%25%c3%a9%26x",
    ] {
        let url = format!("/api/usertoken/GetToken?userId={user_id}&connectionName=graph&channelId=msteams");
        assert_eq!(harness.token_service("demo", &url).await.status, 200, "{user_id}");
    }
    let url = "/api/usertoken/GetToken?userId=29:1a+b/c=+d%25%C3%A9%26x&connectionName=graph&channelId=msteams";
    assert_nothing("a bare plus is a space", &harness.token_service("demo", url).await);
}

#[tokio::test]
async fn a_token_is_found_only_by_its_own_bot_user_channel_and_connection() {
    let harness = Harness::start().await;
    sign_in(&harness, "msteams", "29:ada").await;
    for (case, channel, user, connection) in [
        ("channel", "directline", "29:ada", "graph"),
        ("no such channel", "msteamsx", "29:ada", "graph"),
        ("user", "msteams", "29:ben", "graph"),
        ("the user's case", "msteams", "29:ADA", "graph"),
        ("connection", "msteams", "29:ada", "mail"),
        ("the connection's case", "msteams", "29:ada", "Graph"),
        ("unknown connection", "msteams", "29:ada", "nothing"),
    ] {
        assert_nothing(case, &harness.get_token(channel, user, connection).await);
    }
    let query = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams")];
    assert_nothing("another bot", &harness.get_token_as("demo-none", &query).await);
    assert_eq!(harness.get_token_as("demo", &query[..2]).await.status, 200, "no channel is Teams");
    let with_code = [query[0], query[1], query[2], ("code", "123456")];
    assert_nothing("a code nobody issued", &harness.get_token_as("demo", &with_code).await);
    assert_eq!(harness.get_token_as("demo", &query).await.status, 200, "and the token is still there");
}

#[tokio::test]
async fn a_user_id_on_two_channels_has_two_tokens() {
    let harness = Harness::start().await;
    sign_in(&harness, "directline", "dl_ada").await;
    assert_eq!(harness.get_token("directline", "dl_ada", "graph").await.status, 200);
    for channel in ["msteams", "webchat"] {
        assert_nothing(channel, &harness.get_token(channel, "dl_ada", "graph").await);
    }
}

#[tokio::test]
async fn get_token_names_the_missing_parameter() {
    let harness = Harness::start().await;
    for (query, missing) in [
        ("connectionName=graph&channelId=msteams", "userId"),
        ("userId=&connectionName=graph&channelId=msteams", "userId"),
        ("userId=29:ada&channelId=msteams", "connectionName"),
        ("", "userId"),
    ] {
        let answer = harness.token_service("demo", &format!("/api/usertoken/GetToken?{query}")).await;
        let (code, message) = error_of(query, &answer, 400);
        assert_eq!(code, "BadArgument");
        assert!(message.contains(&format!("'{missing}'")), "{query}: {message}");
    }
}
