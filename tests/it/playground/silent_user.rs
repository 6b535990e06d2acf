//! A user of the stage who chats over Direct Line, and whose client signs in silently.

use serde_json::{Value, json};

use super::observed_stage::{ObservedStage, json_request, read_json};
use crate::harness::waiting::wait_for;

pub struct SilentUser<'s> {
    observed: &'s ObservedStage,
    name: &'static str,
    bot: &'static str,
    token: String,
    conversation: String,
}

/// A silent sign-in: the token that the client sent, and the status that it got.
pub struct SilentSignIn {
    pub exchangeable_token: String,
    pub status: u16,
}

impl<'s> SilentUser<'s> {
    /// Starts a conversation with the bot `demo`.
    pub async fn start(observed: &'s ObservedStage, name: &'static str) -> Self {
        Self::start_with(observed, name, "demo").await
    }

    /// Starts a conversation with a bot.
    pub async fn start_with(observed: &'s ObservedStage, name: &'static str, bot: &'static str) -> Self {
        let order = json!({"user": name, "bot": bot});
        let (_, site) = observed.post_json("/web-chat/token", &order).await;
        let text = |member: &str| site[member].as_str().unwrap().to_owned();
        let user = Self { observed, name, bot, token: text("token"), conversation: text("conversationId") };
        user.call(reqwest::Method::POST, "", &Value::Null).await;
        user
    }

    /// The Direct Line token of the conversation.
    pub fn chat_token(&self) -> &str {
        &self.token
    }

    /// Writes to the bot, and answers its card with a token.
    pub async fn sign_in(&self) -> SilentSignIn {
        self.post(&json!({"type": "message", "text": "hello"})).await;
        let card = wait_for("the card", async || self.find_card().await).await;
        let exchangeable_token = self.exchangeable_token().await;
        let value = json!({
            "id": card["tokenExchangeResource"]["id"],
            "connectionName": card["connectionName"],
            "token": exchangeable_token,
        });
        let status = self.post(&json!({"type": "invoke", "name": "signin/tokenExchange", "value": value})).await;
        SilentSignIn { exchangeable_token, status }
    }

    /// Waits until the bot says something that contains `text`.
    pub async fn hears(&self, text: &str) {
        wait_for(text, async || {
            let said = self.activities().await;
            said.iter().any(|activity| activity["text"].as_str().is_some_and(|said| said.contains(text))).then_some(())
        })
        .await;
    }

    pub async fn find_card(&self) -> Option<Value> {
        self.cards().await.pop()
    }

    /// The sign-in cards of the conversation that a client can answer, oldest first.
    pub async fn cards(&self) -> Vec<Value> {
        let activities = self.activities().await;
        let attachments = activities.iter().filter_map(|activity| activity["attachments"].as_array()).flatten();
        let cards = attachments.map(|attachment| &attachment["content"]);
        cards.filter(|card| card["tokenExchangeResource"].is_object()).cloned().collect()
    }

    /// Writes to the bot.
    pub async fn say(&self, text: &str) {
        assert_eq!(self.post(&json!({"type": "message", "text": text})).await, 200);
    }

    pub async fn post(&self, activity: &Value) -> u16 {
        self.call(reqwest::Method::POST, &format!("/{}/activities", self.conversation), activity).await.0
    }

    async fn activities(&self) -> Vec<Value> {
        let path = format!("/{}/activities", self.conversation);
        let (_, body) = self.call(reqwest::Method::GET, &path, &Value::Null).await;
        body["activities"].as_array().unwrap().clone()
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let url = self.observed.url(&format!("/v3/directline/conversations{path}"));
        let request = self.observed.http.request(method, url).bearer_auth(&self.token);
        let request = if body.is_null() { request } else { json_request(request, body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), read_json(answer).await)
    }

    async fn exchangeable_token(&self) -> String {
        let directory = self.observed.stage.directory();
        let user = directory.find_user(self.name).unwrap();
        let connection = directory.connections.iter().find(|entry| entry.bot == self.bot).unwrap();
        let form = [
            ("grant_type", "password"),
            ("client_id", directory.clients[0].client_id),
            ("username", user.name),
            ("password", user.password),
            ("scope", &connection.exchange_scope),
        ];
        let url = self.observed.url(&format!("/{}/oauth2/v2.0/token", user.tid));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request =
            self.observed.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = read_json(request.send().await.unwrap()).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }
}
