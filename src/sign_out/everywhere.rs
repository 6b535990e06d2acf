//! `SignOut`: the sign-out everywhere. `mod.rs` has the type.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use super::{LogoutNotice, SignOut, SignOutCause, SignOutFailure, run_to_end};
use crate::domain::{ExchangeStep, TenantId, UserKey};
use crate::observability::{AuditEvent, conceal};

/// The keys of one person at most. One has a handful; a list without an end would keep a sign-out from ending. A sign-out of a
/// person who has more is incomplete, and says so.
const MAX_KEYS: usize = 64;
/// The pauses before the background tries to end what the store did not let end at first.
const RETRY_PAUSES: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(5)];
/// The sign-outs that are being completed in the background at the same time. Beyond that, the caller's repetition completes them.
pub(super) const MAX_RETRIES: usize = 64;

/// The name of the tokens of identity providers among what has ended.
const TOKENS: &str = "tokens";
/// The name of the person's other keys among what could not be reached.
const LINKED_KEYS: &str = "linked identities";
/// The name of the notices among what could not be reached.
const NOTICES: &str = "notices to applications";

/// What a sign-out everywhere has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedEverywhere {
    /// The tokens of identity providers that were removed.
    pub tokens_removed: usize,
    /// All that has ended, by name: tokens, sessions, grants and so on. A kind of which nothing has ended is left out.
    pub ended: Vec<EndedRecords>,
}

/// A kind of records, and how many of them have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedRecords {
    /// What they are, in the plural.
    pub name: &'static str,
    /// How many have ended.
    pub count: usize,
}

/// One step of a sign-out everywhere. [`SignOut::list_steps`] has their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Raises the epoch of the tokens of identity providers, and removes them.
    Tokens,
    /// Raises the numbers of a collection from which new tokens could follow: sessions, refresh tokens.
    Source(usize),
    /// Tells applications.
    Notices,
    /// Ends the grants, which name the applications. It is not taken for a key whose applications could not be told.
    Grants,
    /// Ends the records of a collection.
    Other(usize),
}

/// The keys of one person.
pub(super) struct ListedKeys {
    /// The key that was asked for, and the linked ones.
    pub(super) keys: Vec<UserKey>,
    /// Whether there are more than [`MAX_KEYS`].
    pub(super) has_more: bool,
}

/// A step that failed, and for which key.
#[derive(Clone)]
struct Unreached {
    step: Step,
    key: UserKey,
}

/// A sign-out everywhere that is under way.
struct Progress<'a> {
    sign_out: &'a SignOut,
    cause: &'a SignOutCause,
    ended: BTreeMap<&'static str, usize>,
    unreached: Vec<Unreached>,
    /// Whether the person's other keys could not be read, or are too many.
    has_unknown_keys: bool,
    failure: Option<SignOutFailure>,
}

impl SignOut {
    /// Signs the person with the key `user` out everywhere: also under the keys that are linked to it at directories. Ends sessions
    /// and refresh tokens of directories, the tokens for every bot, back end, app, channel and connection, the pins to the person,
    /// and the tokens that bot-sso has issued itself; and tells the applications of directories. It is no error if there is nothing
    /// to end.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails. What it did not let end is tried again in the background a few times, and by calling
    /// again; no token of identity providers is handed out in the meantime.
    pub async fn everywhere(&self, user: &UserKey, cause: SignOutCause) -> Result<EndedEverywhere, SignOutFailure> {
        let (sign_out, user) = (self.clone(), user.clone());
        run_to_end(async move { sign_out.end_everywhere(&user, &cause).await }).await
    }

    async fn end_everywhere(&self, user: &UserKey, cause: &SignOutCause) -> Result<EndedEverywhere, SignOutFailure> {
        let mut progress = Progress::new(self, cause);
        progress.end_all(user).await;
        let ended = progress.report(user);
        let Progress { unreached, has_unknown_keys, failure, .. } = progress;
        if let Some(failure) = failure {
            self.retry_later(user, cause, unreached, has_unknown_keys);
            return Err(failure);
        }
        self.tell_observer(ended.tokens_removed);
        Ok(ended)
    }

