//! What the operator sees and ends of one person, element by element, and who may do it.

use serde_json::{Value, json};

use super::operations::key_of;
use super::{assert_nothing, get, refreshable, sign_in, with_ada};
use crate::harness::{ADMIN_TOKEN, Answer, Harness, Options, activities, logs, write_private};

const READ_TOKEN: &str = "readers-secret-of-the-local-stage";

async fn call(harness: &Harness, method: &str, path: &str) -> Answer {
    call_as(harness, ADMIN_TOKEN, method, path).await
}

async fn call_as(harness: &Harness, bearer: &str, method: &str, path: &str) -> Answer {
    let authorization = format!("Bearer {bearer}");
    let url = format!("{}{path}", harness.operations);
    harness.send(method, &url, &[("authorization", &authorization)], Vec::new()).await
}

/// What is kept of `user`, an element of whose kind `kind` is the first.
async fn overview(harness: &Harness, user: &str) -> Value {
    let answer = call(harness, "GET", &format!("/admin/users/{}", key_of(harness, user))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
    answer.json()
}

/// The id of the element of `kind` of which the member `member` is `value`.
fn id_where(overview: &Value, kind: &str, member: &str, value: &str) -> String {
    let elements = overview[kind].as_array().unwrap();
    let found = elements.iter().find(|element| element.pointer(member).is_some_and(|found| found == value));
    found.unwrap_or_else(|| panic!("no {kind} with {member} {value}: {overview}"))["id"].as_str().unwrap().to_owned()
}

/// `user` signs in silently on Direct Line as `dl_persons`, by the exchange `id`.
async fn sign_in_on_direct_line(harness: &Harness, user: &str, id: &str) -> u16 {
    let token = harness.user_token(user, "graph").await;
    let activity = activities::exchange(harness, &harness.user(user), id, &token);
    harness.post(&activities::on_channel(activity, "directline", "dl_persons")).await.status
}

/// Ada with two tokens on Teams, a pinned account on Direct Line, and a card for `mail` that she has not answered.
async fn ada_with_everything(options: Options) -> Harness {
    let harness = with_ada(options).await;
    assert_eq!(sign_in(&harness, "Ada", "mail", "mail").await.status, 200);
    assert_eq!(sign_in_on_direct_line(&harness, "Ada", "pin").await, 200);
    let activity = activities::teams(&harness, &harness.user("Ada"));
    harness.card(&activity, "mail").await;
    harness
}

/// The options with a read-only bearer, and the folder of its file.
fn with_read_token() -> (Options, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("read.token");
    write_private(&file, READ_TOKEN);
    let key = "BOT_SSO_OPERATIONS__READ_TOKEN__FILE".to_owned();
    (Options { environment: vec![(key, file.display().to_string())], ..refreshable() }, directory)
}

#[tokio::test]
async fn a_person_is_listed_with_tokens_pins_and_offers_and_without_a_secret() {
    let harness = ada_with_everything(refreshable()).await;
    let seen = overview(&harness, "Ada").await;
    assert_eq!((&seen["userKey"], &seen["sessions"]), (&json!(key_of(&harness, "Ada")), &json!([])));
    assert_eq!(seen["tokens"].as_array().unwrap().len(), 3, "{seen}");
    let token = &seen["tokens"][0];
    assert_eq!((&token["hasRefreshToken"], &token["isCurrent"]), (&json!(true), &json!(true)), "{seen}");
    let pins = seen["pins"].as_array().unwrap();
    assert!(pins.iter().any(|pin| pin["account"]["subject"] == "dl_persons" && pin["pinnedAt"].is_string()), "{seen}");
    let offer = &seen["offers"][0];
    assert_eq!((&offer["connection"], &offer["account"]["subject"]), (&json!("mail"), &json!("29:ada")), "{seen}");
    assert!(offer["begunAt"].is_string() && offer["endsAt"].is_string(), "{seen}");
    let kept = super::token(&harness).await;
    assert!(!seen.to_string().contains(&kept) && !seen.to_string().contains("refresh_token"));
    assert_eq!(overview(&harness, "Ada").await["tokens"], seen["tokens"], "ids stay the same");
    let unknown = call(
        &harness,
        "GET",
        "/admin/users/00000000-0000-4000-8000-000000000009%4000000000-0000-4000-8000-000000000008",
    )
    .await;
    assert_eq!((unknown.status, &unknown.json()["tokens"]), (200, &json!([])));
    assert_eq!(call(&harness, "GET", "/admin/users/ada").await.status, 400);
    assert_eq!(call(&harness, "HEAD", &format!("/admin/users/{}", key_of(&harness, "Ada"))).await.status, 200);
}

#[tokio::test]
async fn one_token_ends_and_the_others_stay() {
    let harness = ada_with_everything(refreshable()).await;
    let key = key_of(&harness, "Ada");
    let seen = overview(&harness, "Ada").await;
    let teams = seen["tokens"].as_array().unwrap().iter();
    let mut graph = teams.filter(|token| token["account"]["channel"] == "msteams" && token["connection"] == "graph");
    let id = graph.next().unwrap()["id"].as_str().unwrap();
    let path = format!("/admin/users/{key}/tokens/{id}");
    let others = format!("/admin/users/{}/tokens/{id}", key_of(&harness, "Ben"));
    let refused = call(&harness, "DELETE", &others).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (404, &json!("UnknownElement")),
        "Ben has no such token"
    );
    assert_eq!(get(&harness).await.status, 200);
    let ended = call(&harness, "DELETE", &path).await;
    assert_eq!((ended.status, &ended.json()["token"]["connection"]), (200, &json!("graph")), "{}", ended.text());
    assert_nothing(&get(&harness).await);
    assert_eq!(harness.get_token("msteams", "29:ada", "mail").await.status, 200, "another connection's token stays");
    assert_eq!(
        harness.get_token("directline", "dl_persons", "graph").await.status,
        200,
        "another account's token stays"
    );
    assert_eq!(call(&harness, "DELETE", &path).await.status, 404, "it has ended already");
    assert_eq!(call(&harness, "DELETE", &format!("/admin/users/{key}/tokens/nonsense")).await.status, 404);
    assert_eq!(sign_in(&harness, "Ada", "graph", "again").await.status, 200, "she may sign in again");
}

