//! `PendingSignIns`: what is kept of one person. `pending_sign_ins.rs` has the type.

use serde_json::json;

use super::PendingSignIns;
use crate::domain::{ConnectionName, CountFuture, DataSubject, ExportFuture, PersonalData, TokenSlot};

impl PersonalData for PendingSignIns {
    fn name(&self) -> &'static str {
        "pendingSignIns"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let mut exported = Vec::new();
            for account in &person.accounts {
                for sign_in in self.list_unfinished(account).await? {
                    exported.push(json!({
                        "holder": account.holder.as_str(),
                        "channel": account.channel_name(),
                        "subject": account.subject.as_str(),
                        "connection": sign_in.connection.as_str(),
                        "begunAt": sign_in.begun_at.to_rfc3339(),
                    }));
                }
            }
            Ok(exported)
        })
    }

    /// Those of the configured connections end with the sign-out of the account, before.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let mut count = 0;
            for account in &person.accounts {
                let unfinished = self.list_unfinished(account).await?;
                let slot = |connection: &ConnectionName| TokenSlot::new(account, connection);
                let slots: Vec<_> = unfinished.iter().map(|sign_in| slot(&sign_in.connection)).collect();
                self.end(&slots).await?;
                count += slots.len();
            }
            Ok(count)
        })
    }
}
