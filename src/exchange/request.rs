use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::{Account, Bot, Connection, ExchangeableToken, TokenSlot};

/// Who brought the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A channel, which vouches for the activity's user as far as it can.
    Channel,
    /// The bot itself, which asks its Token Service for a token that an invoke brought it. It states who the user is; that
    /// this user was to sign in at all is proven by the card it had asked for before.
    Bot,
    /// A parent bot.
    Parent {
        /// Its app id, lower-case.
        app_id: String,
    },
}

/// The conversation in which the token arrived.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Whether others see its cards.
    pub shared: bool,
    /// The tenants the activity names for it.
    pub tenant_ids: Vec<String>,
}

/// A validated token and the circumstances in which it arrived.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// The bot it is for.
    pub bot: Arc<Bot>,
    /// The connection it is for.
    pub connection: Arc<Connection>,
    /// Who brought it.
    pub caller: Caller,
    /// The activity's user.
    pub account: Account,
    /// Where.
    pub conversation: Conversation,
    /// The Entra object id that the channel states for the user.
    pub aad_object_id: Option<String>,
    /// The card's exchange id, or a digest of the token.
    pub exchange_id: String,
    /// Whether `exchange_id` came from a card.
    pub names_card: bool,
    /// The token.
    pub token: ExchangeableToken,
    /// For logs here and at the issuer.
    pub correlation_id: String,
    /// The identity provider's part ends here.
    pub deadline: Instant,
    /// The caller is answered by here.
    pub answer_by: Instant,
}

impl ExchangeRequest {
    /// Where the token is to be kept.
    pub(super) fn slot(&self) -> TokenSlot {
        TokenSlot { account: self.account.clone(), connection: self.connection.name.clone() }
    }
}
