use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::known_cards::KnownCards;
use super::{PendingSignIn, SignInOffer};
use crate::domain::{Account, ConnectionName, ConversationId, RecordKey, Timestamp};
use crate::records::catalogue::{self, CLIENT_FAILURE_LIFETIME};
use crate::records::{Collection, Content, Kind, OpenedRecord, Plaintext, RecordError, Records, encode_json};

/// Failures that count per account at the same time. When clients report more, the oldest is dropped.
const MAX_PER_ACCOUNT: usize = 32;
/// Attempts to change a record by compare-and-put while other callers change the same record.
const MAX_CAS_ATTEMPTS: usize = 8;

/// What clients have reported that they could not do: sign in silently for a connection in a conversation. For fifteen
/// minutes, or until a sign-in succeeds, the next cards there offer no silent sign-in.
pub(super) struct ClientFailures {
    records: Records,
    failures: Collection<FailuresRecord>,
    known: Arc<KnownCards>,
}

/// The failures of one account, oldest first.
#[derive(Serialize, Deserialize)]
struct FailuresRecord {
    failures: Vec<ClientFailure>,
}

#[derive(Serialize, Deserialize)]
struct ClientFailure {
    connection: String,
    /// `None` if the card named no conversation.
    conversation: Option<String>,
    /// In milliseconds since the Unix epoch.
    reported_at: i64,
}

impl Content for FailuresRecord {
    const KIND: &'static Kind = &catalogue::CLIENT_FAILURES;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl ClientFailure {
    fn ends_at(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.reported_at).plus(CLIENT_FAILURE_LIFETIME)
    }

    fn is_of(&self, connection: &ConnectionName, conversation: Option<&ConversationId>) -> bool {
        // An earlier version kept the thread of a message as a part of the id.
        let own = self.conversation.as_deref().map(ConversationId::new);
        self.connection == connection.as_str() && own.as_ref() == conversation
    }
}

impl ClientFailures {
    /// Keeps failures in `records`. `known` says which accounts may have some.
    pub(super) fn new(records: &Records, known: Arc<KnownCards>) -> Self {
        Self { records: records.clone(), failures: Collection::new(records), known }
    }

    /// Whether a client has reported a failure for the account, the connection and the conversation of `offer`.
    pub(super) async fn has_failed(&self, offer: &SignInOffer) -> Result<bool, RecordError> {
        let Some(record) = self.find(&offer.account).await? else { return Ok(false) };
        let now = self.now();
        // An offer that names no conversation may be shown in any.
        let may_be_there = |failure: &ClientFailure| match offer.conversation.as_ref() {
            None => failure.connection == offer.connection.as_str(),
            conversation => failure.is_of(&offer.connection, conversation),
        };
        let counts = |failure: &ClientFailure| now < failure.ends_at() && may_be_there(failure);
        Ok(record.content.failures.iter().any(counts))
    }

    /// Records that a client in `conversation` could not use the card of `failed`. A card that names no conversation
    /// may be followed by one that does, so the failure then counts for both.
    pub(super) async fn add(&self, failed: &PendingSignIn, conversation: &ConversationId) -> Result<(), RecordError> {
        let now = self.now();
        let mut conversations = vec![Some(conversation)];
        if failed.conversation.is_none() {
            conversations.push(None);
        }
        self.change(&failed.account, |failures| {
            for conversation in &conversations {
                failures.retain(|failure| !failure.is_of(&failed.connection, *conversation));
                failures.push(ClientFailure {
                    connection: failed.connection.to_string(),
                    conversation: conversation.map(ToString::to_string),
                    reported_at: now.unix_millis(),
                });
            }
        })
        .await
    }

    /// Ends the failures for `connection` in `conversation`, and those for cards that named no conversation, because a
    /// sign-in there has succeeded. Reads no disk if the account certainly has none.
    pub(super) async fn end(
        &self,
        account: &Account,
        connection: &ConnectionName,
        conversation: Option<&ConversationId>,
    ) -> Result<(), RecordError> {
        if !self.may_have_any(account) {
            return Ok(());
        }
        // Boxed, so that it adds nothing to the state of the exchange of an account that certainly has none.
        Box::pin(self.end_stored(account, connection, conversation)).await
    }

    async fn end_stored(
        &self,
        account: &Account,
        connection: &ConnectionName,
        conversation: Option<&ConversationId>,
    ) -> Result<(), RecordError> {
        if self.find(account).await?.is_none() {
            return Ok(());
        }
        let is_ended =
            |failure: &ClientFailure| failure.is_of(connection, conversation) || failure.is_of(connection, None);
        self.change(account, |failures| failures.retain(|failure| !is_ended(failure))).await
    }

    async fn change(&self, account: &Account, change: impl Fn(&mut Vec<ClientFailure>)) -> Result<(), RecordError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let (mut failures, stored) = match self.find(account).await? {
                Some(OpenedRecord { content, stored }) => (content.failures, Some(stored)),
                None => (Vec::new(), None),
            };
            let now = self.now();
            failures.retain(|failure| now < failure.ends_at());
            change(&mut failures);
            failures.drain(..failures.len().saturating_sub(MAX_PER_ACCOUNT));
            // A record without failures expires at once.
            let expires_at = failures.iter().map(ClientFailure::ends_at).max().unwrap_or(now);
            let record = self.failures.seal_until(self.key(account), &FailuresRecord { failures }, expires_at)?;
            let mark = self.known.mark_client_failures(account);
            self.known.add([mark], expires_at, now);
            if self.failures.compare_and_put(stored, record).await? {
                return Ok(());
            }
        }
        tracing::warn!(
            bot = account.holder.as_str(),
            "a client's failure is lost: others changed the record meanwhile"
        );
        Ok(())
    }

    async fn find(&self, account: &Account) -> Result<Option<OpenedRecord<FailuresRecord>>, RecordError> {
        if !self.may_have_any(account) {
            return Ok(None);
        }
        self.failures.get(self.key(account)).await
    }

    fn may_have_any(&self, account: &Account) -> bool {
        let mark = || self.known.mark_client_failures(account);
        self.known.may_be_stored(mark, || self.key(account), || self.now())
    }

    fn key(&self, account: &Account) -> RecordKey {
        self.failures.key_from_texts(&account.key_parts())
    }

    fn now(&self) -> Timestamp {
        self.records.clock().now()
    }
}
