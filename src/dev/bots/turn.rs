use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::dev::addresses::Addresses;
use crate::dev::error::StageError;
use crate::dev::gateway_address::GatewayAddress;
use crate::dev::jwt::text_member;
use crate::dev::tenant::{BotEntry, ClientProof, Directory, Resource, TokenIssuer};
use crate::outbound::{Outbound, OutboundError, RelayRequest, RequestHeader};

/// The time limit for each call of a demo bot.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The size limit of an answer that a demo bot reads.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Why a demo bot could not finish a turn.
#[derive(Debug, thiserror::Error)]
pub(in crate::dev) enum BotCallError {
    #[error("the gateway is not attached to the stage yet")]
    NoGateway,
    #[error("the bot has no connection")]
    NoConnection,
    #[error("{0}")]
    Unexpected(&'static str),
    #[error("{what} answered {status}")]
    Status { what: &'static str, status: u16 },
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error(transparent)]
    Stage(#[from] StageError),
}

/// The services that the demo bots use for their calls.
pub(in crate::dev) struct BotServices {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) gateway: Arc<GatewayAddress>,
    pub(in crate::dev) outbound: Outbound,
}

/// One activity that a demo bot is handling.
pub(in crate::dev) struct BotTurn<'a> {
    pub(in crate::dev) services: &'a BotServices,
    pub(in crate::dev) bot: &'a BotEntry,
    pub(in crate::dev) activity: &'a Value,
}

impl<'a> BotTurn<'a> {
    /// The names of the bot's connections, the default one first.
    pub(in crate::dev) fn connections(&self) -> impl Iterator<Item = &'a str> {
        let bot = self.bot.name;
        self.services.directory.connections.iter().filter(move |entry| entry.bot == bot).map(|entry| entry.name)
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
        let mut url = self.token_service_url("/api/usertoken/GetToken")?;
        url.query_pairs_mut()
            .append_pair("userId", self.id_of_member("from"))
            .append_pair("connectionName", connection)
            .append_pair("channelId", text_member(self.activity, "channelId").unwrap_or_default());
        if let Some(code) = code {
            url.query_pairs_mut().append_pair("code", code);
        }
        match self.get_json(url, &self.app_token()?).await? {
            (200, answer) => Ok(text_member(&answer, "token").map(str::to_owned)),
            (404, _) => Ok(None),
            (status, _) => Err(BotCallError::Status { what: "GetToken", status }),
        }
    }

    /// Calls the protected resource with the user's token, and writes the user's name into the conversation.
    pub(in crate::dev) async fn say_who_user_is(&self, token: &str) -> Result<(), BotCallError> {
        let url = format!("{}/graph/v1.0/me", self.services.addresses.http_base);
        let url = Url::parse(&url).map_err(|_| BotCallError::Unexpected("the resource has no address"))?;
        let (status, me) = self.get_json(url, token).await?;
        match text_member(&me, "displayName") {
            Some(name) if status == 200 => self.send_text(&format!("You are signed in as {name}")).await,
            _ => Err(BotCallError::Status { what: "the protected resource", status }),
        }
    }

    /// Sends a message with `text` to the conversation.
    pub(in crate::dev) async fn send_text(&self, text: &str) -> Result<(), BotCallError> {
        self.send_message(json!({ "text": text })).await
    }

    /// Sends an OAuth card that is built from the answer of `GetSignInResource`.
    pub(in crate::dev) async fn send_sign_in_card(&self, connection: &str) -> Result<(), BotCallError> {
        let mut url = self.token_service_url("/api/botsignin/GetSignInResource")?;
        url.query_pairs_mut().append_pair("state", &self.sign_in_state(connection));
        let (status, resource) = self.get_json(url, &self.app_token()?).await?;
        if status != 200 {
            return Err(BotCallError::Status { what: "GetSignInResource", status });
        }
        let link = resource.get("signInLink").cloned().unwrap_or_default();
        let mut content = json!({
            "text": "Please sign in",
            "connectionName": connection,
            "buttons": [{"type": "signin", "title": "Sign in", "value": link}],
        });
        // The member is left out when there is none, because Teams refuses a card with a null here.
        if let (Value::Object(members), Some(exchange)) = (&mut content, resource.get("tokenExchangeResource")) {
            members.insert("tokenExchangeResource".to_owned(), exchange.clone());
        }
        self.send_message(json!({
            "attachments": [{"contentType": "application/vnd.microsoft.card.oauth", "content": content}]
        }))
        .await
    }

    /// The `state` parameter of `GetSignInResource`: base64 of the JSON that the SDKs put into it.
    fn sign_in_state(&self, connection: &str) -> String {
        let state = json!({
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
        let service_url = text_member(self.activity, "serviceUrl").unwrap_or_default();
        let mut url = Url::parse(service_url).map_err(|_| BotCallError::Unexpected("the service URL is no URL"))?;
        url.path_segments_mut()
            .map_err(|()| BotCallError::Unexpected("the service URL is no URL"))?
            .pop_if_empty()
            .extend(["v3", "conversations", self.id_of_member("conversation"), "activities"]);
        let authorization = format!("Bearer {}", self.app_token()?);
        let headers = [RequestHeader::new("authorization", &authorization)];
        let body = Bytes::from(message.to_string());
        let answer = self.services.outbound.post_json(&url, &headers, body, Instant::now() + CALL_TIMEOUT).await?;
        if (200..300).contains(&answer.status) {
            Ok(())
        } else {
            Err(BotCallError::Status { what: "the connector", status: answer.status })
        }
    }

    /// The bot's own bearer token. A real bot requests it from the tenant; the stage is the tenant and makes it directly.
    fn app_token(&self) -> Result<String, BotCallError> {
        let app = self
            .services
            .directory
            .find_app(self.bot.app_id)
            .ok_or(BotCallError::Unexpected("the bot is not registered"))?;
        let tid = self.services.directory.main_tenant_id();
        Ok(self.services.tokens.mint_app_token(app, ClientProof::Secret, Resource::BotFramework, tid)?)
    }

    fn token_service_url(&self, path: &str) -> Result<Url, BotCallError> {
        let gateway = self.services.gateway.find().ok_or(BotCallError::NoGateway)?;
        gateway.join(path).map_err(|_| BotCallError::NoGateway)
    }

    fn id_of_member(&self, member: &str) -> &'a str {
        self.activity.get(member).and_then(|member| text_member(member, "id")).unwrap_or_default()
    }

    /// Sends a GET request with a bearer token. Returns the status and the JSON body, or `Null` for any other body.
    async fn get_json(&self, url: Url, token: &str) -> Result<(u16, Value), BotCallError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let request = RelayRequest {
            method: "GET".to_owned(),
            url,
            headers: vec![("authorization".to_owned(), format!("Bearer {token}").into_bytes())],
            body: Bytes::new(),
        };
        let answer = self.services.outbound.relay(request, deadline).await?;
        let status = answer.status;
        let reading = async {
            let mut body = BytesMut::new();
            let mut chunks = std::pin::pin!(answer.into_stream());
            while let Some(chunk) = chunks.next().await {
                body.extend_from_slice(&chunk?);
                if body.len() > MAX_ANSWER_BYTES {
                    return Err(OutboundError::TooLarge);
                }
            }
            Ok(body)
        };
        let body = tokio::time::timeout_at(deadline, reading).await.map_err(|_| OutboundError::TimedOut)??;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}