#[tokio::test]
async fn a_forgotten_pin_signs_the_account_out_and_lets_another_person_be_bound() {
    let harness = ada_with_everything(refreshable()).await;
    assert_eq!(sign_in_on_direct_line(&harness, "Ben", "refused").await, 400, "the account is Ada's");
    let id = id_where(&overview(&harness, "Ada").await, "pins", "/account/subject", "dl_persons");
    let others = format!("/admin/users/{}/pins/{id}", key_of(&harness, "Ben"));
    assert_eq!(call(&harness, "DELETE", &others).await.status, 404);
    let path = format!("/admin/users/{}/pins/{id}", key_of(&harness, "Ada"));
    let forgotten = call(&harness, "DELETE", &path).await;
    assert_eq!((forgotten.status, &forgotten.json()["pin"]["account"]["subject"]), (200, &json!("dl_persons")));
    assert_nothing(&harness.get_token("directline", "dl_persons", "graph").await);
    assert_eq!(get(&harness).await.status, 200, "her other account stays signed in");
    assert_eq!(sign_in_on_direct_line(&harness, "Ben", "bound").await, 200);
    let ben = overview(&harness, "Ben").await;
    id_where(&ben, "pins", "/account/subject", "dl_persons");
}

#[tokio::test]
async fn an_ended_offer_cannot_be_answered_and_no_token_ends() {
    let harness = with_ada(refreshable()).await;
    let activity = activities::in_group(activities::teams(&harness, &harness.user("Ada")));
    let card = harness.card(&activity, "mail").await;
    let key = key_of(&harness, "Ada");
    let id = id_where(&overview(&harness, "Ada").await, "offers", "/connection", "mail");
    assert_ne!(id, card, "the id of a card is known to bots and clients");
    let others = format!("/admin/users/{}/offers/{id}", key_of(&harness, "Ben"));
    assert_eq!(call(&harness, "DELETE", &others).await.status, 404);
    let ended = call(&harness, "DELETE", &format!("/admin/users/{key}/offers/{id}")).await;
    assert_eq!((ended.status, &ended.json()["offer"]["connection"]), (200, &json!("mail")), "{}", ended.text());
    assert_eq!(overview(&harness, "Ada").await["offers"], json!([]));
    let token = harness.user_token("Ada", "mail").await;
    let mut answer = activities::exchange(&harness, &harness.user("Ada"), &card, &token);
    answer["value"]["connectionName"] = "mail".into();
    let refused = harness.post(&activities::in_group(answer)).await;
    assert_ne!(refused.status, 200, "in a group, an exchange needs a card that is out");
    assert_eq!(get(&harness).await.status, 200);
}

