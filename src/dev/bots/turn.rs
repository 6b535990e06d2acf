use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;

use super::bot_calls::{BotCall, BotCallError, BotServices, CALL_TIMEOUT, activities_url};
use super::hosted::id_of_member;
use crate::dev::directories::{DIRECTORIES, DirectoryEntry, directory_connections};
use crate::dev::jwt::{text_member, unverified_claims};
use crate::dev::tenant::{BotEntry, Resource};

/// The time limit for what a skill sends to its parent: bot-sso may exchange a token meanwhile, and call the skill.
const SKILL_HOST_TIMEOUT: Duration = Duration::from_secs(10);

/// Who has sent an activity to a demo bot.
#[derive(Clone, Copy)]
pub(in crate::dev) enum Sender<'a> {
    /// The channel, or a platform in its place.
    Channel,
    /// The bot whose skill the demo bot is.
    Parent(&'a BotEntry),
}

/// One activity that a demo bot is handling.
pub(in crate::dev) struct BotTurn<'a> {
    pub(in crate::dev) services: &'a BotServices,
    pub(in crate::dev) bot: &'a BotEntry,
    pub(in crate::dev) activity: &'a Value,
    pub(in crate::dev) sender: Sender<'a>,
}

impl<'a> BotTurn<'a> {
    /// The names of the bot's connections, the default one first.
    pub(in crate::dev) fn connections(&self) -> impl Iterator<Item = &'a str> {
        let bot = self.bot.name;
        let directory = &self.services.directory;
        let of_tenant = directory.all_connections().filter(move |entry| entry.bot == bot).map(|entry| entry.name);
        let of_directories = directory_connections(directory).filter(move |entry| entry.bot == bot);
        of_tenant.chain(of_directories.map(|entry| entry.directory))
    }

    /// The text member `name` of the activity's `value`, if there is one.
    pub(in crate::dev) fn find_value_member(&self, name: &str) -> Option<&'a str> {
        text_member(self.activity.get("value")?, name)
    }

    /// Calls `GetToken`: the user's token for a connection, if there is one.
    pub(in crate::dev) async fn find_token(
        &self,
        connection: &str,
        code: Option<&str>,
    ) -> Result<Option<String>, BotCallError> {
        let mut url = self.user_token_url("GetToken", connection)?;
        if let Some(code) = code {
            url.query_pairs_mut().append_pair("code", code);
        }
        let answer = self.services.call(BotCall::get(url, &self.app_token()?)).await?;
        match answer.status {
            200 => Ok(text_member(&answer.body, "token").map(str::to_owned)),
            404 => Ok(None),
            status => Err(BotCallError::Status { what: "GetToken", status }),
        }
    }

    /// Calls `exchange`: the user's token for a connection in exchange for `token`, which a client or a parent has obtained.
    /// `None` if the Token Service refuses.
    pub(in crate::dev) async fn exchange(&self, connection: &str, token: &str) -> Result<Option<String>, BotCallError> {
        let url = self.user_token_url("exchange", connection)?;
        let (own, body) = (self.app_token()?, json!({ "token": token }));
        let call = BotCall { method: "POST", body: Some(&body), ..BotCall::get(url, &own) };
        let answer = self.services.call(call).await?;
        Ok(text_member(&answer.body, "token").filter(|_| answer.is_success()).map(str::to_owned))
    }

    /// Greets the user by the name that the user's token gives access to.
    pub(in crate::dev) async fn greet(&self, token: &str) -> Result<(), BotCallError> {
        let name = self.read_name(token).await?;
        let is_skill = self.services.directory.find_skill(self.bot.name).is_some();
        let greeting = if is_skill {
            format!("Hello {name}, this is {}.", self.bot.name)
        } else {
            format!("You are signed in as {name}")
        };
        self.send_text(&greeting).await
    }

    /// The user's name: a claim of a token for the bot's own API, what the directory answers to its own token, and what the
    /// protected resource answers to any other.
    async fn read_name(&self, token: &str) -> Result<String, BotCallError> {
        if let Ok(claims) = self.services.tokens.verify_for(token, self.bot.app_id) {
            let name = text_member(&claims, "name").map(str::to_owned);
            return name.ok_or(BotCallError::Unexpected("the token names no user"));
        }
        if let Some(directory) = find_issuer(token) {
            let url = self.services.gateway_url(&format!("/oauth/v4/{}/userinfo", directory.tenant_id))?;
            let answer = self.services.call(BotCall::get(url, token)).await?;
            let name = text_member(&answer.body, "name").filter(|_| answer.status == 200).map(str::to_owned);
            return name.ok_or(BotCallError::Status { what: "userinfo", status: answer.status });
        }
        let url = format!("{}/graph/v1.0/me", self.services.addresses.http_base);
        let url = Url::parse(&url).map_err(|_| BotCallError::Unexpected("the resource has no address"))?;
        let answer = self.services.call(BotCall::get(url, token)).await?;
        let name = text_member(&answer.body, "displayName").filter(|_| answer.status == 200).map(str::to_owned);
        name.ok_or(BotCallError::Status { what: "the protected resource", status: answer.status })
    }

    /// Sends a message with `text` to the conversation.
    pub(in crate::dev) async fn send_text(&self, text: &str) -> Result<(), BotCallError> {
        self.send_message(json!({ "text": text })).await
    }

    /// Sends an OAuth card that is built from the answer of `GetSignInResource`.
    pub(in crate::dev) async fn send_sign_in_card(&self, connection: &str) -> Result<(), BotCallError> {
        let mut url = self.services.gateway_url("/api/botsignin/GetSignInResource")?;
        url.query_pairs_mut().append_pair("state", &self.sign_in_state(connection));
        let resource = self.services.call(BotCall::get(url, &self.app_token()?)).await?;
        if resource.status != 200 {
            return Err(BotCallError::Status { what: "GetSignInResource", status: resource.status });
        }
        let link = resource.body.get("signInLink").cloned().unwrap_or_default();
        let mut content = json!({
            "text": "Please sign in",
            "connectionName": connection,
            "buttons": [{"type": "signin", "title": "Sign in", "value": link}],
        });
        // The member is left out when there is none, because Teams refuses a card with a null here.
        if let (Value::Object(members), Some(exchange)) = (&mut content, resource.body.get("tokenExchangeResource")) {
            members.insert("tokenExchangeResource".to_owned(), exchange.clone());
        }
        self.send_message(json!({
            "attachments": [{"contentType": "application/vnd.microsoft.card.oauth", "content": content}]
        }))
        .await
    }

    /// The `state` parameter of `GetSignInResource`: base64 of the JSON that the SDKs put into it.
    fn sign_in_state(&self, connection: &str) -> String {
        let mut state = json!({
            "connectionName": connection,
            "conversation": {
                "activityId": self.activity.get("id"),
                "user": self.activity.get("from"),
                "bot": self.activity.get("recipient"),
                "conversation": self.activity.get("conversation"),
                "channelId": self.activity.get("channelId"),
                "serviceUrl": self.activity.get("serviceUrl"),
            },
            "msAppId": self.bot.app_id,
        });
        // A parent names the conversation with the user here.
        if let (Value::Object(members), Some(relates_to)) = (&mut state, self.activity.get("relatesTo")) {
            members.insert("relatesTo".to_owned(), relates_to.clone());
        }
        STANDARD.encode(state.to_string())
    }

    /// Posts a message to the activity's conversation; `members` are added to the message.
    async fn send_message(&self, members: Value) -> Result<(), BotCallError> {
        let mut message = json!({
            "type": "message",
            "from": self.activity.get("recipient"),
            "recipient": self.activity.get("from"),
            "conversation": self.activity.get("conversation"),
            "channelId": self.activity.get("channelId"),
            "replyToId": self.activity.get("id"),
        });
        if let (Value::Object(message), Value::Object(members)) = (&mut message, members) {
            message.extend(members);
        }
        let (audience, timeout) = match self.sender {
            Sender::Channel => (Resource::BotFramework, CALL_TIMEOUT),
            Sender::Parent(parent) => (self.services.audience_of(parent)?, SKILL_HOST_TIMEOUT),
        };
        let service_url = text_member(self.activity, "serviceUrl").unwrap_or_default();
        let call = BotCall {
            method: "POST",
            url: activities_url(service_url, id_of_member(self.activity, "conversation"), None)?,
            token: &self.services.app_token(self.bot, audience)?,
            conversation: None,
            body: Some(&message),
            timeout,
        };
        let answer = self.services.call(call).await?;
        if answer.is_success() {
            Ok(())
        } else {
            Err(BotCallError::Status { what: "the connector", status: answer.status })
        }
    }

    /// The bearer token with which the bot calls the Token Service.
    fn app_token(&self) -> Result<String, BotCallError> {
        self.services.app_token(self.bot, Resource::BotFramework)
    }

    /// The URL of an operation of the Token Service about the activity's user.
    fn user_token_url(&self, operation: &str, connection: &str) -> Result<Url, BotCallError> {
        let mut url = self.services.gateway_url(&format!("/api/usertoken/{operation}"))?;
        url.query_pairs_mut()
            .append_pair("userId", id_of_member(self.activity, "from"))
            .append_pair("connectionName", connection)
            .append_pair("channelId", text_member(self.activity, "channelId").unwrap_or_default());
        Ok(url)
    }
}

/// The directory whose token this seems to be. Nothing is verified: the directory itself is asked with the token.
fn find_issuer(token: &str) -> Option<&'static DirectoryEntry> {
    let claims = unverified_claims(token)?;
    let tenant = text_member(&claims, "tenant")?;
    DIRECTORIES.iter().find(|directory| directory.tenant_id == tenant)
}
