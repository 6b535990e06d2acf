//! The limits of refused sign-ins (docs/directory.md §Signing in). The counts are in memory, and end with the process. Over a shared
//! store, a sign-in that they admit is counted with those of the other replicas, too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::counts::{Counted, CountedAs, Room};
use super::refusal::{ReachedLimit, TooManyRefusals};
use super::shared::{SharedName, SharedPermit, SharedRefusals};
use crate::domain::{Fingerprint, Fingerprints, SharedClock, TenantId};
use crate::records::{RecordError, Records};

/// Refused sign-ins that are answered as such within a minute, for one login of a directory, and for one user. App ID has the same
/// number.
const PER_LOGIN: u32 = 11;
/// The same for one client address.
const PER_ADDRESS: u32 = 30;
/// The longest wait for sign-ins that run. A sign-in that has waited for so long is refused.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Counts refused sign-ins. Clones share the counts.
#[derive(Clone)]
pub(in crate::accounts::directory_users) struct RefusalLimits {
    own: Arc<Limits>,
    /// `None` if this process alone writes to the store.
    shared: Option<Arc<SharedRefusals>>,
}

struct Limits {
    clock: SharedClock,
    names: Fingerprints,
    counts: Mutex<Counts>,
    longest_wait: Duration,
    /// Told whenever a sign-in ends that counts as a refusal while it runs, or stops to wait.
    settled: Notify,
}

struct Counts {
    logins: Counted,
    users: Counted,
    addresses: Counted,
    last_ticket: u64,
}

/// The entries in which one sign-in is counted.
#[derive(Clone, Copy)]
struct Entries {
    login: Option<CountedAs>,
    user: Option<CountedAs>,
    address: Option<CountedAs>,
}

/// A place among the sign-ins that wait, until it is dropped.
struct WaitingPlace<'a> {
    limits: &'a Limits,
    entries: Entries,
    ticket: u64,
}

/// The permission to check one password. It counts as a refusal until it is dropped.
pub(in crate::accounts::directory_users) struct SignInPermit {
    limits: Arc<Limits>,
    entries: Entries,
    /// Its places in the counts of all replicas.
    shared: Option<SharedPermit>,
}

impl RefusalLimits {
    pub(in crate::accounts::directory_users) fn new(records: &Records, clock: SharedClock) -> Self {
        Self::waiting_for(records, clock, LONGEST_WAIT)
    }

    /// Limits with another longest wait than that of [`RefusalLimits::new`].
    pub(super) fn waiting_for(records: &Records, clock: SharedClock, longest_wait: Duration) -> Self {
        let counts = Counts {
            logins: Counted::new(PER_LOGIN),
            users: Counted::new(PER_LOGIN),
            addresses: Counted::new(PER_ADDRESS),
            last_ticket: 0,
        };
        let (names, counts, settled) = (Fingerprints::new(), Mutex::new(counts), Notify::new());
        let own = Arc::new(Limits { clock, names, counts, longest_wait, settled });
        Self { own, shared: SharedRefusals::over(records, longest_wait).map(Arc::new) }
    }

    /// Admits a sign-in as `login` from `address`; `None`: the address is not limited. Sign-ins that run at the same time wait
    /// where they could pass a limit together, in the order in which they came, so that parallel guesses are answered no more often
    /// than others, and parallel sign-ins with the right password succeed. None waits for longer than five seconds, and for as long once
    /// more for those on other replicas, which follow no order.
    pub(in crate::accounts::directory_users) async fn admit(
        &self,
        tenant: &TenantId,
        login: &str,
        address: Option<&str>,
    ) -> Result<Result<SignInPermit, TooManyRefusals>, RecordError> {
        let names = || {
            let login = shared_name("login", tenant.as_str(), login);
            let of_address = |address| SharedName {
                limit: PER_ADDRESS,
                says: ReachedLimit::OfAddress,
                ..shared_name("address", "", address)
            };
            std::iter::once(login).chain(address.map(of_address)).collect()
        };
        let login = self.own.names.compute_for_parts(&[tenant.as_str(), login]);
        let address = address.map(|address| self.own.names.compute(address.as_bytes()));
        let entries = {
            let (now, mut counts) = (self.own.clock.elapsed(), self.own.lock());
            let (login, address) = (counts.logins.choose(login, now), counts.choose_address(address, now));
            Entries { login: Some(login), user: None, address }
        };
        let admitted = self.wait_for_room(entries).await;
        self.count_with_others(admitted, names).await
    }

