//! The threads that compute hashes, and the queue in front of them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::argon2_hash::{HashParameters, verify};
use super::decoy_hashes::DecoyHashes;
use crate::domain::{Entropy, Secret, SharedEntropy};

/// Callers that wait for a thread at the same time (docs/directory.md §Users and passwords).
const MAX_WAITING: usize = 64;

/// Hashes passwords on as many threads as the machine has cores; at most 64 callers wait. The threads end with the last clone.
#[derive(Clone)]
pub struct PasswordHasher {
    queue: Arc<OpenQueue>,
    /// The hashes that are checked for users that do not exist.
    decoys: Arc<DecoyHashes>,
}

/// More than 64 callers wait for a hash.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many passwords are being hashed")]
pub struct HasherBusy;

/// What a thread does, and where it sends the result.
enum HashJob {
    Hash { password: Secret, result: oneshot::Sender<String> },
    Check { password: Secret, hash: Arc<str>, result: oneshot::Sender<bool> },
}

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    parameters: HashParameters,
    entropy: SharedEntropy,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<HashJob>,
    is_closed: bool,
}

/// The callers' side of the queue. The threads end when it is dropped.
struct OpenQueue(Arc<Queue>);

impl PasswordHasher {
    /// Starts the threads.
    #[must_use]
    pub fn start(parameters: HashParameters, entropy: SharedEntropy) -> Self {
        let decoys = Arc::new(DecoyHashes::new(parameters, &*entropy));
        let (waiting, changed) = (Mutex::default(), Condvar::new());
        let queue = Arc::new(Queue { waiting, changed, parameters, entropy });
        for number in 0..thread::available_parallelism().map_or(1, usize::from) {
            let queue = queue.clone();
            let started = thread::Builder::new().name(format!("password-{number}")).spawn(move || queue.work());
            if let Err(error) = started {
                tracing::error!(%error, "a thread for the hashes of passwords did not start");
            }
        }
        Self { queue: Arc::new(OpenQueue(queue)), decoys }
    }

    /// Hashes `password`: a PHC string with its parameters and salt.
    ///
    /// # Errors
    /// [`HasherBusy`].
    pub async fn hash(&self, password: &Secret) -> Result<String, HasherBusy> {
        let (result, hash) = oneshot::channel();
        self.queue.0.push(HashJob::Hash { password: password.clone(), result })?;
        hash.await.map_err(|_| HasherBusy)
    }

    /// Whether `password` is that of `hash`, the hash of a user. Its parameters are remembered for [`PasswordHasher::check_decoy`].
    ///
    /// # Errors
    /// [`HasherBusy`].
    pub async fn check(&self, password: &Secret, hash: &str) -> Result<bool, HasherBusy> {
        if let Some(parameters) = HashParameters::of_hash(hash) {
            self.decoys.note(parameters, &*self.queue.0.entropy);
        }
        self.verify(password, hash.into()).await
    }

    /// Takes as long as the check of a user's password, and is never right. `login`: the directory and the login that no user
    /// has, which choose the parameters among those that users have.
    ///
    /// # Errors
    /// [`HasherBusy`].
    pub async fn check_decoy(&self, password: &Secret, login: &[&str]) -> Result<bool, HasherBusy> {
        self.verify(password, self.decoys.choose(login)).await?;
        Ok(false)
    }

    /// A hash that no password has, with the parameters of new ones.
    pub(in crate::accounts) fn decoy_hash(&self) -> Arc<str> {
        self.decoys.present()
    }

    async fn verify(&self, password: &Secret, hash: Arc<str>) -> Result<bool, HasherBusy> {
        let (result, is_right) = oneshot::channel();
        self.queue.0.push(HashJob::Check { password: password.clone(), hash, result })?;
        is_right.await.map_err(|_| HasherBusy)
    }

    /// The parameters of the hashes that are checked for `count` logins without a user.
    #[cfg(test)]
    pub(super) fn decoy_costs(&self, count: usize) -> Vec<HashParameters> {
        (0..count).filter_map(|number| HashParameters::of_hash(&self.decoys.choose(&[&number.to_string()]))).collect()
    }

    /// A reference that dies when all threads have ended.
    #[cfg(test)]
    pub(super) fn watch_threads(&self) -> std::sync::Weak<impl Sized + use<>> {
        Arc::downgrade(&self.queue.0)
    }

    /// Whether `hash` has other parameters than new ones.
    #[must_use]
    pub fn is_outdated(&self, hash: &str) -> bool {
        self.queue.0.parameters.differ_from(hash)
    }
}

impl HashJob {
    /// Whether the caller has gone away.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Hash { result, .. } => result.is_closed(),
            Self::Check { result, .. } => result.is_closed(),
        }
    }

    fn run(self, parameters: HashParameters, entropy: &dyn Entropy) {
        // A caller that goes away meanwhile needs no result.
        match self {
            Self::Hash { password, result } => {
                if let Some(hash) = parameters.hash(password.expose(), entropy) {
                    let _ = result.send(hash);
                }
            }
            Self::Check { password, hash, result } => {
                let is_right = verify(password.expose(), &hash).unwrap_or_else(|| {
                    tracing::error!("the hash of a stored password cannot be checked");
                    false
                });
                let _ = result.send(is_right);
            }
        }
    }
}

impl Queue {
    fn push(&self, job: HashJob) -> Result<(), HasherBusy> {
        let mut waiting = self.lock();
        if waiting.jobs.len() >= MAX_WAITING {
            waiting.jobs.retain(|job| !job.is_abandoned());
        }
        if waiting.jobs.len() >= MAX_WAITING {
            return Err(HasherBusy);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Runs jobs until the queue is closed.
    fn work(&self) {
        while let Some(job) = self.pop() {
            if !job.is_abandoned() {
                job.run(self.parameters, &*self.entropy);
            }
        }
    }

    /// Waits for a job; `None` if the queue is closed.
    fn pop(&self) -> Option<HashJob> {
        let mut waiting = self.lock();
        loop {
            if waiting.is_closed {
                return None;
            }
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenQueue {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}
