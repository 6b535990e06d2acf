//! The account under which a bot with parents finds a user's token: the one that spoke last (docs/security.md §Parent
//! bots).

mod asking;
mod codes;
mod disputes;
mod removed_parents;
mod sign_outs;
mod skill_sign_outs;
mod trusted;
mod trusted_codes;

use std::time::Duration;

use serde_json::{Value, json};

use super::exchange_of;
use super::parents::SERVICE_URL;
use crate::harness::tokens::claims_of;
use crate::harness::{Answer, Harness, Options, activities, logs};

/// The user id that all accounts of these tests have.
const ID: &str = "29:ada";
/// Bots of the stage that play parents.
const PARENT: &str = "demo-forward";
const OTHER_PARENT: &str = "demo-none";
const GRAPH: &str = "https://graph.microsoft.com/";
const LISTS: &str = "exchange_uris = [\"https://graph.microsoft.com/Mail.Read\"]\n\
                     aad_resources = [\"https://graph.microsoft.com/\"]";
/// Longer than the time within which two accounts dispute a user id.
const OVER: Duration = Duration::from_mins(16);
const VOUCHES: &str = "vouches_for_channel_users = true\n";

/// A parent of `demo`, and the lines that its entry has beside the required ones.
type Parent<'a> = [&'a str; 2];

/// What a bot gets for a user id by the four operations that look a token up: the object ids of the tokens' persons.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    token: Option<String>,
    token_or_card: Option<String>,
    has_token: bool,
    token_for_resource: Option<String>,
}

impl Given {
    const NOTHING: Self = Self { token: None, token_or_card: None, has_token: false, token_for_resource: None };

    /// Everything, for the token of `user`.
    fn of(harness: &Harness, user: &str) -> Self {
        let owner = Some(harness.user(user).oid.to_owned());
        Self { token: owner.clone(), token_or_card: owner.clone(), has_token: true, token_for_resource: owner }
    }
}

fn options(harness: &Harness, after_exchange: &'static str, parents: &[Parent<'_>]) -> Options {
    let tenant = harness.stage.directory().main_tenant_id();
    let entry = |[parent, lines]: &Parent<'_>| {
        format!(
            "[[bots.demo.callers]]\napp_id = \"{}\"\ntenant = \"{tenant}\"\nservice_urls = [\"{SERVICE_URL}\"]\n\
             channels = [\"msteams\"]\n{lines}",
            harness.bot_app_id(parent)
        )
    };
    let appended = parents.iter().map(entry).collect();
    Options {
        after_exchange,
        appended,
        connection: LISTS.to_owned(),
        offline_access: true,
        operations: true,
        ..Options::default()
    }
}

async fn start(after_exchange: &'static str, parents: &[Parent<'_>]) -> Harness {
    let mut harness = Harness::start().await;
    harness.restart(&options(&harness, after_exchange, parents)).await;
    harness
}

/// A gateway whose bot has one parent, which vouches for nothing.
async fn with_parent() -> Harness {
    start("none", &[[PARENT, ""]]).await
}

/// What `parent` makes of a channel's activity for the user of [`ID`].
fn by_parent(mut activity: Value) -> Value {
    activity = super::parents::from_parent(activity, ID);
    activity.as_object_mut().unwrap().remove("deliveryMode");
    activity
}

async fn post_as_parent(harness: &Harness, parent: &str, activity: &Value) -> Answer {
    let scope = format!("{}/.default", harness.bot_app_id("demo"));
    let token = harness.app_token(harness.bot_app_id(parent), &scope).await;
    harness.post_as("demo", &token, activity).await
}

/// A message of the user through `parent`.
async fn parent_speaks(harness: &Harness, parent: &str) {
    let message = by_parent(activities::message(harness, &harness.user("Ada"), "hello"));
    assert!(matches!(post_as_parent(harness, parent, &message).await.status, 200 | 202));
}

/// A message of the user through the channel.
async fn channel_speaks(harness: &Harness) {
    let message = activities::message(harness, &harness.user("Ada"), "hello");
    assert!(matches!(harness.post(&message).await.status, 200 | 202));
}

/// `parent` brings a token of `user` for [`ID`].
async fn parent_signs_in(harness: &Harness, parent: &str, user: &str) {
    let exchange = by_parent(exchange_of(harness, user, &format!("by-{parent}-{user}")).await);
    let answer = post_as_parent(harness, parent, &exchange).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

/// Ada signs in through the channel.
async fn channel_signs_in(harness: &Harness) {
    let answer = harness.post(&exchange_of(harness, "Ada", "by-channel").await).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

async fn post_to_token_service(harness: &Harness, operation: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let path = format!("/api/usertoken/{operation}?userId={ID}&connectionName=graph&channelId=msteams");
    harness.send("POST", &path, &headers, body.to_string().into_bytes()).await
}

async fn get_token_or_card(harness: &Harness) -> Value {
    let state = activities::state_of(&activities::teams(harness, &harness.user("Ada")), "graph");
    let query = [("userId", ID), ("connectionName", "graph"), ("channelId", "msteams"), ("state", state.as_str())];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let answer = harness.token_service("demo", &format!("/api/usertoken/GetTokenOrSignInResource?{query}")).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// Asks by each of the four operations.
async fn given(harness: &Harness) -> Given {
    let token = harness.get_token("msteams", ID, "graph").await;
    let path = format!("/api/usertoken/GetTokenStatus?userId={ID}&channelId=msteams");
    let status = harness.token_service("demo", &path).await.json();
    let graph = status.as_array().unwrap().iter().find(|status| status["connectionName"] == "graph").unwrap();
    let resource = post_to_token_service(harness, "GetAadTokens", json!({ "resourceUrls": [GRAPH] })).await;
    let or_card = get_token_or_card(harness).await;
    assert_ne!(or_card["tokenResponse"].is_null(), or_card["signInResource"].is_null(), "{or_card}");
    Given {
        token: owner(&token, |body| body),
        token_or_card: owner_of(&or_card["tokenResponse"]),
        has_token: graph["hasToken"].as_bool().unwrap(),
        token_for_resource: owner(&resource, |body| &body[GRAPH]),
    }
}

/// The object id of the person of a token that is somewhere in the answer; `None` for 404.
fn owner(answer: &Answer, place: impl FnOnce(&Value) -> &Value) -> Option<String> {
    if answer.status == 404 {
        return None;
    }
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    owner_of(place(&answer.json()))
}

fn owner_of(token_response: &Value) -> Option<String> {
    let token = token_response["token"].as_str()?;
    Some(claims_of(token)["oid"].as_str().unwrap().to_owned())
}

/// The security events about two accounts that spoke at once, after the byte `from` of the log.
fn disputes(harness: &Harness, from: usize) -> Vec<Value> {
    let complaints = logs::complaints_of(&harness.tag, from).into_iter();
    complaints.filter(|line| line["security"] == true && line.to_string().contains("two accounts spoke")).collect()
}