#[tokio::test]
async fn the_read_token_reads_everything_and_changes_nothing() {
    let (options, _directory) = with_read_token();
    let harness = ada_with_everything(options).await;
    let key = key_of(&harness, "Ada");
    let id = id_where(&overview(&harness, "Ada").await, "pins", "/account/subject", "dl_persons");
    for path in [
        format!("/admin/users/{key}"),
        format!("/admin/users/{key}/export"),
        "/admin/counts".to_owned(),
        "/admin/accounts/directline/dl_persons".to_owned(),
    ] {
        assert_eq!(call_as(&harness, READ_TOKEN, "GET", &path).await.status, 200, "{path}");
    }
    let before = logs::length();
    for (method, path) in [
        ("POST", format!("/admin/users/{key}/sign-out")),
        ("POST", format!("/admin/users/{key}/erase")),
        ("DELETE", format!("/admin/users/{key}/pins/{id}")),
        ("DELETE", format!("/admin/users/{key}/tokens/{id}")),
        ("DELETE", format!("/admin/users/{key}/sessions/{id}")),
        ("DELETE", format!("/admin/users/{key}/offers/{id}")),
    ] {
        let refused = call_as(&harness, READ_TOKEN, method, &path).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (403, &json!("ReadOnlyBearer")),
            "{method} {path}"
        );
    }
    assert_eq!(get(&harness).await.status, 200);
    assert_eq!(overview(&harness, "Ada").await["pins"].as_array().map(Vec::is_empty), Some(false));
    let lines = logs::since(before);
    assert!(lines.lines().any(|line| line.contains("ReadOnlyBearer") && line.contains("operations.read_token")));
    assert!(!logs::text().contains(READ_TOKEN));
    let wrong = call_as(&harness, &format!("{READ_TOKEN}x"), "GET", "/admin/counts").await;
    assert_eq!(wrong.status, 401);
}

#[tokio::test]
async fn the_persons_of_an_account_are_found_by_its_id_in_the_channel() {
    let harness = ada_with_everything(refreshable()).await;
    let found = call(&harness, "GET", "/admin/accounts/msteams/29%3Aada").await;
    let accounts = found.json()["accounts"].clone();
    assert_eq!((found.status, &accounts[0]["userKeys"]), (200, &json!([key_of(&harness, "Ada")])), "{accounts}");
    assert_eq!(accounts[0]["account"]["holder"], "demo", "{accounts}");
    let pinned = call(&harness, "GET", "/admin/accounts/directline/dl_persons").await.json();
    assert_eq!(pinned["accounts"][0]["userKeys"], json!([key_of(&harness, "Ada")]), "{pinned}");
    let unknown = call(&harness, "GET", "/admin/accounts/msteams/29%3Anobody").await;
    assert_eq!((unknown.status, unknown.json()), (200, json!({ "accounts": [] })));
    assert_eq!(call(&harness, "GET", "/admin/accounts/msteams/%zz").await.status, 400);
}

#[tokio::test]
async fn the_counts_are_those_of_all_persons() {
    let harness = ada_with_everything(refreshable()).await;
    assert_eq!(sign_in(&harness, "Ben", "graph", "ben").await.status, 200);
    let counts = call(&harness, "GET", "/admin/counts").await;
    let counted = counts.json();
    assert_eq!((counts.status, &counted["isComplete"]), (200, &json!(true)), "{counted}");
    assert_eq!((&counted["usersWithTokens"], &counted["tokens"]), (&json!(2), &json!(4)), "{counted}");
    assert_eq!((&counted["records"]["vault.token"], &counted["offers"]), (&json!(4), &json!(1)), "{counted}");
    assert_eq!(counted["unopenedRecords"], 0, "{counted}");
    assert!(counted["storeSizeBytes"].as_u64().is_some_and(|bytes| bytes > 0), "{counted}");
    assert_eq!(call(&harness, "GET", "/admin/counts").await.json()["countedAt"], counted["countedAt"]);
}
