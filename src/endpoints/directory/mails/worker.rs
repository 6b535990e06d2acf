use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::queue::{QueuedMail, QueuedMails, WaitingMail};
use crate::accounts::MessageRates;
use crate::observability::{DirectoryCount, DirectoryCounts};
use crate::outbound::{MailError, Mailer};

/// Sends the messages of the queue, one at a time. A message that waits for another attempt lets others pass.
pub(super) struct MailWorker {
    mailer: Mailer,
    queued: QueuedMails,
    /// What all replicas together may send.
    rates: Option<MessageRates>,
    /// Those that are tried again, and when; as few as the queue has places.
    repeated: Vec<RepeatedMail>,
    counts: DirectoryCounts,
    /// Those before the second and the third attempt.
    pauses: [Duration; 2],
}

struct RepeatedMail {
    at: Instant,
    queued: QueuedMail,
}

/// What the worker does next.
enum Step {
    Send(QueuedMail),
    /// The first of those that are tried again.
    Repeat,
    /// The process ends: nothing waits for its time.
    Hurry,
    /// The queue is closed and empty.
    End,
}

impl MailWorker {
    pub(super) fn new(
        mailer: Mailer,
        queued: QueuedMails,
        rates: Option<MessageRates>,
        counts: DirectoryCounts,
        pauses: [Duration; 2],
    ) -> Self {
        Self { mailer, queued, rates, repeated: Vec::new(), counts, pauses }
    }

    pub(super) async fn run(mut self) {
        loop {
            match self.wait().await {
                Step::Send(queued) if !self.is_admitted(&queued.mail).await => self.drop_limited(&queued.mail),
                Step::Send(queued) => self.attempt(queued).await,
                Step::Repeat => self.repeat_first().await,
                Step::Hurry => {
                    while !self.repeated.is_empty() {
                        self.repeat_first().await;
                    }
                }
                Step::End => return,
            }
        }
    }

    async fn wait(&mut self) -> Step {
        let first = self.repeated.iter().map(|repeated| repeated.at).min();
        let is_hurried = !self.repeated.is_empty();
        tokio::select! {
            _ = self.queued.is_ending.wait_for(|ending| *ending), if is_hurried => Step::Hurry,
            () = wait_until(first), if is_hurried => Step::Repeat,
            queued = self.queued.receiver.recv() => queued.map_or(Step::End, Step::Send),
        }
    }

    /// Asks the counts of all replicas. The worker does so, because a request that causes a message takes as long as one that does not.
    async fn is_admitted(&self, mail: &WaitingMail) -> bool {
        let Some(rates) = &self.rates else { return true };
        let network = mail.network.map(|network| network.first_address().to_string());
        let kind = if mail.template.is_warning() { "warning" } else { "message" };
        rates.admits(network.as_deref(), kind, &mail.message.to.to_lowercase()).await
    }

    fn drop_limited(&self, mail: &WaitingMail) {
        let (directory, correlation_id) = (mail.message.directory.as_str(), mail.correlation_id.as_str());
        self.counts.add(directory, DirectoryCount::MailLimited);
        let (template, message) =
            (mail.template.name(), "a message was not sent: all replicas together have sent too many");
        tracing::info!(correlation_id, directory, template, "{message}");
    }

    async fn repeat_first(&mut self) {
        let times = self.repeated.iter().enumerate();
        let Some((index, _)) = times.min_by_key(|(_, repeated)| repeated.at) else { return };
        let queued = self.repeated.swap_remove(index).queued;
        self.attempt(queued).await;
    }

    async fn attempt(&mut self, mut queued: QueuedMail) {
        let sent = self.mailer.send(&queued.mail.message).await;
        queued.mail.attempts += 1;
        let mail = &queued.mail;
        let (directory, correlation_id) = (mail.message.directory.as_str(), mail.correlation_id.as_str());
        let (template, attempt) = (mail.template.name(), mail.attempts);
        let Err(error) = sent else {
            self.counts.add(directory, DirectoryCount::MailSent);
            return tracing::info!(correlation_id, directory, template, attempt, "a message was sent");
        };
        let hint = error.hint();
        if let Some(pause) = self.find_pause(attempt, &error) {
            let message = "a message was not sent and is tried again";
            tracing::warn!(correlation_id, directory, template, attempt, %error, hint, "{message}");
            return self.repeated.push(RepeatedMail { at: Instant::now() + pause, queued });
        }
        self.counts.add(directory, DirectoryCount::MailFailed);
        tracing::error!(correlation_id, directory, template, attempt, %error, hint, "a message was not sent");
    }

    /// The pause before another attempt; `None` if there is none.
    fn find_pause(&self, attempts: usize, error: &MailError) -> Option<Duration> {
        let is_last = !error.may_pass() || *self.queued.is_ending.borrow();
        self.pauses.get(attempts.saturating_sub(1)).copied().filter(|_| !is_last)
    }
}

async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
