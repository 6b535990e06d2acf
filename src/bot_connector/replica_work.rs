use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::work_message::{QuestionId, WorkMessage};
use crate::domain::{RecordKey, SharedEntropy};
use crate::records::catalogue::REPLICA_WORK;
use crate::records::{ChangeListener, Records, Replicas};

/// How long a question waits until the store has passed it on to all replicas, this one included.
const DELIVERY_LIMIT: Duration = Duration::from_millis(500);
/// How long a replica that works waits for the end of its work in order to tell it. No question waits longer for that.
const INTEREST_LIMIT: Duration = Duration::from_secs(10);

/// The work that the replicas do at the moment, by name.
///
/// Work is begun and ended far more often than a replica asks for it: at every message to a bot. So a replica tells nothing of
/// its work. One that wants to know asks all others, those that work at the thing answer, and tell the end of it. A replica that
/// was killed answers nothing, so its work has ended. A replica that is cut off from the store is not heard, and does not hear:
/// then each knows of its own work only.
pub(super) struct ReplicaWork {
    records: Records,
    replicas: Arc<Replicas>,
    entropy: SharedEntropy,
    /// The name under which questions and answers of this kind are told.
    topic: RecordKey,
    /// The number of pieces of this replica's work by name. A name without work has no entry.
    running: DashMap<RecordKey, watch::Sender<usize>>,
    /// The questions of this replica that wait for answers.
    asked: DashMap<QuestionId, watch::Sender<Answers>>,
}

/// What is known of a question.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    /// The question has come back to this replica, so the store has passed it on to the others, too.
    is_delivered: bool,
    /// The replicas that have said that they work and have not said yet that they no longer do.
    working: usize,
}

/// A piece of work of this replica. It ends when this value is dropped.
pub(super) struct ReplicaTask {
    work: Arc<ReplicaWork>,
    name: RecordKey,
}

/// A question that waits for answers, until it is dropped.
struct Question<'w> {
    id: QuestionId,
    work: &'w ReplicaWork,
    answers: watch::Receiver<Answers>,
}

impl ReplicaWork {
    /// The work of the kind `kind` of all replicas that share `records`; `None` if the store is exclusive.
    pub(super) fn new(records: &Records, kind: &str, entropy: SharedEntropy) -> Option<Arc<Self>> {
        let replicas = Arc::clone(records.replicas()?);
        let work = Arc::new(Self {
            records: records.clone(),
            replicas,
            entropy,
            topic: RecordKey(records.mac(&REPLICA_WORK, &[kind.as_bytes()])),
            running: DashMap::new(),
            asked: DashMap::new(),
        });
        let listener: Arc<dyn ChangeListener> = work.clone();
        work.replicas.listen(Arc::downgrade(&listener));
        Some(work)
    }

    /// Begins a piece of work at the thing with the name `parts`. Costs a MAC.
    pub(super) fn begin(self: &Arc<Self>, parts: &[&[u8]]) -> ReplicaTask {
        let name = self.name(parts);
        self.running.entry(name).or_insert_with(|| watch::Sender::new(0)).send_modify(|count| *count += 1);
        ReplicaTask { work: Arc::clone(self), name }
    }

    /// Waits until no other replica works at the thing with the name `parts`. `patience` is how long a replica may take to
    /// answer that it does. The caller limits the wait.
    pub(super) async fn wait_until_idle(&self, parts: &[&[u8]], patience: Duration) {
        let Some(mut question) = self.ask(parts).await else { return };
        // Several replicas may answer, and the first may end before the second has answered.
        sleep(patience).await;
        // The question holds the sender, so the channel is open.
        let _ = question.answers.wait_for(|answers| answers.working == 0).await;
    }

    /// Whether another replica works at the thing with the name `parts`. `patience` is how long it may take to answer.
    pub(super) async fn is_running(&self, parts: &[&[u8]], patience: Duration) -> bool {
        let Some(mut question) = self.ask(parts).await else { return false };
        matches!(timeout(patience, question.answers.wait_for(|answers| answers.working > 0)).await, Ok(Ok(_)))
    }

