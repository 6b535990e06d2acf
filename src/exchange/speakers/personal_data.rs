//! `Speakers`: what is kept of one person. `mod.rs` has the type.

use serde_json::{Value, json};

use super::{SharedSpeakers, Speakers};
use crate::domain::{Account, CountFuture, DataSubject, ExportFuture, PersonalData, RecordKey};
use crate::records::RecordError;

impl PersonalData for Speakers {
    fn name(&self) -> &'static str {
        "speakers"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let mut exported = Vec::new();
            for account in list_channel_accounts(person) {
                exported.extend(self.shared.export(&account).await?);
            }
            Ok(exported)
        })
    }

    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let mut count = 0;
            for account in list_channel_accounts(person) {
                count += usize::from(self.shared.erase(&account).await?);
            }
            Ok(count)
        })
    }
}

impl SharedSpeakers {
    /// The accounts that spoke under the user id of `account`, one object for each.
    async fn export(&self, account: &Account) -> Result<Vec<Value>, RecordError> {
        let Some(record) = self.histories.get(self.history_key(account)).await? else { return Ok(Vec::new()) };
        let objects = record.content.list().iter().map(|speaker| {
            json!({
                "bot": account.holder.as_str(),
                "channel": account.channel_name(),
                "subject": account.subject.as_str(),
                "parent": speaker.parent,
                "spokeAt": speaker.spoke_at().to_rfc3339(),
            })
        });
        Ok(objects.collect())
    }

    /// Forgets who spoke under the user id of `account`. Returns whether there was a record.
    async fn erase(&self, account: &Account) -> Result<bool, RecordError> {
        let cell = self.get_cell(account);
        let existed = self.histories.contains(cell.key).await?;
        cell.clear();
        self.senders.forget(account).await;
        // A write that began before must have ended, or it would bring the record back.
        self.writes.join(cell.key, || async { true }).outcome().await;
        cell.clear();
        self.histories.remove(vec![cell.key]).await?;
        Ok(existed)
    }

    fn history_key(&self, account: &Account) -> RecordKey {
        self.histories.key_from_texts(&account.key_parts())
    }
}

/// The channels' accounts of the person, each once.
fn list_channel_accounts(person: &DataSubject) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::new();
    for account in person.accounts.iter().filter(|account| account.realm.channel().is_some()) {
        let account = account.as_channel_account();
        if !accounts.contains(&account) {
            accounts.push(account.into_owned());
        }
    }
    accounts
}
