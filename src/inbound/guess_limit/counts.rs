use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::SharedClock;
use crate::inbound::client::ClientNetwork;

/// The time from a client's first wrong guess on in which its guesses are counted. Afterwards the count begins anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Clients that are counted one by one at the same time; all others count as one.
pub(in crate::inbound) const MAX_CLIENTS: usize = 4096;
/// Of the refusals of a client that is limited, every hundredth has a log line.
pub(in crate::inbound) const REFUSALS_PER_LINE: u32 = 100;

/// The wrong guesses of each client within a minute.
pub(in crate::inbound) struct GuessCounts {
    clock: SharedClock,
    /// Guesses that are answered as such.
    limit: u32,
    clients: Mutex<HashMap<Option<ClientNetwork>, GuessWindow>>,
}

/// The refusals of one client since the first of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::inbound) struct GuessWindow {
    /// By [`Clock::elapsed`](crate::domain::Clock::elapsed).
    begun: Duration,
    pub(in crate::inbound) guesses: u32,
    pub(in crate::inbound) refusals: u32,
}

/// The client has guessed too often.
#[derive(Clone, Copy, Debug)]
pub(in crate::inbound) struct TooManyGuesses {
    /// Seconds until its next guess is answered as such.
    pub(in crate::inbound) retry_after: u64,
    pub(in crate::inbound) window: GuessWindow,
}

impl GuessCounts {
    /// Counts that no client has used, up to `limit` guesses each.
    pub(in crate::inbound) fn new(clock: SharedClock, limit: u32) -> Self {
        Self { clock, limit, clients: Mutex::new(HashMap::new()) }
    }

    /// Whether a wrong guess of `client` is answered as such. `None`: the client is unknown.
    pub(in crate::inbound) fn admit(&self, client: Option<ClientNetwork>) -> Result<(), TooManyGuesses> {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let client = choose_counted(&clients, client);
        let Some(window) = clients.get_mut(&client).filter(|window| window.is_open(now)) else { return Ok(()) };
        if window.guesses < self.limit {
            return Ok(());
        }
        window.refusals = window.refusals.saturating_add(1);
        Err(TooManyGuesses { retry_after: window.seconds_left(now), window: *window })
    }

    /// Counts a refusal of `client`; `is_guess`: it presented something wrong, and not nothing.
    pub(in crate::inbound) fn charge(&self, client: Option<ClientNetwork>, is_guess: bool) -> GuessWindow {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let window = open_window(&mut clients, client, now);
        window.refusals = window.refusals.saturating_add(1);
        window.guesses = window.guesses.saturating_add(u32::from(is_guess));
        *window
    }

    /// Counts a wrong guess of `client`, unless it has guessed too often. Guesses that are made at the same time are counted one
    /// after the other, so that no more than the limit are answered.
    pub(in crate::inbound) fn guess(&self, client: Option<ClientNetwork>) -> Result<GuessWindow, TooManyGuesses> {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let window = open_window(&mut clients, client, now);
        window.refusals = window.refusals.saturating_add(1);
        if window.guesses >= self.limit {
            return Err(TooManyGuesses { retry_after: window.seconds_left(now), window: *window });
        }
        window.guesses = window.guesses.saturating_add(1);
        Ok(*window)
    }

    pub(in crate::inbound) fn lock(&self) -> MutexGuard<'_, HashMap<Option<ClientNetwork>, GuessWindow>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GuessWindow {
    const fn begin(now: Duration) -> Self {
        Self { begun: now, guesses: 0, refusals: 0 }
    }

    fn is_open(self, now: Duration) -> bool {
        now.saturating_sub(self.begun) < WINDOW
    }

    fn seconds_left(self, now: Duration) -> u64 {
        let left = WINDOW.saturating_sub(now.saturating_sub(self.begun));
        left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)).max(1)
    }
}

/// The window of `client` at `now`, which is begun if need be.
fn open_window(
    clients: &mut HashMap<Option<ClientNetwork>, GuessWindow>,
    client: Option<ClientNetwork>,
    now: Duration,
) -> &mut GuessWindow {
    if clients.len() >= MAX_CLIENTS {
        clients.retain(|_, window| window.is_open(now));
    }
    let client = choose_counted(clients, client);
    let window = clients.entry(client).or_insert_with(|| GuessWindow::begin(now));
    if !window.is_open(now) {
        *window = GuessWindow::begin(now);
    }
    window
}

/// The entry in which `client` is counted: its own, or that of all others if there is no room for another one.
fn choose_counted(
    clients: &HashMap<Option<ClientNetwork>, GuessWindow>,
    client: Option<ClientNetwork>,
) -> Option<ClientNetwork> {
    client.filter(|_| clients.contains_key(&client) || clients.len() < MAX_CLIENTS)
}
