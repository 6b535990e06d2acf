use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use super::sign_out::CountFuture;
use crate::domain::{Account, UserKey};

/// The person whose records are exported or erased.
#[derive(Clone, Debug)]
pub struct DataSubject {
    /// The person's key.
    pub user: UserKey,
    /// The accounts at bots, back ends and apps that tokens and pins show to be the person's, before the sign-out removes those.
    pub accounts: Vec<Account>,
}

/// The result of [`PersonalData::export`]: one JSON object for each record. The text of the error is written to the log.
pub type ExportFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<serde_json::Value>, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// A collection of records about persons. Each room that keeps such records implements this trait, so that one person's data
/// can be exported and erased (docs/operating.md §Export and erasure).
pub trait PersonalData: Send + Sync {
    /// What the records are, in the plural and in the letter case of JSON members: `tokens`, `skillConversations`.
    fn name(&self) -> &'static str;

    /// Lists what is kept of the person. Tokens, secrets and their hashes are left out.
    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a>;

    /// Removes all that is kept of the person, and returns how many records that were. It is asked after the sign-out everywhere.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a>;
}
