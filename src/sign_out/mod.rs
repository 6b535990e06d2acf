//! Sign-out: one operation that removes everything that is kept for a person, and the events that cause it.
//!
//! Owns the order of the removals, so that no exchange or refresh that is under way keeps a token afterwards, and the notices to
//! applications of directories. It deliberately knows neither where tokens are stored nor what else is kept: other rooms take
//! part by [`EndedAtSignOut`].

mod agent_lifecycle;
mod agent_user_data;
mod back_channel;
mod ending_accounts;
mod everywhere;
mod kept_counts;
mod logout_token_uses;
mod person_elements;
mod person_records;
mod unfinished_erasures;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::domain::{
    Account, Bot, ConnectionName, EndedAtSignOut, ExchangeObservation, ExchangeStep, LinkedKeys, Registrations,
    TokenSlot,
};
use crate::exchange::{StorageFailure, TokenSignOut};
use crate::observability::{AuditEntry, AuditEvent, carry};

use self::ending_accounts::{EndingAccount, list_accounts_at_skills};
use self::everywhere::MAX_RETRIES;

pub use agent_lifecycle::{AgentLifecycle, LifecycleEvent, LifecycleOrder};
pub use back_channel::{BackChannel, BackChannelParts, LogoutNotice};
pub use everywhere::{EndedEverywhere, EndedRecords};
pub use kept_counts::{KeptCounter, KeptCounts};
pub use logout_token_uses::LogoutTokenUses;
pub use person_elements::{PersonElements, PersonOverview, TokenElement};
pub use person_records::{ErasedPerson, PersonExport, PersonRecords};

/// A sign-out that is incomplete because the store failed. The caller should repeat it. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SignOutFailure(Box<dyn Error + Send + Sync>);

impl From<StorageFailure> for SignOutFailure {
    fn from(failure: StorageFailure) -> Self {
        Self(failure.into())
    }
}

/// The request that causes a sign-out, as the log and the audit stream name it.
#[derive(Clone, Debug)]
pub struct SignOutCause {
    /// The id of the request.
    pub correlation_id: String,
    /// The address of the client that asks; `None` if it is unknown, or if another service asks.
    pub client: Option<IpAddr>,
    /// At whose word.
    pub origin: SignOutOrigin,
}

/// At whose word a person is signed out everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutOrigin {
    /// The operator's.
    Operator,
    /// That of an operator who may only read. It stands in the audit stream, and ends nothing.
    OperatorReading,
    /// The person's own.
    User,
    /// That of the person's identity provider, by a logout token.
    IdentityProvider,
    /// That of the Agent 365 platform: the person is an agent user.
    AgentPlatform,
}

/// The other rooms that take part in a sign-out.
#[derive(Clone, Default)]
pub struct JoinedRooms {
    /// The collections from whose records new tokens follow, such as the sessions of directories' users. They end by a number that is
    /// raised, before any record is removed.
    pub sources: Vec<Arc<dyn EndedAtSignOut>>,
    /// The grants, which name the applications to tell. They end only after the applications were told; else nothing would say
    /// whom to tell when the sign-out is tried again.
    pub grants: Option<Arc<dyn EndedAtSignOut>>,
    /// The other collections.
    pub others: Vec<Arc<dyn EndedAtSignOut>>,
    /// What knows the keys of one person.
    pub links: Vec<Arc<dyn LinkedKeys>>,
    /// Tells applications of directories; `None` if there are no directories.
    pub back_channel: Option<BackChannel>,
}

/// Signs users out: of one connection, of all connections of an account, or everywhere. Tokens of exchanges and
/// refreshes that are under way are dropped when they arrive. Where the identity provider supports it, the removed
/// tokens are revoked there afterwards (docs/connections.md §Sign-out at the provider).
#[derive(Clone)]
pub struct SignOut {
    tokens: TokenSignOut,
    registrations: Arc<Registrations>,
    joined: JoinedRooms,
    observation: ExchangeObservation,
    /// The sign-outs everywhere that are being completed in the background.
    retries: Arc<Semaphore>,
}

impl SignOut {
    /// Removes `tokens` and the records of the rooms in `joined`, for the bots and connections in `registrations`, and tells
    /// `observation` of each sign-out.
    #[must_use]
    pub fn new(
        tokens: TokenSignOut,
        registrations: Arc<Registrations>,
        joined: JoinedRooms,
        observation: ExchangeObservation,
    ) -> Self {
        Self { tokens, registrations, joined, observation, retries: Arc::new(Semaphore::new(MAX_RETRIES)) }
    }

    /// Signs `account` out of `connection`, or of all connections of its bot if `connection` is `None`; then the pin is
    /// removed too, and another person may sign in next. With the channel's account, tokens that parent bots brought for the
    /// same user id are removed as well. With a parent's account, only what this parent brought is removed: a parent's word
    /// does not count as the channel's (docs/architecture.md §Security rules, rule 5). What skills of the bot got through it is
    /// removed as well, where the skill's bot is registered here. It is no error if there is nothing to remove.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails; some tokens may then still be kept: call again.
    pub async fn of_account(
        &self,
        account: &Account,
        connection: Option<&ConnectionName>,
    ) -> Result<(), SignOutFailure> {
        let (sign_out, account, connection) = (self.clone(), account.clone(), connection.cloned());
        run_to_end(async move { sign_out.end_account(&account, connection.as_ref()).await }).await
    }