    /// Admits a sign-in, which has its permission, as one of the user with this id. A user with several logins has one limit for
    /// all of them.
    pub(in crate::accounts::directory_users) async fn admit_user(
        &self,
        tenant: &TenantId,
        user_id: &str,
    ) -> Result<Result<SignInPermit, TooManyRefusals>, RecordError> {
        let user = self.own.names.compute_for_parts(&[tenant.as_str(), user_id]);
        let user = self.own.lock().users.choose(user, self.own.clock.elapsed());
        let admitted = self.wait_for_room(Entries { login: None, user: Some(user), address: None }).await;
        self.count_with_others(admitted, || vec![shared_name("user", tenant.as_str(), user_id)]).await
    }

    /// Takes as long as [`RefusalLimits::admit_user`], for a `login` that no user has.
    pub(in crate::accounts::directory_users) async fn admit_decoy(
        &self,
        tenant: &TenantId,
        login: &str,
    ) -> Result<Option<SignInPermit>, RecordError> {
        if self.shared.is_none() {
            return Ok(None);
        }
        let admitted = self.wait_for_room(Entries { login: None, user: None, address: None }).await;
        let admitted = self.count_with_others(admitted, || vec![shared_name("decoy", tenant.as_str(), login)]).await?;
        Ok(admitted.ok())
    }

    #[cfg(test)]
    pub(super) fn counted_logins(&self) -> usize {
        self.own.lock().logins.len()
    }

    async fn wait_for_room(&self, entries: Entries) -> Result<SignInPermit, TooManyRefusals> {
        let place = self.own.take_place(entries);
        let admitted = tokio::time::timeout(self.own.longest_wait, async {
            loop {
                let mut settled = std::pin::pin!(self.own.settled.notified());
                // A sign-in that ends between the look at the counts and the wait wakes the wait as well.
                settled.as_mut().enable();
                if place.try_begin()? {
                    let limits = self.own.clone();
                    return Ok(SignInPermit { limits, entries, shared: None });
                }
                settled.await;
            }
        });
        admitted.await.unwrap_or(Err(TooManyRefusals { retry_after: 1, reached: None, user_id: None }))
    }

