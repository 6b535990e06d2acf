use std::borrow::Cow;
use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::{Account, Bot, Connection, ExchangeableToken, TokenSlot};
use crate::exchange::Evidence;

/// A validated token and the circumstances in which it arrived.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// The bot it is for.
    pub bot: Arc<Bot>,
    /// The connection it is for.
    pub connection: Arc<Connection>,
    /// Whose token it is said to be, and where the exchanged one is kept.
    pub account: Account,
    /// What vouches for that.
    pub evidence: Evidence,
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
        TokenSlot::new(&self.account, &self.connection.name)
    }

    /// The card that the request answers, if it names one.
    pub(super) fn card_id(&self) -> Option<&str> {
        self.evidence.activity()?.card_id.as_deref()
    }

    /// What tells one exchange from another (DESIGN §3, Dedup).
    pub(super) fn name_parts(&self) -> [Cow<'_, str>; 8] {
        let [holder, realm, subject] = self.account.key_parts();
        let user = &self.token.user;
        [
            holder,
            realm,
            self.evidence.conversation_id().unwrap_or_default().into(),
            subject,
            self.connection.name.as_str().into(),
            self.card_id().map_or_else(|| Cow::Owned(self.token.digest()), Cow::Borrowed),
            user.issuer().into(),
            user.subject().into(),
        ]
    }
}
