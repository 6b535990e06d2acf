//! Actions of Adaptive Cards and message extensions that carry a token or a code (docs/protocols/sign-in-invokes.md).

mod channels;
mod code_connections;
mod codes;
mod exchanged;
mod parents;
mod passed_on;
mod refusals;
mod repeated_failures;
mod statements;
mod threads;
mod time;

use serde_json::{Value, json};

use crate::harness::{Answer, Harness, Options, activities};

/// The setting with both kinds.
const BOTH: &str = "sign_in_invokes = [\"adaptive_card\", \"message_extension\"]";

/// A user's action as Teams sends it, by the name of its invoke.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Card,
    Query,
    Link,
}

pub const ACTIONS: [Action; 3] = [Action::Card, Action::Query, Action::Link];

impl Action {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "adaptiveCard/action",
            Self::Query => "composeExtension/query",
            Self::Link => "composeExtension/queryLink",
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Card => json!({
                "action": { "type": "Action.Execute", "id": "a", "verb": "show", "data": { "n": 1, "authentication": "deep" } },
                "trigger": "manual",
            }),
            Self::Query => json!({
                "commandId": "search",
                "parameters": [{ "name": "q", "value": "hé ✓" }],
                "queryOptions": { "skip": 0, "count": 25 },
            }),
            Self::Link => json!({ "url": "https://items.example.com/7" }),
        }
    }

    /// The action of `user` in a personal chat, with `more` members in its value.
    pub fn of(self, harness: &Harness, user: &str, more: &Value) -> Value {
        let mut value = self.value();
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        activities::invoke(harness, &harness.user(user), self.name(), value)
    }
}

/// The `authentication` of `user` for the connection `graph`.
async fn authentication(harness: &Harness, user: &str) -> Value {
    let token = harness.user_token(user, "graph").await;
    json!({ "authentication": { "id": "some-id", "connectionName": "graph", "token": token } })
}

/// A gateway on which the bot `demo` has the setting.
async fn start() -> Harness {
    Harness::with(Options { bot: BOTH, ..Options::default() }).await
}

/// The bytes of `activity` without the member `name` of its value, cut out of the text.
fn cut(activity: &Value, name: &str) -> Vec<u8> {
    let text = activity.to_string();
    let member = format!("\"{name}\":{}", activity["value"][name]);
    let start = text.rfind(&member).unwrap();
    let (mut before, mut after) = (&text[..start], &text[start + member.len()..]);
    match after.strip_prefix(',') {
        Some(rest) => after = rest,
        None => before = before.strip_suffix(',').unwrap_or(before),
    }
    format!("{before}{after}").into_bytes()
}

fn text_of(answer: &Answer) -> String {
    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
}

/// Whether the vault has a token for Teams' user `user`.
async fn is_kept(harness: &Harness, user: &str) -> bool {
    harness.get_token("msteams", &format!("29:{}", user.to_lowercase()), "graph").await.status == 200
}

/// The outcome of a refused action in the form of its invoke: the card's body or the HTTP status.
fn outcome(action: Action, answer: &Answer) -> u64 {
    if action == Action::Card {
        assert_eq!(answer.status, 200, "{}", text_of(answer));
        return answer.json()["statusCode"].as_u64().unwrap();
    }
    u64::from(answer.status)
}
