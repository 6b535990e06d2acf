//! The only functions that poll for something that happens elsewhere.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than any awaited event takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// The pause between two polls.
const PAUSE: Duration = Duration::from_millis(10);

/// Polls until `look` returns a value, and returns it. Fails the test after `limit`.
pub async fn wait_within<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        sleep(PAUSE).await;
    }
}

/// Polls for at most [`PATIENCE`].
pub async fn wait_for<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, look).await
}

/// Waits until a condition holds.
pub async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    wait_for(what, async || holds().await.then_some(())).await;
}
