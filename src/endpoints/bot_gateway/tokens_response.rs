use std::sync::Arc;

use bytes::Bytes;

use super::BotGateway;
use super::admitted::Inbound;
use crate::bot_connector::{ForwardedRequest, Notification, TokenKeptCheck};
use crate::domain::{Account, Bot, Connection, ExchangeKey, TokenSlot, UserToken};
use crate::protocol::{TokenResponse, TokensResponseEvent, iso_8601};

/// A `tokens/response` event that lacks only the token, and what its delivery needs.
pub(super) struct TokensResponseDelivery {
    bot: Arc<Bot>,
    event: TokensResponseEvent,
    headers: ForwardedRequest,
    channel_id: String,
    conversation_id: String,
    correlation_id: String,
    account: Account,
    key: ExchangeKey,
}

impl TokensResponseDelivery {
    /// Prepares an event with this request's addresses and bearer, which is valid for the same bot, channel and service
    /// URL (docs/architecture.md §Life of a silent sign-in). The event continues the exchange `key`.
    pub(super) fn for_request(inbound: &Inbound<'_>, key: ExchangeKey) -> Self {
        Self {
            bot: Arc::clone(&inbound.bot),
            event: TokensResponseEvent::for_activity(&inbound.body),
            headers: inbound.forwarded(Bytes::new()),
            channel_id: inbound.channel_id.clone(),
            conversation_id: inbound.conversation_id.clone(),
            correlation_id: inbound.correlation_id.clone(),
            account: inbound.account(),
            key,
        }
    }

    /// Starts the delivery of the event. Its id is the same in every attempt.
    pub(super) fn send(self, gateway: &BotGateway, connection: &Arc<Connection>, token: &UserToken) {
        let response = TokenResponse {
            channel_id: Some(&self.channel_id),
            connection_name: connection.name.as_str(),
            token: token.access_token.expose(),
            expiration: iso_8601(token.expires_at),
        };
        let body = Bytes::from(self.event.complete(&self.key.activity_id(), &response));
        let slot = TokenSlot::new(&self.account, &connection.name);
        let (tokens, connection, user) = (gateway.tokens.clone(), Arc::clone(connection), token.user.clone());
        let is_token_kept: TokenKeptCheck = Box::new(move || {
            let (tokens, connection, slot, user) = (tokens.clone(), connection.clone(), slot.clone(), user.clone());
            Box::pin(async move { tokens.is_kept(&slot, &connection, &user).await.ok() })
        });
        gateway.delivery.start(Notification {
            bot: self.bot,
            request: self.headers.with_json(body),
            conversation_id: self.conversation_id,
            key: self.key,
            signed_in_at: token.signed_in_at,
            is_token_kept,
            correlation_id: self.correlation_id,
        });
    }
}
