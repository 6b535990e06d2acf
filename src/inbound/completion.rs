use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;

use actix_web::rt;
use futures_util::FutureExt as _;

use crate::observability::carry;

/// A change that was lost: its task has panicked, so what it did is not known.
#[derive(Clone, Copy, Debug)]
pub struct ChangeLost;

/// Runs `work` to its end, because a server drops the work of a client that hangs up, and a change that stops half way is
/// neither made nor undone. `None` if it panics, which is logged.
///
/// Work that waits for nothing is done here. Other work goes on in a task of its own from where it first waits.
pub fn run_to_end<T: 'static>(work: impl Future<Output = T> + 'static) -> impl Future<Output = Option<T>> {
    // Boxed before anything else, because an async function, and spawning and ending a task, copy the state several times. A
    // panic is caught here as well as in a task of its own: it must not end the connection.
    let mut work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    async move {
        let ended = match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            Poll::Ready(ended) => ended,
            Poll::Pending => rt::spawn(carry(work)).await.unwrap_or_else(|lost| Err(Box::new(lost))),
        };
        ended.inspect_err(|lost| tracing::error!(lost = panic_message(&**lost), "a task has ended unexpectedly")).ok()
    }
}

/// The message of a panic; empty if it has none.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&'static str>().copied()).unwrap_or_default()
}

/// Makes a change that is complete, and in the audit stream, even if the caller hangs up meanwhile
/// (docs/directory.md §The management API). `change` also writes the lines of the audit stream.
///
/// # Errors
/// Those of `change`, and [`ChangeLost`].
pub async fn perform_change<T: 'static, E: From<ChangeLost> + 'static>(
    change: impl Future<Output = Result<T, E>> + 'static,
) -> Result<T, E> {
    run_to_end(change).await.unwrap_or_else(|| Err(ChangeLost.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::rc::Rc;
    use std::task::{Context, Waker};

    use tokio::sync::Notify;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Failed;

    impl From<ChangeLost> for Failed {
        fn from(_: ChangeLost) -> Self {
            Self
        }
    }

    #[actix_web::test]
    async fn a_change_goes_on_after_its_caller_has_hung_up() {
        let (may_go_on, ended) = <(Rc<Notify>, Rc<Notify>)>::default();
        let (released, told) = (may_go_on.clone(), ended.clone());
        let mut caller = Box::pin(perform_change::<(), Failed>(async move {
            released.notified().await;
            told.notify_one();
            Ok(())
        }));
        assert!(caller.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(caller);
        may_go_on.notify_one();
        ended.notified().await;
    }

    #[actix_web::test]
    async fn a_change_that_panics_is_an_error_and_another_one_returns_its_result() {
        let panicking = async { if true { panic!("of the test") } else { Ok(()) } };
        assert_eq!(perform_change::<(), Failed>(panicking).await, Err(Failed));
        assert_eq!(run_to_end(async { 7 }).await, Some(7));
    }

    #[actix_web::test]
    async fn work_that_waits_goes_on_in_a_task_and_may_panic_there() {
        assert_eq!(run_to_end(async { rt::task::yield_now().await }.map(|()| 7)).await, Some(7));
        let panicking = async {
            rt::task::yield_now().await;
            panic!("of the test {}", 1)
        };
        assert_eq!(run_to_end::<()>(panicking).await, None);
    }
}
