use std::borrow::Cow;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, RecordKey, UserKey};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

/// Persons whose accounts are remembered in memory until their erasure is complete.
const MAX_UNFINISHED: usize = 1024;

/// The accounts of persons whose erasure the store has interrupted: their tokens and pins may be removed already, and the
/// repetition must find the rest.
///
/// They are in memory if the store is exclusive. Over a shared store the repetition may come to another replica, so they are
/// stored there.
pub(super) enum UnfinishedErasures {
    InMemory(Cache<UserKey, Vec<Account>>),
    Stored(Collection<UnfinishedErasure>),
}

/// The accounts of one person, in the texts of [`Account::key_parts`].
#[derive(Serialize, Deserialize)]
pub(super) struct UnfinishedErasure {
    accounts: Vec<[String; 3]>,
}

impl Content for UnfinishedErasure {
    const KIND: &'static Kind = &catalogue::UNFINISHED_ERASURE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl UnfinishedErasures {
    pub(super) fn new(records: &Records) -> Self {
        match records.replicas() {
            None => Self::InMemory(Cache::new(MAX_UNFINISHED)),
            Some(_) => Self::Stored(Collection::new(records)),
        }
    }

    /// Notes that the erasure of `user`, whose accounts are `accounts`, begins.
    pub(super) async fn begin(&self, user: &UserKey, accounts: &[Account]) -> Result<(), RecordError> {
        match self {
            Self::InMemory(known) => known.insert(user.clone(), accounts.to_vec()),
            Self::Stored(records) => {
                let accounts = accounts.iter().map(|account| account.key_parts().map(Cow::into_owned)).collect();
                records.put(records.seal(key(records, user), &UnfinishedErasure { accounts })?).await?;
            }
        }
        Ok(())
    }

    /// The accounts of `user` that an erasure has begun with and not completed.
    pub(super) async fn find(&self, user: &UserKey) -> Result<Vec<Account>, RecordError> {
        match self {
            Self::InMemory(known) => Ok(known.get(user).unwrap_or_default()),
            Self::Stored(records) => {
                let known = records.get(key(records, user)).await?;
                let accounts = known.into_iter().flat_map(|known| known.content.accounts);
                Ok(accounts
                    .filter_map(|[holder, realm, subject]| Account::from_key_parts(&holder, &realm, &subject))
                    .collect())
            }
        }
    }

    /// Notes that the erasure of `user` is complete.
    pub(super) async fn end(&self, user: &UserKey) -> Result<(), RecordError> {
        match self {
            Self::InMemory(known) => {
                known.remove(user);
                Ok(())
            }
            Self::Stored(records) => records.remove(vec![key(records, user)]).await,
        }
    }
}

fn key(records: &Collection<UnfinishedErasure>, user: &UserKey) -> RecordKey {
    records.key(&[user.issuer().as_bytes(), user.subject().as_bytes()])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::domain::{BotName, ChannelId};
    use crate::records::testing::{throwaway_records, throwaway_replicas};

    #[tokio::test]
    async fn another_replica_knows_the_accounts_of_an_erasure_that_was_begun() {
        let beneath = throwaway_replicas(2).await;
        let [a, b] = [0, 1].map(|at| UnfinishedErasures::new(&beneath.replicas[at]));
        let user = UserKey::entra("0a0a", "7e7e");
        let account = Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), "29:ada");
        let accounts = [account.as_parent_account("app"), account];
        assert!(b.find(&user).await.unwrap().is_empty());
        a.begin(&user, &accounts).await.unwrap();
        assert_eq!(b.find(&user).await.unwrap(), accounts);
        b.end(&user).await.unwrap();
        assert!(a.find(&user).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_exclusive_store_keeps_nothing_of_it() {
        let beneath = throwaway_records();
        let erasures = UnfinishedErasures::new(&beneath.records);
        assert!(matches!(erasures, UnfinishedErasures::InMemory(_)));
        let user = UserKey::entra("0a0a", "7e7e");
        let account = Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), "29:ada");
        erasures.begin(&user, std::slice::from_ref(&account)).await.unwrap();
        assert_eq!(erasures.find(&user).await.unwrap(), [account]);
        erasures.end(&user).await.unwrap();
        assert!(erasures.find(&user).await.unwrap().is_empty());
    }
}
