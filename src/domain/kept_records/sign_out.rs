use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use crate::domain::{TokenSlot, UserKey};

/// The result of the methods of [`EndedAtSignOut`]. The text of the error is written to the log.
pub type EndFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'a>>;
/// The result of [`EndedAtSignOut::end_for_user`]: how many records have ended.
pub type CountFuture<'a> = Pin<Box<dyn Future<Output = Result<usize, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// The result of [`LinkedKeys::list`]. The text of the error is written to the log.
pub type KeysFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<UserKey>, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Knows the keys of one person: a user of a directory has one there, and one at each identity provider that is linked. A sign-out
/// everywhere ends what is kept under all of them (docs/directory.md §Sign out everywhere).
pub trait LinkedKeys: Send + Sync {
    /// Lists the keys that are linked to `user` directly. `user` itself may be among them.
    fn list<'a>(&'a self, user: &'a UserKey) -> KeysFuture<'a>;
}

/// A collection of records from which a token could still be obtained, such as pending magic codes. A sign-out must end
/// these records together with the token. Each room that keeps such records implements this trait; the sign-out calls
/// the rooms only through it.
pub trait EndedAtSignOut: Send + Sync {
    /// What the records are, in the plural, as the audit stream and the operator's answer name them: `sessions`, `magic codes`.
    fn record_name(&self) -> &'static str;

    /// Removes all records that are kept for `slots`.
    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a>;

    /// Removes all records of `user`, in every account, and counts those that it knows of. A collection whose records name the user's
    /// epoch has nothing to do.
    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a>;
}
