use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How long a reader of the manifest waits.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// Whether the stage is preparing users at the gateway: it links the users of apps, and makes those of directories. Readers of the
/// manifest wait for it, since the manifest names these users.
#[derive(Default)]
pub(in crate::dev) struct Preparation {
    is_running: watch::Sender<bool>,
}

impl Preparation {
    /// Notes that users are being prepared: readers of the manifest wait from now on.
    pub(in crate::dev) fn begin(&self) {
        self.is_running.send_replace(true);
    }

    /// Notes that the users are there, or could not be prepared.
    pub(in crate::dev) fn finish(&self) {
        self.is_running.send_replace(false);
    }

    /// Waits while users are being prepared.
    pub(in crate::dev) async fn wait(&self) {
        let mut running = self.is_running.subscribe();
        // The users are there, or the reader has waited long enough; the sender lives as long as `self`.
        let _ = timeout(MAX_WAIT, running.wait_for(|is_running| !is_running)).await;
    }
}
