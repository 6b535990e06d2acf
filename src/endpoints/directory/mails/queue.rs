use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::template::MailTemplate;
use crate::inbound::ClientNetwork;
use crate::outbound::MailMessage;

/// The messages that wait at a time, those that are tried again among them.
pub(super) const CAPACITY: usize = 256;

/// A message that waits for its next attempt. It has no `Debug`: the text may hold a link.
pub(super) struct WaitingMail {
    pub(super) message: MailMessage,
    pub(super) template: MailTemplate,
    /// The client network that has caused the message, if that is limited.
    pub(super) network: Option<ClientNetwork>,
    pub(super) correlation_id: String,
    /// The attempts that have failed.
    pub(super) attempts: usize,
}

/// A message with its place in the queue, which is free again once this is dropped.
pub(super) struct QueuedMail {
    pub(super) mail: WaitingMail,
    _place: OwnedSemaphorePermit,
}

/// The queue's end at which messages come in.
#[derive(Clone)]
pub(super) struct MailQueue {
    sender: Sender<QueuedMail>,
    places: Arc<Semaphore>,
    is_ending: watch::Sender<bool>,
}

/// The end at which the worker takes them out.
pub(super) struct QueuedMails {
    pub(super) receiver: Receiver<QueuedMail>,
    /// Becomes true when the process ends: then a message is not kept for a later attempt.
    pub(super) is_ending: watch::Receiver<bool>,
}

impl MailQueue {
    pub(super) fn new() -> (Self, QueuedMails) {
        let (sender, receiver) = channel(CAPACITY);
        let (told, is_ending) = watch::channel(false);
        let queue = Self { sender, places: Arc::new(Semaphore::new(CAPACITY)), is_ending: told };
        (queue, QueuedMails { receiver, is_ending })
    }

    /// Puts `mail` into the queue; false if it is full, or the process ends.
    pub(super) fn put(&self, mail: WaitingMail) -> bool {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.is_ok_and(|place| self.sender.try_send(QueuedMail { mail, _place: place }).is_ok())
    }

    /// Waits until at least `places` are free.
    #[cfg(test)]
    pub(super) async fn wait_for_free_places(&self, places: usize) {
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        drop(self.places.acquire_many(places).await);
    }

    /// Waits until every message has had its attempt, for at most `limit`. Returns the number of those that have not.
    pub(super) async fn finish(&self, limit: Duration) -> usize {
        self.is_ending.send_replace(true);
        let all = u32::try_from(CAPACITY).unwrap_or(u32::MAX);
        let left = match timeout(limit, self.places.acquire_many(all)).await {
            Ok(_) => 0,
            Err(_) => CAPACITY.saturating_sub(self.places.available_permits()),
        };
        self.places.close();
        left
    }
}