    /// Lets the counts of all replicas decide over what this one has `admitted`, and say whether a limit is reached for the first time.
    async fn count_with_others(
        &self,
        admitted: Result<SignInPermit, TooManyRefusals>,
        names: impl FnOnce() -> Vec<SharedName> + Send,
    ) -> Result<Result<SignInPermit, TooManyRefusals>, RecordError> {
        let Some(shared) = &self.shared else { return Ok(admitted) };
        let names = names();
        match admitted {
            Ok(mut permit) => Ok(match shared.admit(&names).await? {
                Ok(places) => {
                    permit.shared = Some(places);
                    Ok(permit)
                }
                Err(refusal) => Err(TooManyRefusals { user_id: permit.last_user_id(), ..refusal }),
            }),
            Err(TooManyRefusals { reached: Some(reached), retry_after, user_id }) => {
                let is_first = shared.note_reached(&names, reached).await?;
                Ok(Err(TooManyRefusals { reached: is_first.then_some(reached), retry_after, user_id }))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

/// The name of a login or a user for all replicas.
fn shared_name(kind: &'static str, tenant: &str, text: &str) -> SharedName {
    let (tenant, text) = (tenant.to_owned(), text.to_owned());
    SharedName { kind, tenant, text, limit: PER_LOGIN, says: ReachedLimit::OfUser }
}

impl Limits {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_place(&self, entries: Entries) -> WaitingPlace<'_> {
        let mut counts = self.lock();
        counts.last_ticket = counts.last_ticket.wrapping_add(1);
        WaitingPlace { limits: self, entries, ticket: counts.last_ticket }
    }
}

impl Counts {
    fn choose_address(&mut self, address: Option<Fingerprint>, now: Duration) -> Option<CountedAs> {
        address.map(|address| self.addresses.choose(address, now))
    }

    /// The counts in which a sign-in has `entries`, with the entry in each.
    fn of(&mut self, entries: Entries) -> impl Iterator<Item = (&mut Counted, CountedAs)> {
        let Self { logins, users, addresses, .. } = self;
        let all = [(logins, entries.login), (users, entries.user), (addresses, entries.address)];
        all.into_iter().filter_map(|(counted, entry)| Some((counted, entry?)))
    }

    /// What is answered to a sign-in that has to wait for `left`.
    fn refuse_for(&mut self, entries: Entries, left: Duration, now: Duration) -> TooManyRefusals {
        let Self { logins, users, addresses, .. } = self;
        let reached = |counted: &mut Counted, entry: Option<CountedAs>| {
            entry.is_some_and(|entry| counted.note_reached(entry, now))
        };
        let of_user = reached(logins, entries.login) | reached(users, entries.user);
        let of_address = reached(addresses, entries.address);
        let limit = of_user.then_some(ReachedLimit::OfUser);
        TooManyRefusals {
            retry_after: left.as_secs() + u64::from(left.subsec_nanos() > 0),
            reached: limit.or_else(|| of_address.then_some(ReachedLimit::OfAddress)),
            user_id: entries.login.and_then(|login| logins.user_id(login)),
        }
    }
}

impl WaitingPlace<'_> {
    /// Begins the sign-in if there is room. Returns whether it has begun; if not, it keeps its place.
    fn try_begin(&self) -> Result<bool, TooManyRefusals> {
        let (now, entries) = (self.limits.clock.elapsed(), self.entries);
        let mut counts = self.limits.lock();
        let (mut left, mut is_unknown) = (Duration::ZERO, false);
        for (counted, entry) in counts.of(entries) {
            match counted.room(entry, self.ticket, now) {
                Room::Free => {}
                Room::Unknown => is_unknown = true,
                Room::None(until_free) => left = left.max(until_free),
            }
        }
        if left > Duration::ZERO {
            return Err(counts.refuse_for(entries, left, now));
        }
        for (counted, entry) in counts.of(entries) {
            if is_unknown {
                counted.wait(entry, self.ticket);
            } else {
                counted.begin(entry);
            }
        }
        Ok(!is_unknown)
    }
}

impl Drop for WaitingPlace<'_> {
    fn drop(&mut self) {
        let mut counts = self.limits.lock();
        for (counted, entry) in counts.of(self.entries) {
            counted.stop_waiting(entry, self.ticket);
        }
        drop(counts);
        // Those behind have moved up.
        self.limits.settled.notify_waiters();
    }
}

impl SignInPermit {
    /// Counts the sign-in as refused. `user_id`: the user of the login.
    pub(in crate::accounts::directory_users) async fn refuse(mut self, user_id: Option<&str>) {
        self.count_refusal(user_id);
        if let Some(shared) = self.shared.take() {
            shared.refuse().await;
        }
    }

    fn count_refusal(&self, user_id: Option<&str>) {
        let now = self.limits.clock.elapsed();
        let mut counts = self.limits.lock();
        for (counted, entry) in counts.of(self.entries) {
            counted.refuse(entry, user_id, now);
        }
    }

    /// The user of the login's last refusal on this replica.
    fn last_user_id(&self) -> Option<String> {
        self.entries.login.and_then(|login| self.limits.lock().logins.user_id(login))
    }
}

impl Drop for SignInPermit {
    fn drop(&mut self) {
        let mut counts = self.limits.lock();
        for (counted, entry) in counts.of(self.entries) {
            counted.end(entry);
        }
        drop(counts);
        self.limits.settled.notify_waiters();
    }
}
