use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use super::{TokenSlot, UserKey};

/// The result of the methods of [`EndedAtSignOut`]. The text of the error is written to the log.
pub type EndFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// A collection of records from which a token could still be obtained, such as pending magic codes. A sign-out must end
/// these records together with the token. Each room that keeps such records implements this trait; the sign-out calls
/// the rooms only through it.
pub trait EndedAtSignOut: Send + Sync {
    /// Removes all records that are kept for `slots`.
    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a>;

    /// Removes all records of `user`, in every account. A collection whose records name the user's epoch has nothing to do.
    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> EndFuture<'a>;
}
