//! `SignOut` of the Token Service, in the form that SDKs read (docs/protocols/token-service-api.md §3.3, §1 rules 1, 2,
//! 6 and 9).

use serde_json::json;

use super::{ADA, UNTIL_EXPIRED, assert_nothing, get, refreshable, refreshes, sign_in, with_ada};
use crate::harness::{Answer, Behaviour, Harness, Options, activities, logs};

#[track_caller]
fn assert_signed_out(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn one_connection_is_signed_out_and_the_others_stay() {
    let harness = with_ada(refreshable()).await;
    assert_eq!(sign_in(&harness, "Ada", "mail", "mail").await.status, 200);
    assert_eq!(sign_in(&harness, "Ben", "graph", "ben").await.status, 200);
    assert_signed_out(&harness.sign_out(&ADA).await);
    assert_nothing(&get(&harness).await);
    assert_eq!(harness.get_token("msteams", "29:ada", "mail").await.status, 200);
    assert_eq!(harness.get_token("msteams", "29:ben", "graph").await.status, 200);
    assert_signed_out(&harness.sign_out(&ADA).await);
    harness.clock.advance(UNTIL_EXPIRED);
    assert_nothing(&get(&harness).await);
    assert_eq!(refreshes(&harness), 0, "what it was refreshed with is gone, too");
}

#[tokio::test]
async fn a_sign_out_without_a_name_ends_all_connections_of_the_user_on_the_channel() {
    let harness = with_ada(refreshable()).await;
    assert_eq!(sign_in(&harness, "Ada", "mail", "mail").await.status, 200);
    assert_eq!(sign_in(&harness, "Ben", "graph", "ben").await.status, 200);
    assert_signed_out(&harness.sign_out(&[("userId", "29:ada"), ("channelId", "webchat")]).await);
    assert_eq!(get(&harness).await.status, 200, "another channel is another account");
    assert_signed_out(
        &harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams"), ("connectionName", "")]).await,
    );
    for connection in ["graph", "mail"] {
        assert_nothing(&harness.get_token("msteams", "29:ada", connection).await);
    }
    assert_eq!(harness.get_token("msteams", "29:ben", "graph").await.status, 200);
}

#[tokio::test]
async fn the_same_invoke_is_exchanged_again_after_a_sign_out() {
    let harness = with_ada(refreshable()).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    assert_eq!(harness.exchanges(), 1, "a duplicate");
    assert_signed_out(&harness.sign_out(&ADA).await);
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    assert_eq!(harness.exchanges(), 2);
    assert_eq!(get(&harness).await.status, 200);
    let everywhere = harness.sign_out_everywhere(&super::operations::key_of(&harness, "Ada")).await;
    assert_eq!(everywhere.json()["tokensRemoved"], 1);
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    assert_eq!(harness.exchanges(), 3);
}

/// `user` signs in on Direct Line as `dl_1`.
async fn sign_in_as_dl_1(harness: &Harness, user: &str, id: &str) -> u16 {
    let token = harness.user_token(user, "graph").await;
    let activity = activities::exchange(harness, &harness.user(user), id, &token);
    harness.post(&activities::on_channel(activity, "directline", "dl_1")).await.status
}

#[tokio::test]
async fn an_account_is_free_for_another_person_after_all_connections_or_everything_was_signed_out() {
    let harness = Harness::with(refreshable()).await;
    let account = [("userId", "dl_1"), ("channelId", "directline")];
    let one_connection = [account[0], account[1], ("connectionName", "graph")];
    assert_eq!(sign_in_as_dl_1(&harness, "Ada", "1").await, 200);
    assert_signed_out(&harness.sign_out(&one_connection).await);
    assert_eq!(sign_in_as_dl_1(&harness, "Ben", "2").await, 400, "the account is still Ada's");
    assert_signed_out(&harness.sign_out(&account).await);
    assert_eq!(sign_in_as_dl_1(&harness, "Ben", "3").await, 200);
    assert_eq!(sign_in_as_dl_1(&harness, "Ada", "4").await, 400, "now it is Ben's");
    let everywhere = harness.sign_out_everywhere(&super::operations::key_of(&harness, "Ben")).await;
    assert_eq!(everywhere.status, 200);
    assert_eq!(sign_in_as_dl_1(&harness, "Ada", "5").await, 200);
}

#[tokio::test]
async fn sign_out_accepts_the_paths_names_and_bodies_that_clients_write() {
    let harness = Harness::with(Options::default()).await;
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    for (url, body) in [
        ("/api/usertoken/SignOut?userId=29%3Aada&connectionName=graph&channelId=msteams", ""),
        ("/API/UserToken/signout?userid=29:ada&connectionname=graph&api-version=token", ""),
        ("/api/usertoken/SignOut?userId=29:ada", r#"{"userId":"29:ada"}"#),
        ("/api/usertoken/SignOut?userId=29:ada&connectionName=&channelId=", "not JSON"),
    ] {
        assert_eq!(sign_in(&harness, "Ada", "graph", url).await.status, 200);
        let answer = harness.send("DELETE", url, &headers, body.as_bytes().to_vec()).await;
        assert_signed_out(&answer);
        if url.contains("msteams") {
            assert_nothing(&get(&harness).await);
        }
    }
}

#[tokio::test]
async fn an_invalid_sign_out_is_answered_with_an_error() {
    let harness = with_ada(Options::default()).await;
    for (query, status, code, words) in [
        (&ADA[1..], 400, "BadArgument", "'userId'"),
        (&[ADA[0], ("connectionName", "nothing"), ADA[2]], 400, "BadArgument", "'nothing'"),
        (&[ADA[0], ("connectionName", "Graph"), ADA[2]], 400, "BadArgument", "'Graph'"),
    ] {
        let answer = harness.sign_out(query).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)));
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(words), "{query:?}");
    }
    let unauthenticated = harness.send("DELETE", "/api/usertoken/SignOut?userId=29:ada", &[], Vec::new()).await;
    assert_eq!(unauthenticated.status, 401);
    let read = harness.token_service("demo", "/api/usertoken/SignOut?userId=29:ada").await;
    assert_eq!((read.status, read.header("allow")), (405, Some("DELETE")));
    assert_eq!(get(&harness).await.status, 200, "nobody was signed out by that");
    let other_bot = format!("Bearer {}", harness.bot_token("demo-none").await);
    let url = "/api/usertoken/SignOut?userId=29:ada&channelId=msteams";
    assert_signed_out(&harness.send("DELETE", url, &[("authorization", &other_bot)], Vec::new()).await);
    assert_eq!(get(&harness).await.status, 200, "another bot signs out of its own connections");
}

#[tokio::test]
async fn a_bot_that_was_unreachable_is_not_notified_of_a_token_that_is_signed_out() {
    let harness = with_ada(Options::default()).await;
    let told = harness.bot_received(1).await.len();
    harness.bot.behave_in_turn(vec![Behaviour::answering(503, ""), Behaviour::answering(200, "")]);
    assert_eq!(harness.sign_out(&ADA).await.status, 200);
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    harness.bot_received(told + 1).await;
    let logged = logs::length();
    assert_eq!(harness.sign_out(&ADA).await.status, 200);
    let received = harness.received_once_settled().await;
    assert!(logs::since(logged).contains("the user's token is no longer kept"), "nothing was concluded");
    assert_eq!(received.len(), told + 1, "the second try is not made");
}
