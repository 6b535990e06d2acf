//! Reloads of the configuration, as the operator's door and the process agree on them.
//!
//! Owns the call of a reload and its report. It deliberately does not know what a configuration is, nor how one is applied.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::{mpsc, oneshot};

/// Calls that may wait for a reload that is under way.
const MAX_WAITING: usize = 8;

/// What came of a reload of the configuration (docs/operating.md §Reload).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// Whether the running service has the configuration of the file now. It has if there was no problem.
    pub is_applied: bool,
    /// What differs between the file and the configuration that was served before: a section or an entry each, with the names
    /// of keys and without their values.
    pub differences: Vec<String>,
    /// Why nothing was applied.
    pub problems: Vec<ReloadProblem>,
    /// What was read again although it is not written in the file itself: certificates, keys, secrets.
    pub renewed: Vec<&'static str>,
}

/// A reason for which a configuration is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadProblem {
    /// The place in the file; empty if it is the whole file.
    pub path: String,
    /// What is wrong, and what to write or do instead.
    pub message: String,
}

/// Asks the process for a reload. The process makes one after the other.
#[derive(Clone, Debug)]
pub struct ReloadCalls(mpsc::Sender<oneshot::Sender<ReloadReport>>);

/// The end at which the process receives the calls.
#[derive(Debug)]
pub struct ReceivedReloads(mpsc::Receiver<oneshot::Sender<ReloadReport>>);

/// A call that waits for its report.
#[derive(Debug)]
pub struct AwaitedReload(oneshot::Sender<ReloadReport>);

/// The report of a call, when it comes.
pub type ReportFuture = Pin<Box<dyn Future<Output = Option<ReloadReport>> + Send>>;

impl ReloadCalls {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Self, ReceivedReloads) {
        let (calls, received) = mpsc::channel(MAX_WAITING);
        (Self(calls), ReceivedReloads(received))
    }

    /// Asks for a reload and waits for it. `None` if too many calls wait already, or if the process ends. A caller that hangs
    /// up does not stop the reload.
    #[must_use]
    pub fn call(&self) -> ReportFuture {
        let (answer, report) = oneshot::channel();
        let sent = self.0.try_send(answer);
        Box::pin(async move {
            sent.ok()?;
            report.await.ok()
        })
    }
}

impl ReceivedReloads {
    /// The next call; waits forever if there is nothing left that can call.
    pub async fn next(&mut self) -> AwaitedReload {
        match self.0.recv().await {
            Some(answer) => AwaitedReload(answer),
            None => std::future::pending().await,
        }
    }
}

impl AwaitedReload {
    /// Answers the call.
    pub fn answer(self, report: ReloadReport) {
        // A caller that has hung up gets no report.
        let _ = self.0.send(report);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{ReloadCalls, ReloadReport};

    #[tokio::test]
    async fn each_call_gets_the_report_of_its_own_reload() {
        let (calls, mut received) = ReloadCalls::new();
        let (first, second) = (calls.call(), calls.call());
        for is_applied in [true, false] {
            received.next().await.answer(ReloadReport { is_applied, ..ReloadReport::default() });
        }
        assert!(first.await.unwrap().is_applied && !second.await.unwrap().is_applied);
    }

    #[tokio::test]
    async fn calls_over_the_bound_and_calls_of_an_ending_process_get_no_report() {
        let (calls, received) = ReloadCalls::new();
        let waiting: Vec<_> = (0..super::MAX_WAITING).map(|_| calls.call()).collect();
        assert_eq!(calls.call().await, None);
        drop(received);
        for call in waiting {
            assert_eq!(call.await, None);
        }
    }
}
