use super::outcome::{Reason, Refusal};
use super::user_rates::UserRates;
use crate::domain::{Account, Bot, ConversationId};

/// The sender of a token that is to be exchanged. If the token is refused, the refusal counts against the sender's limit.
#[derive(Clone, Copy, Debug)]
pub struct TokenSender<'a> {
    /// The bot that the token is for.
    pub bot: &'a Bot,
    /// The account that the sender states.
    pub account: &'a Account,
    /// The conversation that the token was sent in, if it is known.
    pub conversation_id: Option<&'a ConversationId>,
    /// The id of the request.
    pub correlation_id: &'a str,
}

impl TokenSender<'_> {
    /// Counts a refusal as a guess, because the sender learns something about the account or the connection from it; an
    /// outage does not count. Returns the refusal, or that the sender asks too often.
    ///
    /// Where clients choose their user ids, a stranger can state the id of another user. Such a refusal counts against a
    /// limit of the id in this one conversation, so that the stranger cannot use up the limit of the genuine user.
    pub async fn charge_refusal(&self, rates: &UserRates, refusal: Refusal) -> Refusal {
        if matches!(refusal.reason, Reason::TemporarilyUnavailable(_)) {
            return refusal;
        }
        let charged = if self.bot.has_verified_id(self.account) {
            rates.charge(self.account, self.correlation_id).await
        } else {
            rates.charge_unverified(self.account, self.conversation_id, self.correlation_id).await
        };
        match charged {
            Ok(()) => refusal,
            Err(limited) => limited.into(),
        }
    }
}
