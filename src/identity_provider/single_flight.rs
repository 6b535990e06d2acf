use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::Shared;

/// A call that others may wait for as well.
pub type Flight<T> = Shared<Pin<Box<dyn Future<Output = T> + Send>>>;

/// One call under way at a time: whoever comes meanwhile gets its outcome, a failure as well. It is no cache: what has
/// ended is handed to nobody who comes later.
pub struct SingleFlight<T: Clone> {
    under_way: Mutex<Option<Flight<T>>>,
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// The call under way, or a new one. It runs in a task of its own, to its end: nobody who stops waiting, and
    /// nobody at all waiting, ends it.
    pub fn join<F: Future<Output = T> + Send + 'static>(&self, begin: impl FnOnce() -> F) -> Flight<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.as_ref().filter(|flight| flight.peek().is_none()) {
            return flight.clone();
        }
        let future: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(begin());
        let flight = future.shared();
        tokio::spawn(flight.clone());
        *under_way = Some(flight.clone());
        flight
    }
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { under_way: Mutex::new(None) }
    }
}

impl<T: Clone> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SingleFlight(..)")
    }
}
