//! A client of Direct Line, and the application behind it.

use serde_json::{Value, json};

use crate::harness::waiting::wait_for;
use crate::harness::{Answer, Harness, Options, Surroundings};

/// The application with the stage attached to it. `demo` is the recording bot, or the stage's own bot.
pub async fn start_with(bot: Bot) -> Harness {
    let surroundings = Surroundings::start().await;
    surroundings.stage.attach_gateway(&surroundings.base);
    let endpoint = format!("{}/demo-bots/demo/api/messages", surroundings.stage.http_base());
    let endpoint = (bot == Bot::OfStage).then_some(endpoint);
    surroundings.run(&Options { endpoint, ..Options::default() }).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bot {
    Recording,
    OfStage,
}

/// A conversation as its client knows it.
pub struct Chat<'h> {
    pub harness: &'h Harness,
    pub token: String,
    pub id: String,
    pub user_id: String,
}

impl<'h> Chat<'h> {
    /// Gets a token of the stage's own site and starts the conversation.
    pub async fn start(harness: &'h Harness, order: &Value) -> Self {
        let chat = Self::with_token(harness, order).await;
        let answer = chat.call("POST", "/conversations", "").await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        chat
    }

    /// Gets a token of the stage's own site, and does not start the conversation.
    pub async fn with_token(harness: &'h Harness, order: &Value) -> Self {
        let answer = post_json(harness, &token_url(harness), &[], order).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let site = answer.json();
        let text = |name: &str| site[name].as_str().unwrap().to_owned();
        Self { harness, token: text("token"), id: text("conversationId"), user_id: text("userId") }
    }

    /// Starts a conversation of Ada, and waits until the recording bot knows of it.
    pub async fn of_ada(harness: &'h Harness) -> Self {
        let chat = Self::start(harness, &json!({"user": "ada"})).await;
        harness.bot_received(1).await;
        chat
    }

    /// Calls Direct Line with the conversation's token.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call_as(&self.token, method, path, body).await
    }

    pub async fn call_as(&self, bearer: &str, method: &str, path: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.harness.send(method, &format!("{}{path}", direct_line(self.harness)), &headers, body.into()).await
    }

    /// The path of the conversation, or of one below it.
    pub fn path(&self, rest: &str) -> String {
        format!("/conversations/{}{rest}", self.id)
    }

    pub async fn post(&self, activity: &Value) -> Answer {
        self.call("POST", &self.path("/activities"), &activity.to_string()).await
    }

    /// The activities after `watermark`, and the next watermark.
    pub async fn poll(&self, watermark: &str) -> Value {
        let answer = self.call("GET", &self.path(&format!("/activities?watermark={watermark}")), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Polls until an activity fits.
    pub async fn wait_for(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, async || self.activities().await.into_iter().find(&fits)).await
    }

    pub async fn activities(&self) -> Vec<Value> {
        self.poll("").await["activities"].as_array().unwrap().clone()
    }

    /// Calls the connector as `bot`, on a path below the conversation.
    pub async fn as_bot(&self, bot: &str, method: &str, rest: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {}", self.harness.bot_token(bot).await);
        let url = format!("{}v3/conversations/{}{rest}", self.harness.stage.service_url(), self.id);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.harness.send(method, &url, &headers, body.into()).await
    }
}

pub async fn post_json(harness: &Harness, url: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    harness.send("POST", url, &all, body.to_string().into_bytes()).await
}

/// The base URL of Direct Line, as the manifest names it.
pub fn direct_line(harness: &Harness) -> String {
    web_chat(harness, "direct_line")
}

/// The address at which the stage's own site gives tokens, as the manifest names it.
pub fn token_url(harness: &Harness) -> String {
    web_chat(harness, "token_url")
}

fn web_chat(harness: &Harness, member: &str) -> String {
    harness.stage.manifest(&harness.base)["web_chat"][member].as_str().unwrap().to_owned()
}

pub fn message(text: &str) -> Value {
    json!({"type": "message", "text": text, "from": {"id": "me"}})
}
