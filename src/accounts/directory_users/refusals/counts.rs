//! The counts of refused sign-ins in memory: one entry for each login, user and address that was refused within a minute.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::domain::Fingerprint;

/// The time from the first refusal on in which refusals are counted. Afterwards the count begins anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Logins, users and addresses that are counted one by one; all others of a kind count as one. A refusal costs a hash, and a processor
/// core makes about 3000 of them in a minute.
pub(super) const MAX_COUNTED: usize = 65_536;

/// The refusals of logins, of users or of addresses.
pub(super) struct Counted {
    windows: HashMap<CountedAs, RefusalWindow>,
    cleared_at: Duration,
    /// Refusals that are answered as such within the window.
    limit: u32,
}

/// Under what a login, a user or an address is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CountedAs {
    Itself(Fingerprint),
    /// All that have no entry of their own, because there is no room for it.
    Others,
}

#[derive(Default)]
struct RefusalWindow {
    /// The time of the first refusal, by [`Clock::elapsed`](crate::domain::Clock::elapsed).
    begun: Duration,
    refused: u32,
    /// Whether a sign-in was refused because of the limit in this window.
    is_reached: bool,
    /// Sign-ins whose outcome is not known yet.
    running: u32,
    /// Sign-ins that wait for room, in the order in which they came.
    waiting: VecDeque<u64>,
    /// The user of the last refusal, if there is such a user.
    user_id: Option<Box<str>>,
}

/// What a limit says of one more sign-in.
pub(super) enum Room {
    Free,
    /// The sign-ins that run, and those that have waited longer, may use up the limit.
    Unknown,
    /// There is none for this time.
    None(Duration),
}

impl Counted {
    pub(super) fn new(limit: u32) -> Self {
        Self { windows: HashMap::new(), cleared_at: Duration::ZERO, limit }
    }

    /// The entry in which `name` is counted: its own, or that of all others if there is no room for another one.
    pub(super) fn choose(&mut self, name: Fingerprint, now: Duration) -> CountedAs {
        let is_full = self.windows.len() >= MAX_COUNTED;
        // The entries are looked through at most once a second.
        if is_full && now.saturating_sub(self.cleared_at) >= Duration::from_secs(1) {
            self.cleared_at = now;
            self.windows.retain(|_, window| window.is_in_use() || window.is_open(now));
        }
        let own = CountedAs::Itself(name);
        let has_room = self.windows.len() < MAX_COUNTED || self.windows.contains_key(&own);
        if has_room { own } else { CountedAs::Others }
    }

    /// Whether the sign-in with `ticket` may begin.
    pub(super) fn room(&self, name: CountedAs, ticket: u64, now: Duration) -> Room {
        let Some(window) = self.windows.get(&name) else { return Room::Free };
        let refused = if window.is_open(now) { window.refused } else { 0 };
        let ahead = window.waiting.iter().position(|other| *other == ticket).unwrap_or(window.waiting.len());
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        if refused >= self.limit {
            Room::None(WINDOW.saturating_sub(now.saturating_sub(window.begun)))
        } else if refused.saturating_add(window.running).saturating_add(ahead) >= self.limit {
            Room::Unknown
        } else {
            Room::Free
        }
    }

    /// Notes that a sign-in is refused because of the limit, if it is; returns whether it is the first of the window.
    pub(super) fn note_reached(&mut self, name: CountedAs, now: Duration) -> bool {
        let limit = self.limit;
        let window = self.windows.get_mut(&name).filter(|window| window.is_open(now) && window.refused >= limit);
        window.is_some_and(|window| !std::mem::replace(&mut window.is_reached, true))
    }

    /// The user of the last refusal. `Others` are several users.
    pub(super) fn user_id(&self, name: CountedAs) -> Option<String> {
        let window = self.windows.get(&name).filter(|_| name != CountedAs::Others)?;
        window.user_id.as_deref().map(str::to_owned)
    }

    /// Puts the sign-in with `ticket` behind those that wait, unless it waits already.
    pub(super) fn wait(&mut self, name: CountedAs, ticket: u64) {
        let waiting = &mut self.windows.entry(name).or_default().waiting;
        if !waiting.contains(&ticket) {
            waiting.push_back(ticket);
        }
    }

    pub(super) fn stop_waiting(&mut self, name: CountedAs, ticket: u64) {
        if let Some(window) = self.windows.get_mut(&name) {
            window.waiting.retain(|other| *other != ticket);
            self.forget_unused(name);
        }
    }

    pub(super) fn begin(&mut self, name: CountedAs) {
        self.windows.entry(name).or_default().running += 1;
    }

    pub(super) fn refuse(&mut self, name: CountedAs, user_id: Option<&str>, now: Duration) {
        let window = self.windows.entry(name).or_default();
        if !window.is_open(now) {
            (window.begun, window.refused, window.is_reached) = (now, 0, false);
        }
        window.refused += 1;
        window.user_id = user_id.map(Box::from);
    }

    pub(super) fn end(&mut self, name: CountedAs) {
        if let Some(window) = self.windows.get_mut(&name) {
            window.running = window.running.saturating_sub(1);
            self.forget_unused(name);
        }
    }

    fn forget_unused(&mut self, name: CountedAs) {
        if self.windows.get(&name).is_some_and(|window| !window.is_in_use() && window.refused == 0) {
            self.windows.remove(&name);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }
}

impl RefusalWindow {
    fn is_open(&self, now: Duration) -> bool {
        self.refused > 0 && now.saturating_sub(self.begun) < WINDOW
    }

    fn is_in_use(&self) -> bool {
        self.running > 0 || !self.waiting.is_empty()
    }
}
