//! Messages of directories to their users: what they say, how often they may be sent, and the queue in which they wait.
//!
//! Owns the templates in all languages, and the limits. It deliberately makes no request wait: a message that is limited, or that
//! cannot be sent, looks to its sender as one that is sent (docs/directory.md §Mail).

mod greeting;
mod limits;
mod queue;
mod template;
#[cfg(test)]
mod tests;
mod texts;
mod worker;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use self::greeting::find_greeted_name;
use self::limits::MailLimits;
use self::queue::{MailQueue, WaitingMail};
use self::texts::{MailTexts, MailValues};
use self::worker::MailWorker;
use super::languages::Language;
use crate::accounts::{DirectoryView, MessageLimits, MessageRates};
use crate::domain::{Secret, SharedClock};
use crate::inbound::ClientNetwork;
use crate::observability::{DirectoryCount, DirectoryCounts};
use crate::outbound::{MailMessage, Mailer};

pub use template::MailTemplate;

/// The pauses before the second and the third attempt.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// A message to a user of a directory.
pub struct DirectoryMail<'a> {
    /// The directory.
    pub view: &'a DirectoryView,
    /// What the message says.
    pub template: MailTemplate,
    /// The address of the recipient.
    pub to: &'a str,
    /// The user's name for people.
    pub shown_name: &'a str,
    /// The whole URL that the user is to open; `None` for a message without one.
    pub link: Option<&'a Secret>,
    /// The language.
    pub language: Language,
    /// The address that the request came from, if its sender counts against a limit.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub correlation_id: &'a str,
}

/// Sends the messages of all directories in the background. Clones share the queue and the limits. Each replica has a queue of its own,
/// and sends the messages that its own requests cause.
#[derive(Clone)]
pub struct DirectoryMails {
    queue: MailQueue,
    limits: Arc<MailLimits>,
    counts: DirectoryCounts,
    is_configured: bool,
}

impl DirectoryMails {
    /// What may be sent.
    pub const LIMITS: MessageLimits = limits::LIMITS;

    /// Sends by `mailer`; `None` if the configuration has no way to send mail. The messages are sent on the runtime on which this
    /// is called: that of a worker, which answers a request, ends earlier when the process drains. `rates`: what all replicas together may
    /// send; `None` if there is one process.
    #[must_use]
    pub fn new(
        mailer: Option<Mailer>,
        clock: SharedClock,
        rates: Option<MessageRates>,
        counts: DirectoryCounts,
    ) -> Self {
        Self::with_pauses(mailer, clock, rates, counts, RETRY_PAUSES)
    }

    fn with_pauses(
        mailer: Option<Mailer>,
        clock: SharedClock,
        rates: Option<MessageRates>,
        counts: DirectoryCounts,
        pauses: [Duration; 2],
    ) -> Self {
        let (queue, waiting) = MailQueue::new();
        let is_configured = mailer.is_some();
        if let Some(mailer) = mailer {
            tokio::spawn(MailWorker::new(mailer, waiting, rates, counts.clone(), pauses).run());
        }
        Self { queue, limits: Arc::new(MailLimits::new(clock)), counts, is_configured }
    }

    /// Whether mail can be sent at all.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.is_configured
    }

    /// Takes the message for sending, and returns at once, whatever becomes of it.
    pub fn send(&self, mail: &DirectoryMail<'_>) {
        let (directory, correlation_id) = (mail.view.directory.name.as_str(), mail.correlation_id);
        let template = mail.template.name();
        if !self.is_configured {
            self.counts.add(directory, DirectoryCount::MailFailed);
            let message = "a message was not sent: the configuration has no section [mail]";
            return tracing::error!(correlation_id, directory, template, "{message}");
        }
        if mail.template.has_link() && mail.link.is_none() {
            self.counts.add(directory, DirectoryCount::MailFailed);
            return tracing::error!(correlation_id, directory, template, "a message was not sent: its link is missing");
        }
        let network = mail.client.map(ClientNetwork::from_address);
        if !self.limits.admit(network, mail.template, mail.to) {
            self.counts.add(directory, DirectoryCount::MailLimited);
            let message = "a message was not sent: too many go to this address, or come from this client";
            return tracing::info!(correlation_id, directory, template, "{message}");
        }
        let waiting = WaitingMail {
            message: compose(mail),
            template: mail.template,
            network,
            correlation_id: correlation_id.to_owned(),
            attempts: 0,
        };
        if !self.queue.put(waiting) {
            self.counts.add(directory, DirectoryCount::MailDropped);
            let message = "a message was dropped: too many wait already, so the mail server is slow or away";
            tracing::error!(correlation_id, directory, template, "{message}");
        }
    }

    /// Takes no further messages, and waits until those that are waiting have been tried, for at most `limit`. Returns the number
    /// of those that were not.
    pub async fn finish(&self, limit: Duration) -> usize {
        self.queue.finish(limit).await
    }
}

fn compose(mail: &DirectoryMail<'_>) -> MailMessage {
    let texts = MailTexts::find(mail.language);
    let text = texts.find_text(mail.template);
    let directory = &mail.view.directory.name;
    let values = MailValues {
        name: find_greeted_name(mail.shown_name),
        directory,
        link: mail.link.map(Secret::expose).unwrap_or_default(),
    };
    MailMessage {
        to: mail.to.to_owned(),
        subject: text.subject.to_owned(),
        text: texts.fill(text, &values),
        directory: directory.clone(),
    }
}