    async fn end_account(&self, account: &Account, connection: Option<&ConnectionName>) -> Result<(), SignOutFailure> {
        // Without the bot, the tokens of its parents stay.
        let bot = self.registrations.find_bot(account.holder.as_str()).map(AsRef::as_ref);
        let bot = bot.filter(|_| account.parent().is_none());
        let known = self.registrations.list_connections(account.holder.as_str()).iter();
        let connections = known.filter(|known| connection.is_none_or(|name| known.name == *name)).cloned().collect();
        let ending = EndingAccount { account: account.clone(), connections, is_whole: connection.is_none() };
        self.end(bot, &ending).await?;
        tracing::info!(
            bot = account.holder.as_str(),
            channel = account.channel_name(),
            parent = account.parent(),
            connection = connection.map(ConnectionName::as_str),
            "an account was signed out"
        );
        self.observation.tell_without_request(|| ExchangeStep::SignedOut {
            bot: Some(account.holder.as_str()),
            connection: connection.map(ConnectionName::as_str),
            tokens_removed: None,
        });
        // This follows the parent's own tokens: no further token for a skill can be obtained with them.
        for at_skill in list_accounts_at_skills(&self.registrations, &ending) {
            self.end_at_skill(&at_skill).await?;
        }
        Ok(())
    }

    /// Signs out an account at a skill whose user has signed out at a parent. What other parents brought stays.
    async fn end_at_skill(&self, ending: &EndingAccount) -> Result<(), SignOutFailure> {
        self.end(None, ending).await?;
        let EndingAccount { account, connections, .. } = ending;
        for connection in connections {
            tracing::info!(
                bot = account.holder.as_str(),
                channel = account.channel_name(),
                parent = account.parent(),
                connection = connection.name.as_str(),
                "an account was signed out of a skill, because its user has signed out at a parent of the skill"
            );
            self.observation.tell_without_request(|| ExchangeStep::SignedOut {
                bot: Some(account.holder.as_str()),
                connection: Some(connection.name.as_str()),
                tokens_removed: None,
            });
        }
        Ok(())
    }

    /// Ends what is under way for `slots` and has led to no token yet, such as codes that a browser shows.
    async fn end_pending(&self, slots: &[TokenSlot]) -> Result<(), SignOutFailure> {
        for other in &self.joined.others {
            other.end(slots).await.map_err(SignOutFailure)?;
        }
        Ok(())
    }

    /// Removes everything that is kept in the slots of `ending`, and what parents of `bot` brought for the same user id.
    async fn end(&self, bot: Option<&Bot>, ending: &EndingAccount) -> Result<(), SignOutFailure> {
        let slots = ending.slots();
        // This order covers every sign-in that is under way. A sign-in that saw its card before `end_cards` had drawn
        // its permit before the first `forget`, which revokes the permit: the magic code issued with it is either
        // removed in the loop or taken back by the sign-in itself. A code that was redeemed before the loop had drawn
        // its slot generation before the second `forget`, which makes that generation stale.
        self.tokens.end_unkept(bot, &slots);
        self.tokens.end_cards(&slots).await?;
        self.tokens.forget(bot, &slots).await?;
        for other in self.joined.sources.iter().chain(&self.joined.grants).chain(&self.joined.others) {
            other.end(&slots).await.map_err(SignOutFailure)?;
        }
        self.tokens.forget(bot, &slots).await?;
        self.tokens.end_requirements(&slots).await?;
        // This follows the slots: a request that still found the user signed in had drawn a permit, which this revokes.
        for (slot, connection) in slots.iter().zip(&ending.connections) {
            self.tokens.forget_resources(bot, slot, connection).await?;
        }
        if ending.is_whole {
            // This follows the slots: an exchange under way finds its permit revoked and removes the pin that it set.
            self.tokens.unpin(bot, &ending.account, &ending.connections).await?;
        }
        Ok(())
    }
}

impl SignOutCause {
    fn audit(&self, event: AuditEvent) -> AuditEntry<'_> {
        let entry = AuditEntry::new(event).correlation_id(&self.correlation_id).client(self.client);
        entry.detail(self.origin.name())
    }
}

impl SignOutOrigin {
    /// The name in the audit stream.
    const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::OperatorReading => "operator_read_only",
            Self::User => "user",
            Self::IdentityProvider => "identity_provider",
            Self::AgentPlatform => "agent_platform",
        }
    }
}

/// Runs a sign-out in a task of its own, because a server drops the work of a client that hangs up, and a sign-out that
/// stops half way leaves codes that are still good.
async fn run_to_end<T: Send + 'static>(
    sign_out: impl Future<Output = Result<T, SignOutFailure>> + Send + 'static,
) -> Result<T, SignOutFailure> {
    tokio::spawn(carry(sign_out)).await.unwrap_or_else(|panicked| Err(SignOutFailure(panicked.into())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_sign_out_goes_on_after_its_client_has_hung_up() {
        let (begun, may_go_on, ended) = <(Arc<Notify>, Arc<Notify>, Arc<Notify>)>::default();
        let steps = [begun.clone(), may_go_on.clone(), ended.clone()];
        let sign_out = run_to_end(async move {
            let [begun, may_go_on, ended] = steps;
            begun.notify_one();
            may_go_on.notified().await;
            ended.notify_one();
            Ok(())
        });
        let mut sign_out = Box::pin(sign_out);
        tokio::select! {
            _ = &mut sign_out => panic!("it waits"),
            () = begun.notified() => {}
        }
        drop(sign_out);
        may_go_on.notify_one();
        ended.notified().await;
    }
}