    /// Lists `user` and the keys that are linked to it, also through others.
    pub(super) async fn list_keys(&self, user: &UserKey) -> Result<ListedKeys, SignOutFailure> {
        let mut keys = vec![user.clone()];
        let (mut read, mut has_more) = (0, false);
        while let Some(key) = keys.get(read).cloned() {
            for links in &self.joined.links {
                for linked in links.list(&key).await.map_err(SignOutFailure)? {
                    if keys.contains(&linked) {
                        continue;
                    }
                    if keys.len() < MAX_KEYS {
                        keys.push(linked);
                    } else {
                        has_more = true;
                    }
                }
            }
            read += 1;
        }
        Ok(ListedKeys { keys, has_more })
    }

    /// The steps in their order. The epoch is raised before the sources: a sign-in at a provider that comes back afterwards begins
    /// no session. It is raised once more after them: a token that was obtained in between, by a session that still lived, is of an
    /// earlier epoch.
    fn list_steps(&self) -> impl Iterator<Item = Step> + use<> {
        let (sources, others) = (self.joined.sources.len(), self.joined.others.len());
        let epochs = std::iter::once(Step::Tokens).chain((0..sources).map(Step::Source)).chain([Step::Tokens]);
        epochs.chain([Step::Notices, Step::Grants]).chain((0..others).map(Step::Other))
    }

    fn name_of(&self, step: Step) -> &'static str {
        match step {
            Step::Source(at) => self.joined.sources.get(at).map_or("", |source| source.record_name()),
            Step::Tokens => TOKENS,
            Step::Notices => NOTICES,
            Step::Grants => self.joined.grants.as_ref().map_or("", |grants| grants.record_name()),
            Step::Other(at) => self.joined.others.get(at).map_or("", |other| other.record_name()),
        }
    }

    /// Takes one step. Returns how many records have ended.
    async fn take_step(&self, step: Step, key: &UserKey, cause: &SignOutCause) -> Result<usize, SignOutFailure> {
        let collection = match step {
            Step::Source(at) => self.joined.sources.get(at),
            Step::Grants => self.joined.grants.as_ref(),
            Step::Other(at) => self.joined.others.get(at),
            Step::Tokens => return Ok(self.tokens.everywhere(key).await?),
            Step::Notices => {
                self.tell_applications(key, cause).await?;
                return Ok(0);
            }
        };
        match collection {
            Some(collection) => collection.end_for_user(key).await.map_err(SignOutFailure),
            None => Ok(0),
        }
    }

    async fn tell_applications(&self, key: &UserKey, cause: &SignOutCause) -> Result<(), SignOutFailure> {
        let Some(back_channel) = &self.joined.back_channel else { return Ok(()) };
        let Some((tenant, user_id)) = key.directory_user() else { return Ok(()) };
        let notice = LogoutNotice {
            tenant: TenantId::new(tenant),
            user_id: user_id.to_owned(),
            session_id: None,
            correlation_id: cause.correlation_id.clone(),
        };
        let listed = back_channel.list_applications(&notice).await;
        back_channel.send(&notice, listed.map_err(|error| SignOutFailure(error.into()))?);
        Ok(())
    }

    /// Tries again, in the background, what the store did not let end.
    fn retry_later(&self, user: &UserKey, cause: &SignOutCause, unreached: Vec<Unreached>, has_unknown_keys: bool) {
        let Ok(permit) = self.retries.clone().try_acquire_owned() else { return };
        let (sign_out, user, cause) = (self.clone(), user.clone(), cause.clone());
        tokio::spawn(async move {
            let mut progress = Progress { unreached, has_unknown_keys, ..Progress::new(&sign_out, &cause) };
            for pause in RETRY_PAUSES {
                sleep(pause).await;
                progress.end_unreached(&user).await;
                if progress.failure.is_none() {
                    progress.report(&user);
                    break;
                }
            }
            drop(permit);
        });
    }

    fn tell_observer(&self, tokens_removed: usize) {
        self.observation.tell_without_request(|| ExchangeStep::SignedOut {
            bot: None,
            connection: None,
            tokens_removed: Some(tokens_removed),
        });
    }
}

