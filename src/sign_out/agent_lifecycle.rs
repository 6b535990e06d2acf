use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{SignOut, SignOutCause, SignOutFailure, SignOutOrigin};
use crate::domain::{BotName, RecordKey, UserKey, VersionNumber};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// Attempts to change a record by compare-and-put while other events about the same user change it.
const MAX_CAS_ATTEMPTS: usize = 8;

/// Whether an event in an agent user's life is to be heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleOrder {
    /// No later event is known.
    Next,
    /// A later event has been applied before, so this one says nothing about the present.
    Outdated,
}

/// An event in an agent user's life.
#[derive(Clone, Copy, Debug)]
pub struct LifecycleEvent<'a> {
    /// The number of the agent user's state, if the event has one.
    pub version: Option<&'a VersionNumber>,
    /// Whether the agent user may do nothing any more.
    pub ends_access: bool,
    /// The id of the request that brings the event.
    pub correlation_id: &'a str,
}

/// What follows from events in the lives of agent users. The platform numbers the states of an agent user, and its events
/// may arrive in another order.
#[derive(Clone)]
pub struct AgentLifecycle {
    pub(super) sign_out: SignOut,
    pub(super) order: EventOrder,
}

/// The order of the events about each agent user.
#[derive(Clone)]
pub(super) struct EventOrder(Collection<AgentUserVersion>);

/// The latest version of an agent user's state of which a bot was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentUserVersion(VersionNumber);

/// The JSON form of an [`AgentUserVersion`].
#[derive(Serialize, Deserialize)]
struct VersionJson {
    version: WrittenVersion,
}

/// A version as a number where that is exact, as earlier versions of the program wrote it; else as a text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenVersion {
    Whole(u64),
    Other(String),
}

impl Content for AgentUserVersion {
    const KIND: &'static Kind = &catalogue::AGENT_USER_VERSION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let whole = self.0.as_u64().map(WrittenVersion::Whole);
        encode_json(&VersionJson { version: whole.unwrap_or_else(|| WrittenVersion::Other(self.0.to_string())) })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let text = match plain.json::<VersionJson>(Self::KIND)?.version {
            WrittenVersion::Whole(number) => number.to_string(),
            WrittenVersion::Other(text) => text,
        };
        VersionNumber::parse(&text).map(Self)
    }
}

impl AgentLifecycle {
    /// Signs agent users out by `sign_out`, and keeps the order of events in `records`.
    #[must_use]
    pub fn new(sign_out: SignOut, records: &Records) -> Self {
        Self { sign_out, order: EventOrder(Collection::new(records)) }
    }

    /// Applies an event about the agent user `user`, of which the bot `bot` is told: if it `ends_access`, the user is signed
    /// out everywhere. An event with the same version as the one before is a repetition, and is applied again.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails; the event has to be repeated.
    pub async fn apply(
        &self,
        bot: &BotName,
        user: &UserKey,
        event: LifecycleEvent<'_>,
    ) -> Result<LifecycleOrder, SignOutFailure> {
        if let Some(version) = event.version
            && !self.order.advance(bot, user, version).await.map_err(|error| SignOutFailure(error.into()))?
        {
            return Ok(LifecycleOrder::Outdated);
        }
        if event.ends_access {
            let cause = SignOutCause {
                correlation_id: event.correlation_id.to_owned(),
                client: None,
                origin: SignOutOrigin::AgentPlatform,
            };
            self.sign_out.everywhere(user, cause).await?;
        }
        Ok(LifecycleOrder::Next)
    }
}

impl EventOrder {
    /// Records `version` unless a later one is recorded. Returns whether none is.
    async fn advance(&self, bot: &BotName, user: &UserKey, version: &VersionNumber) -> Result<bool, RecordError> {
        let key = self.key(bot, user);
        for _ in 0..MAX_CAS_ATTEMPTS {
            let known = self.0.get(key).await?;
            if known.as_ref().is_some_and(|known| known.content.0 > *version) {
                return Ok(false);
            }
            let next = self.0.seal(key, &AgentUserVersion(version.clone()))?;
            if self.0.compare_and_put(known.map(|known| known.stored), next).await? {
                return Ok(true);
            }
        }
        // An event that cannot be put into the order is heeded.
        Ok(true)
    }

    /// The latest version that `bot` was told of `user`.
    pub(super) async fn find(&self, bot: &BotName, user: &UserKey) -> Result<Option<VersionNumber>, RecordError> {
        Ok(self.0.get(self.key(bot, user)).await?.map(|known| known.content.0))
    }

    /// Forgets which version `bot` was told of `user`. Returns whether there was one.
    pub(super) async fn remove(&self, bot: &BotName, user: &UserKey) -> Result<bool, RecordError> {
        Ok(self.0.take(self.key(bot, user)).await?.is_some())
    }

    fn key(&self, bot: &BotName, user: &UserKey) -> RecordKey {
        self.0.key(&[bot.as_str(), user.issuer(), user.subject()].map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::records::testing::throwaway_records;

    #[tokio::test]
    async fn a_version_is_outdated_by_a_later_one_of_the_same_bot_and_user() {
        let storage = throwaway_records();
        let order = EventOrder(Collection::new(&storage.records));
        let (helper, other) = (BotName::new("helper"), BotName::new("other"));
        let (ada, ben) = (UserKey::entra("a", "t"), UserKey::entra("b", "t"));
        for (bot, user, version, is_next) in [
            (&helper, &ada, "5", true),
            (&helper, &ada, "4", false),
            (&helper, &ada, "4.5", false),
            (&helper, &ada, "-6", false),
            (&helper, &ada, "5.0", true),
            (&helper, &ada, "18446744073709551615", true),
            (&helper, &ada, "6", false),
            (&helper, &ada, "18446744073709551616", true),
            (&helper, &ada, "18446744073709551615", false),
            (&helper, &ben, "-4", true),
            (&helper, &ben, "-5", false),
            (&other, &ada, "4", true),
        ] {
            let number = VersionNumber::parse(version).unwrap();
            assert_eq!(order.advance(bot, user, &number).await.unwrap(), is_next, "{bot:?} {user} {version}");
        }
    }
}
