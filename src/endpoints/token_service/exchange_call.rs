use std::sync::Arc;

use tokio::time::Instant;

use super::TokenService;
use super::replies::{Decline, SdkErrorStyle};
use crate::domain::{Bot, Connection, TokenSlot};
use crate::exchange::{ObtainedToken, Reason, Refusal, ResourceScope, TokenSender, WantedToken};

/// A bot's call that needs an exchange, and the time at which it began.
pub(super) struct ExchangeCall<'a> {
    pub(super) service: &'a TokenService,
    pub(super) bot: Arc<Bot>,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) channel_id: Option<&'a str>,
    pub(super) slot: TokenSlot,
    pub(super) correlation_id: String,
    pub(super) begun: Instant,
}

impl ExchangeCall<'_> {
    /// The user's token for the connection itself.
    fn wanted(&self) -> WantedToken<'_> {
        WantedToken { bot: &self.bot, slot: &self.slot, connection: self.connection }
    }

    /// The user's present token for the connection itself.
    pub(super) async fn present_token(&self) -> ObtainedToken {
        self.service.tokens.get(self.wanted()).await
    }

    /// The signed-in user's token for another resource.
    pub(super) async fn resource_token(&self, scope: &ResourceScope) -> Result<ObtainedToken, Refusal> {
        self.service.resources.get(self.wanted(), scope, &self.correlation_id).await
    }

    /// Counts a token that fails its validation against the limit of the user whom the bot names. The engine counts the
    /// other refusals. A bot's call names no conversation.
    pub(super) async fn charge_sender(&self, refusal: Refusal) -> Refusal {
        let sender = TokenSender {
            bot: &self.bot,
            account: &self.slot.account,
            conversation_id: None,
            correlation_id: &self.correlation_id,
        };
        sender.charge_refusal(&self.service.rates, refusal).await
    }

    /// Logs the refusal, and answers it in the style of the bot's SDK.
    pub(super) fn refused(&self, refusal: &Refusal) -> Decline {
        self.report(refusal);
        self.refused_for(refusal.reason)
    }

    /// Logs the refusal and counts it.
    pub(super) fn report(&self, refusal: &Refusal) {
        let (bot, connection) = (self.bot.name.as_str(), self.connection.name.as_str());
        refusal.report(&self.service.counters, bot, Some(connection), &self.correlation_id);
    }

    /// Answers a refusal that has been logged already.
    pub(super) fn refused_for(&self, reason: Reason) -> Decline {
        let style = SdkErrorStyle {
            style: self.bot.refusal_style,
            channel_id: self.channel_id.map(str::to_owned),
            connection_name: self.connection.name.to_string(),
        };
        Decline::RefusedInStyle(reason, style)
    }
}
