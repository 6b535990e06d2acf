use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::hosted::HostedConversations;
use crate::dev::addresses::Addresses;
use crate::dev::error::StageError;
use crate::dev::gateway_address::GatewayAddress;
use crate::dev::tenant::{BotEntry, ClientProof, Directory, Resource, TokenIssuer};
use crate::outbound::{Outbound, OutboundError, RelayHeaders, RelayRequest};

/// The time limit for a call that no other call hangs on.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
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
    pub(in crate::dev) hosted: HostedConversations,
}

/// A call of a demo bot.
pub(super) struct BotCall<'a> {
    pub(super) method: &'a str,
    pub(super) url: Url,
    /// The bearer token.
    pub(super) token: &'a str,
    /// The conversation for the header `x-ms-conversation-id`, with which a bot calls a skill.
    pub(super) conversation: Option<&'a str>,
    /// The JSON body.
    pub(super) body: Option<&'a Value>,
    pub(super) timeout: Duration,
}

impl<'a> BotCall<'a> {
    /// A GET request with the usual time limit.
    pub(super) const fn get(url: Url, token: &'a str) -> Self {
        Self { method: "GET", url, token, conversation: None, body: None, timeout: CALL_TIMEOUT }
    }

    fn into_request(self) -> RelayRequest {
        let mut headers = RelayHeaders::default();
        headers.append("authorization", format!("Bearer {}", self.token).as_bytes());
        if self.body.is_some() {
            headers.append("content-type", b"application/json");
        }
        if let Some(id) = self.conversation {
            headers.append("x-ms-conversation-id", id.as_bytes());
        }
        let body = self.body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        RelayRequest { method: self.method.to_owned(), url: self.url, headers, body, counted_as: "".into() }
    }
}

/// The answer to a call of a demo bot.
pub(super) struct BotCallAnswer {
    pub(super) status: u16,
    /// The body; `Null` if it is no JSON.
    pub(super) body: Value,
}

impl BotCallAnswer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl BotServices {
    /// A bearer token of `bot` itself. A real bot requests it from the tenant; the stage is the tenant and makes it directly.
    pub(super) fn app_token(&self, bot: &BotEntry, audience: Resource<'_>) -> Result<String, BotCallError> {
        let app = self.directory.find_app(bot.app_id).ok_or(BotCallError::Unexpected("the bot is not registered"))?;
        let tid = self.directory.main_tenant_id();
        Ok(self.tokens.mint_app_token(app, ClientProof::Secret, audience, tid)?)
    }

    /// `bot` as the audience of a token with which another bot calls it.
    pub(super) fn audience_of(&self, bot: &BotEntry) -> Result<Resource<'_>, BotCallError> {
        let app = self.directory.find_app(bot.app_id);
        app.map(Resource::App).ok_or(BotCallError::Unexpected("the called bot is not registered"))
    }

    /// The URL of a path of the gateway.
    pub(super) fn gateway_url(&self, path: &str) -> Result<Url, BotCallError> {
        let gateway = self.gateway.find().ok_or(BotCallError::NoGateway)?;
        gateway.join(path).map_err(|_| BotCallError::NoGateway)
    }

    /// Sends a request, and reads the whole answer.
    pub(super) async fn call(&self, call: BotCall<'_>) -> Result<BotCallAnswer, BotCallError> {
        let deadline = Instant::now() + call.timeout;
        let answer = self.outbound.relay(call.into_request(), deadline).await?;
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
        Ok(BotCallAnswer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }
}

/// The URL of the activities of a conversation, or of one of them, below a `serviceUrl`.
pub(super) fn activities_url(
    service_url: &str,
    conversation: &str,
    activity: Option<&str>,
) -> Result<Url, BotCallError> {
    let mut url = Url::parse(service_url).map_err(|_| BotCallError::Unexpected("the service URL is no URL"))?;
    url.path_segments_mut()
        .map_err(|()| BotCallError::Unexpected("the service URL is no URL"))?
        .pop_if_empty()
        .extend(["v3", "conversations", conversation, "activities"])
        .extend(activity);
    Ok(url)
}
