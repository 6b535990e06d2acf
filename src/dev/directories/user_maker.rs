use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use super::directory_addresses::management_address;
use super::entries::{DIRECTORIES, DirectoryEntry, DirectoryUserEntry};
use crate::dev::jwt::text_member;
use crate::dev::lock::lock_ignoring_poison;
use crate::outbound::{HttpAnswer, Outbound, RequestHeader};

/// The time limit for one call. Passwords are hashed one after the other.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a busy gateway is asked again.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest wait before the next try.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The maximum size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The ids that the gateway has given the users of directories. They are empty until the users are made.
#[derive(Default)]
pub(in crate::dev) struct DirectoryUserIds(Mutex<HashMap<(&'static str, &'static str), String>>);

/// Makes the users of directories at the gateway. They can be made again: a user who exists keeps the id.
pub(in crate::dev) struct UserMaker {
    ids: Arc<DirectoryUserIds>,
    outbound: Outbound,
}

impl DirectoryUserIds {
    /// The id of a user, if the gateway has the user.
    pub(in crate::dev) fn find(&self, directory: &DirectoryEntry, user: &DirectoryUserEntry) -> Option<String> {
        lock_ignoring_poison(&self.0).get(&(directory.name, user.username)).cloned()
    }

    fn keep(&self, directory: &DirectoryEntry, user: &DirectoryUserEntry, id: String) {
        lock_ignoring_poison(&self.0).insert((directory.name, user.username), id);
    }
}

impl UserMaker {
    pub(in crate::dev) const fn new(ids: Arc<DirectoryUserIds>, outbound: Outbound) -> Self {
        Self { ids, outbound }
    }

    /// Makes all users of all directories. A gateway that is busy is asked again. Any other failure is logged as an error.
    pub(in crate::dev) async fn make_all(&self, gateway: &str) {
        let gateway = gateway.trim_end_matches('/');
        let pairs = DIRECTORIES.iter().flat_map(|directory| directory.users.iter().map(move |user| (directory, user)));
        join_all(pairs.map(|pair| async move {
            let (directory, user) = pair;
            match self.make(gateway, directory, user).await {
                Ok(id) => self.ids.keep(directory, user, id),
                Err(problem) => {
                    let (directory, user) = (directory.name, user.display_name);
                    tracing::error!(directory, user, problem, "a user of a directory of the stage could not be made");
                }
            }
        }))
        .await;
    }

    /// Makes one user, or looks the user up who exists. Returns the id.
    async fn make(
        &self,
        gateway: &str,
        directory: &DirectoryEntry,
        user: &DirectoryUserEntry,
    ) -> Result<String, String> {
        let users = format!("{}/cloud_directory/Users", management_address(gateway, directory));
        let mut users = Url::parse(&users).map_err(|error| error.to_string())?;
        let authorization = format!("Bearer {}", directory.management_token);
        let headers = [RequestHeader::new("authorization", &authorization)];
        let body = Bytes::from(scim_user(user).to_string());
        let made = self.post(&users, &headers, body).await?;
        match made.status {
            200 | 201 => parse_id(&parse(&made.body)?),
            409 => {
                users.query_pairs_mut().append_pair("query", user.username);
                let deadline = Instant::now() + CALL_TIMEOUT;
                let found = self.outbound.get_with(&users, &headers, deadline, MAX_ANSWER_BYTES).await;
                find_id(&parse(&found.map_err(|error| error.to_string())?.body)?, user)
            }
            status => Err(format!("the management API answered {status}")),
        }
    }

    /// Posts until the gateway has the time for it.
    async fn post(&self, users: &Url, headers: &[RequestHeader<'_>], body: Bytes) -> Result<HttpAnswer, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let made = self.outbound.post_json(users, headers, body.clone(), Instant::now() + CALL_TIMEOUT).await;
            let made = made.map_err(|error| error.to_string())?;
            if !matches!(made.status, 429 | 503) || Instant::now() >= end {
                return Ok(made);
            }
            let seconds = made.header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(1);
            sleep(Duration::from_secs(seconds).min(LONGEST_WAIT)).await;
        }
    }
}

fn scim_user(user: &DirectoryUserEntry) -> Value {
    json!({
        "emails": [{"value": user.username, "primary": true}],
        "displayName": user.display_name,
        "password": user.password,
        "active": true,
        "status": "CONFIRMED",
    })
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the management API's answer is no JSON: {error}"))
}

fn parse_id(user: &Value) -> Result<String, String> {
    text_member(user, "id").map(str::to_owned).ok_or_else(|| "the management API's answer has no id".to_owned())
}

/// The id of `user` in a list of users. The list has every user whose address contains the text that was asked for.
fn find_id(list: &Value, user: &DirectoryUserEntry) -> Result<String, String> {
    let has_address = |found: &&Value| {
        let emails = found.get("emails").and_then(Value::as_array).into_iter().flatten();
        emails.filter_map(|email| text_member(email, "value")).any(|email| email.eq_ignore_ascii_case(user.username))
    };
    let users = list.get("Resources").and_then(Value::as_array).into_iter().flatten();
    let found = { users }.find(has_address);
    parse_id(found.ok_or("another user has the address, and none is found by it")?)
}
