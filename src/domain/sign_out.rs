use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use super::TokenSlot;

/// What [`EndedAtSignOut::end`] returns; the error's text is for the log.
pub type EndFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Something kept that a token could still come of, and that a sign-out of its slot therefore ends. The rooms that keep
/// such things implement it; the sign-out knows them by this trait alone.
pub trait EndedAtSignOut: Send + Sync {
    /// Ends what is kept for these slots.
    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a>;
}
