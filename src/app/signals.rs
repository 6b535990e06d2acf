use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::reload::Reloader;
use crate::domain::ReceivedReloads;
use crate::observability::Counters;

/// The interval at which the counters are logged.
const COUNTS_LOG_INTERVAL: Duration = Duration::from_mins(5);

/// The signals that the process handles.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What the signals act on.
pub(super) struct SignalTargets {
    pub(super) server: ServerHandle,
    pub(super) reloader: Box<Reloader>,
    /// Calls for a reload.
    pub(super) reloads: ReceivedReloads,
    pub(super) counters: Arc<Counters>,
    /// Set when the process begins to end, so that it counts as not ready.
    pub(super) is_draining: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn receive() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt, hang_up: signal(SignalKind::hangup())? })
    }

    /// Handles signals and calls for a reload, and logs the counters until SIGTERM or Ctrl-C arrives, then stops the server.
    pub(super) async fn run_until_stopped(mut self, mut targets: SignalTargets) {
        let mut ticks = tokio::time::interval(COUNTS_LOG_INTERVAL);
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => {
                    // The report is in the log.
                    let _ = targets.reloader.reload().await;
                }
                call = targets.reloads.next() => call.answer(targets.reloader.reload().await),
                _ = ticks.tick() => targets.counters.log(),
            }
        }
        targets.is_draining.store(true, Ordering::Relaxed);
        tracing::info!("draining: no new connections, requests under way are finished");
        targets.server.stop(true).await;
    }
}
