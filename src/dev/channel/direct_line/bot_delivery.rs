use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::conversation::Conversation;
use crate::dev::channel::issuer::ChannelIssuer;
use crate::dev::gateway_address::GatewayAddress;
use crate::outbound::{HttpAnswer, Outbound, OutboundError, RequestHeader};

/// The time limit for a bot's answer, as at the real service (docs/protocols/bot-auth-and-skills.md §6.1).
pub(in crate::dev) const BOT_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a bot did not take an activity. A client of Direct Line learns no more than this: the body of the bot's answer stays
/// here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BotFailure {
    #[error("Failed to send activity: bot timed out")]
    TimedOut,
    #[error("Failed to send activity: bot could not be reached")]
    Unreachable,
    /// The bot answered with a status outside of 2xx.
    #[error("Failed to send activity: bot returned an error")]
    Rejected(BotAnswer),
}

/// What a bot answered to an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BotAnswer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl BotAnswer {
    /// The answer to an invoke in the form that Bot Framework gives it in a text: status and body. A body that is not JSON
    /// becomes a text, and one that is empty is left out.
    pub(super) fn invoke_response(&self) -> Value {
        let text = || Value::from(String::from_utf8_lossy(&self.body));
        match serde_json::from_slice(&self.body).unwrap_or_else(|_| text()) {
            Value::String(empty) if empty.is_empty() => json!({ "status": self.status }),
            body => json!({ "status": self.status, "body": body }),
        }
    }
}

impl BotFailure {
    /// `code` of the error object.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::TimedOut | Self::Unreachable => "BotError",
            Self::Rejected(_) => "BotRejectedActivity",
        }
    }

    /// `httpStatusCode` beside the error object.
    pub(super) const fn http_status(&self) -> u16 {
        match self {
            Self::TimedOut => 504,
            Self::Unreachable => 502,
            Self::Rejected(answer) => answer.status,
        }
    }
}

/// Sends activities to bots, through the gateway and with channel tokens.
pub(in crate::dev) struct BotDelivery {
    pub(in crate::dev) gateway: Arc<GatewayAddress>,
    pub(in crate::dev) issuer: Arc<ChannelIssuer>,
    pub(in crate::dev) outbound: Outbound,
    /// The time limit for a bot's answer.
    pub(in crate::dev) timeout: Duration,
}

impl BotDelivery {
    /// Sends an activity to the bot of `conversation`, and waits for the answer.
    pub(super) async fn deliver(&self, conversation: &Conversation, activity: &Value) -> Result<BotAnswer, BotFailure> {
        let delivered = self.try_deliver(conversation, activity).await;
        if let Err(failure) = &delivered {
            let (bot, status) = (conversation.bot.name, failure.http_status());
            tracing::warn!(bot, status, %failure, "a bot did not take an activity of Direct Line");
        }
        delivered
    }

    async fn try_deliver(&self, conversation: &Conversation, activity: &Value) -> Result<BotAnswer, BotFailure> {
        let url = self.messages_url(conversation).ok_or(BotFailure::Unreachable)?;
        let token = self
            .issuer
            .mint(conversation.bot.app_id, &self.issuer.addresses.service_url(), &self.issuer.keys.endorsed)
            .map_err(|_| BotFailure::Unreachable)?;
        let authorization = format!("Bearer {token}");
        let headers = [RequestHeader::new("authorization", &authorization)];
        let body = Bytes::from(activity.to_string());
        match self.outbound.post_json(&url, &headers, body, Instant::now() + self.timeout).await {
            Ok(HttpAnswer { status, body, .. }) if (200..300).contains(&status) => Ok(BotAnswer { status, body }),
            // The gateway's own statuses for a bot that is too slow or is not there.
            Ok(HttpAnswer { status: 504, .. }) | Err(OutboundError::TimedOut) => Err(BotFailure::TimedOut),
            Ok(HttpAnswer { status: 502, .. }) | Err(_) => Err(BotFailure::Unreachable),
            Ok(HttpAnswer { status, body, .. }) => Err(BotFailure::Rejected(BotAnswer { status, body })),
        }
    }

    /// The address at which the gateway takes activities for the bot; `None` while no gateway is attached to the stage.
    fn messages_url(&self, conversation: &Conversation) -> Option<Url> {
        self.gateway.find()?.join(&format!("/bots/{}/api/messages", conversation.bot.name)).ok()
    }
}
