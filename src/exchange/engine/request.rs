use std::borrow::Cow;
use std::sync::Arc;

use tokio::time::Instant;

use super::acquisition::AcquisitionRequest;
use crate::domain::{Account, Bot, Connection, ConversationId, ExchangeableToken, TokenSlot};
use crate::exchange::{Evidence, Reason, Refusal};
use crate::observability::{AuditEntry, AuditEvent};

/// A request to exchange a validated token.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// The bot that gets the user token.
    pub bot: Arc<Bot>,
    /// The connection that the token is exchanged for.
    pub connection: Arc<Connection>,
    /// The account that the token is said to belong to, and that the user token is kept for.
    pub account: Account,
    /// What vouches that the token belongs to the account.
    pub evidence: Evidence,
    /// The client's token.
    pub token: ExchangeableToken,
    /// Identifies the request in the logs here and at the issuer.
    pub correlation_id: String,
    /// The identity provider must answer by this time.
    pub deadline: Instant,
    /// The caller gets a reply by this time.
    pub answer_by: Instant,
}

impl ExchangeRequest {
    /// What the request wants obtained.
    pub(super) fn acquisition(&self) -> AcquisitionRequest<'_> {
        let is_shown_by_channel = self.account.parent().is_none() && !matches!(self.evidence, Evidence::Bot(_));
        AcquisitionRequest {
            connection: &self.connection,
            slot: TokenSlot::new(&self.account, &self.connection.name),
            token: &self.token,
            security_context: self.token.security_context,
            correlation_id: &self.correlation_id,
            deadline: self.deadline,
            shown_by_channel_of: is_shown_by_channel.then_some(&self.bot),
        }
    }

    /// The card that the request answers, if it names one.
    pub(super) fn card_id(&self) -> Option<&str> {
        self.evidence.activity()?.card_id.as_deref()
    }

    /// Writes the audit line of a refusal because the token's user is not the account's.
    pub(super) fn audit_mismatch(&self, refusal: &Refusal) {
        if let Reason::IdentityMismatch(check) = refusal.reason {
            let entry = AuditEntry::new(AuditEvent::IdentityMismatch).account(&self.account).user(&self.token.user);
            entry.connection(self.connection.name.as_str()).correlation_id(&self.correlation_id).detail(check).write();
        }
    }

    /// The parts that identify an exchange: requests with equal parts are duplicates (docs/architecture.md §Dedup). An
    /// action is identified by its token. All users of one card send the same id with it, and so does one user who comes
    /// back with a better token.
    pub(super) fn name_parts(&self) -> [Cow<'_, str>; 8] {
        let [holder, realm, subject] = self.account.key_parts();
        let user = &self.token.user;
        [
            holder,
            realm,
            self.evidence.conversation_id().map_or("", ConversationId::as_str).into(),
            subject,
            self.connection.name.as_str().into(),
            self.card_id()
                .filter(|_| !self.evidence.is_action())
                .map_or_else(|| Cow::Owned(self.token.digest()), Cow::Borrowed),
            user.issuer().into(),
            user.subject().into(),
        ]
    }
}