impl<'a> Progress<'a> {
    fn new(sign_out: &'a SignOut, cause: &'a SignOutCause) -> Self {
        let (ended, unreached) = <(BTreeMap<_, _>, Vec<_>)>::default();
        Self { sign_out, cause, ended, unreached, has_unknown_keys: false, failure: None }
    }

    /// Takes all steps for all keys of the person. A step that fails keeps no other from being taken, except that grants stay while
    /// their applications were not told.
    async fn end_all(&mut self, user: &UserKey) {
        let mut done: Vec<UserKey> = Vec::new();
        // A key that was linked meanwhile is found after the steps for the others.
        loop {
            let keys = match self.sign_out.list_keys(user).await {
                Ok(ListedKeys { keys, has_more: false }) => keys,
                Ok(ListedKeys { keys, has_more: true }) => {
                    self.miss_keys(SignOutFailure("the person has too many linked identities".into()));
                    keys
                }
                Err(failure) => {
                    self.miss_keys(failure);
                    vec![user.clone()]
                }
            };
            let new: Vec<_> = keys.into_iter().filter(|key| !done.contains(key)).collect();
            if new.is_empty() {
                return;
            }
            for step in self.sign_out.list_steps() {
                for key in &new {
                    self.take(step, key).await;
                }
            }
            done.extend(new);
        }
    }

    /// Notes that some of the person's keys are not known.
    fn miss_keys(&mut self, failure: SignOutFailure) {
        self.has_unknown_keys = true;
        self.failure.get_or_insert(failure);
    }

    /// Takes the steps that failed before.
    async fn end_unreached(&mut self, user: &UserKey) {
        self.failure = None;
        if std::mem::take(&mut self.has_unknown_keys) {
            self.unreached.clear();
            return self.end_all(user).await;
        }
        for Unreached { step, key } in std::mem::take(&mut self.unreached) {
            self.take(step, &key).await;
        }
    }

    async fn take(&mut self, step: Step, key: &UserKey) {
        let is_untold = |left: &Unreached| left.step == Step::Notices && left.key == *key;
        if step == Step::Grants && self.unreached.iter().any(is_untold) {
            // The failure is that of the notices.
            self.unreached.push(Unreached { step, key: key.clone() });
            return;
        }
        match self.sign_out.take_step(step, key, self.cause).await {
            Ok(0) => {}
            Ok(count) => *self.ended.entry(self.sign_out.name_of(step)).or_default() += count,
            Err(failure) => {
                self.unreached.push(Unreached { step, key: key.clone() });
                self.failure.get_or_insert(failure);
            }
        }
    }

    /// Tells log and audit stream what has ended, and what has not.
    fn report(&self, user: &UserKey) -> EndedEverywhere {
        let tokens_removed = self.ended.get(TOKENS).copied().unwrap_or(0);
        let event = match self.failure {
            None => AuditEvent::SignedOutEverywhere,
            Some(_) => AuditEvent::SignOutNotStored,
        };
        let (correlation_id, security) = (self.cause.correlation_id.as_str(), event.is_security());
        let unreached = self.name_unreached();
        if self.failure.is_none() {
            tracing::info!(correlation_id, user = %conceal(user), tokens_removed, security, "a user was signed out everywhere");
        }
        let entry = self.cause.audit(event).user(user).count(tokens_removed);
        entry.ended(self.ended.clone()).unreached(unreached).write();
        let records = self.ended.iter().map(|(&name, &count)| EndedRecords { name, count });
        EndedEverywhere { tokens_removed, ended: records.collect() }
    }

    fn name_unreached(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.unreached.iter().map(|left| self.sign_out.name_of(left.step)).collect();
        names.extend(self.has_unknown_keys.then_some(LINKED_KEYS));
        names.sort_unstable();
        names.dedup();
        names
    }
}
