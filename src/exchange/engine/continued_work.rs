use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::observability::{Carried, carry};

/// Work that its caller awaits, and that goes on in a task of its own if the caller stops waiting: the caller's time is up,
/// or its client has hung up. Work that is awaited to its end needs no such task, and no channel for its result.
pub(super) struct ContinuedWork<W: Future<Output: Send> + Send + 'static>(Option<Pin<Box<Carried<W>>>>);

impl<W: Future<Output: Send> + Send + 'static> ContinuedWork<W> {
    /// `work` is made to its end, by the caller or in a task of its own.
    pub(super) fn new(work: W) -> Self {
        Self(Some(Box::pin(carry(work))))
    }
}

impl<W: Future<Output: Send> + Send + 'static> Future for ContinuedWork<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<W::Output> {
        // Taken out while it is polled, so that work that panics is not run again.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<W: Future<Output: Send> + Send + 'static> Drop for ContinuedWork<W> {
    fn drop(&mut self) {
        // There is no runtime any more if the process ends.
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::ContinuedWork;

    #[tokio::test]
    async fn work_goes_on_after_its_caller_has_stopped_waiting() {
        let (gate, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (opened, finished) = (gate.clone(), done.clone());
        let work = ContinuedWork::new(async move {
            opened.notified().await;
            finished.notify_one();
        });
        assert!(timeout(Duration::ZERO, work).await.is_err());
        gate.notify_one();
        done.notified().await;
    }

    #[tokio::test]
    async fn the_caller_that_waits_gets_the_result() {
        assert_eq!(ContinuedWork::new(async { 7 }).await, 7);
    }
}