    /// Asks the other replicas. `None` if the question does not reach them.
    async fn ask(&self, parts: &[&[u8]]) -> Option<Question<'_>> {
        if self.replicas.is_store_silent() {
            return None;
        }
        let (id, name) = (QuestionId::draw(&*self.entropy), self.name(parts));
        let sender = watch::Sender::default();
        let mut question = Question { id, work: self, answers: sender.subscribe() };
        self.asked.insert(id, sender);
        let delivery = async {
            self.tell(WorkMessage::Asked { id, name }).await?;
            question.answers.wait_for(|answers| answers.is_delivered || answers.working > 0).await.ok().map(drop)
        };
        timeout(DELIVERY_LIMIT, delivery).await.ok()??;
        Some(question)
    }

    async fn tell(&self, message: WorkMessage) -> Option<()> {
        let told = self.replicas.tell(self.topic, &message.to_bytes()).await;
        told.inspect_err(|error| tracing::debug!(%error, "the replicas do not hear of each other's work")).ok()
    }

    fn name(&self, parts: &[&[u8]]) -> RecordKey {
        RecordKey(self.records.mac(&REPLICA_WORK, parts))
    }

    /// Answers a question of another replica, if this one works at the thing.
    fn answer(&self, id: QuestionId, name: RecordKey) {
        let Some(mut count) = self.running.get(&name).map(|sender| sender.subscribe()) else { return };
        let (replicas, topic) = (Arc::clone(&self.replicas), self.topic);
        tokio::spawn(async move {
            // The end is told after the beginning, by the same task.
            let _ = replicas.tell(topic, &WorkMessage::Working { id }.to_bytes()).await;
            // The sender is dropped when the last piece of work has ended.
            let _ = timeout(INTEREST_LIMIT, count.wait_for(|count| *count == 0)).await;
            if let Err(error) = replicas.tell(topic, &WorkMessage::Ended { id }.to_bytes()).await {
                tracing::debug!(%error, "the end of this replica's work was not told: the other one waits its full time");
            }
        });
    }

    fn note_answer(&self, id: QuestionId, change: impl FnOnce(&mut Answers)) {
        if let Some(answers) = self.asked.get(&id) {
            answers.send_modify(change);
        }
    }

    /// The number of questions of this replica to which another one has said that it works.
    #[cfg(test)]
    pub(super) fn count_answered(&self) -> usize {
        self.asked.iter().filter(|answers| answers.borrow().working > 0).count()
    }

    /// Whether nothing is kept of this replica's work.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}

impl ChangeListener for ReplicaWork {
    fn changed(&self, key: RecordKey, note: &[u8]) {
        if key != self.topic {
            return;
        }
        match WorkMessage::parse(note) {
            Some(WorkMessage::Asked { id, .. }) if self.asked.contains_key(&id) => {
                self.note_answer(id, |answers| answers.is_delivered = true);
            }
            Some(WorkMessage::Asked { id, name }) => self.answer(id, name),
            Some(WorkMessage::Working { id }) => self.note_answer(id, |answers| answers.working += 1),
            Some(WorkMessage::Ended { id }) => {
                self.note_answer(id, |answers| answers.working = answers.working.saturating_sub(1));
            }
            // A replica of a later version may tell more.
            None => {}
        }
    }

    /// Answers may have been missed. A question that waits for one waits its full time.
    fn all_may_have_changed(&self) {}
}

impl Drop for ReplicaTask {
    fn drop(&mut self) {
        if let Some(count) = self.work.running.get(&self.name) {
            count.send_modify(|count| *count = count.saturating_sub(1));
        }
        self.work.running.remove_if(&self.name, |_, count| *count.borrow() == 0);
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.work.asked.remove(&self.id);
    }
}
