use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::SharedClock;
use crate::inbound::client::ClientNetwork;
use crate::inbound::limits::{SharedGuesses, SharedLimits, to_seconds};

/// The time from a client's first wrong guess on in which its guesses are counted. Afterwards the count begins anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Clients that are counted one by one at the same time; all others count as one.
pub(in crate::inbound) const MAX_CLIENTS: usize = 4096;
/// Of the refusals of a client that is limited, every hundredth has a log line.
pub(in crate::inbound) const REFUSALS_PER_LINE: u32 = 100;

/// The wrong guesses of each client within a minute. Over a shared store, the guesses at all replicas count together: a client
/// that has guesses left here is refused when it has none left there. Refusals are counted by each process for its own log.
pub(in crate::inbound) struct GuessCounts {
    clock: SharedClock,
    /// `None` if only this process counts.
    shared: Option<SharedGuesses>,
    /// Guesses that are answered as such.
    limit: u32,
    clients: Arc<GuessingClients>,
}

/// The refusals of each client that this process has counted.
type GuessingClients = Mutex<HashMap<Option<ClientNetwork>, GuessWindow>>;

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
    /// Whether this is the first guess of the window that is too many, if every refusal of the client is a guess.
    pub(in crate::inbound) is_first: bool,
}

impl GuessCounts {
    /// Counts of guesses at `name` that no client has used, up to `limit` guesses each.
    pub(in crate::inbound) fn new(limits: &SharedLimits, name: &'static str, limit: u32) -> Self {
        Self { shared: limits.guesses(name), ..Self::of_this_process(limits.clock().clone(), limit) }
    }

    /// As [`GuessCounts::new`]; counts that were made of the same `limits` before go on.
    pub(in crate::inbound) fn continued(limits: &SharedLimits, name: &'static str, limit: u32) -> Self {
        Self { clients: limits.find_counted(name, GuessingClients::default), ..Self::new(limits, name, limit) }
    }

    /// Counts of this process alone.
    pub(in crate::inbound) fn of_this_process(clock: SharedClock, limit: u32) -> Self {
        Self { clock, shared: None, limit, clients: Arc::default() }
    }

    /// Whether a wrong guess of `client` is answered as such. `None`: the client is unknown.
    pub(in crate::inbound) async fn admit(&self, client: Option<ClientNetwork>) -> Result<(), TooManyGuesses> {
        if let Some(window) = self.find_exhausted(client) {
            return Err(self.refuse(window));
        }
        let Some(shared) = &self.shared else { return Ok(()) };
        match shared.count(self.choose_counted(client), 0).await {
            Some(guesses) if guesses >= self.limit => Err(self.refuse_shared(shared, client, guesses)),
            _ => Ok(()),
        }
    }

    /// Counts a refusal of `client`; `is_guess`: it presented something wrong, and not nothing.
    pub(in crate::inbound) async fn charge(&self, client: Option<ClientNetwork>, is_guess: bool) -> GuessWindow {
        let window = self.charge_here(client, is_guess);
        match &self.shared {
            Some(shared) if is_guess => window.counted_as(shared.count(self.choose_counted(client), 1).await),
            _ => window,
        }
    }

    /// The same in this process alone.
    pub(in crate::inbound) fn charge_here(&self, client: Option<ClientNetwork>, is_guess: bool) -> GuessWindow {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let window = open_window(&mut clients, client, now);
        window.refusals = window.refusals.saturating_add(1);
        window.guesses = window.guesses.saturating_add(u32::from(is_guess));
        *window
    }

    /// Counts a wrong guess of `client`, unless it has guessed too often. Guesses that are made at the same time are counted one
    /// after the other, so that no more than the limit are answered.
    pub(in crate::inbound) async fn guess(&self, client: Option<ClientNetwork>) -> Result<GuessWindow, TooManyGuesses> {
        let window = self.guess_here(client)?;
        let Some(shared) = &self.shared else { return Ok(window) };
        match shared.count(self.choose_counted(client), 1).await {
            Some(guesses) if guesses > self.limit => {
                let is_first = guesses == self.limit.saturating_add(1);
                let retry_after = to_seconds(shared.time_to_next_window());
                Err(TooManyGuesses { retry_after, window: window.counted_as(Some(guesses)), is_first })
            }
            guesses => Ok(window.counted_as(guesses)),
        }
    }

    fn guess_here(&self, client: Option<ClientNetwork>) -> Result<GuessWindow, TooManyGuesses> {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let window = open_window(&mut clients, client, now);
        window.refusals = window.refusals.saturating_add(1);
        if window.guesses >= self.limit {
            return Err(self.refuse(*window));
        }
        window.guesses = window.guesses.saturating_add(1);
        Ok(*window)
    }

    /// The window of a client that has no guess left in this process, in which one more refusal is counted.
    fn find_exhausted(&self, client: Option<ClientNetwork>) -> Option<GuessWindow> {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let client = choose_counted(&clients, client);
        let window = clients.get_mut(&client).filter(|window| window.is_open(now) && window.guesses >= self.limit)?;
        window.refusals = window.refusals.saturating_add(1);
        Some(*window)
    }

    fn refuse(&self, window: GuessWindow) -> TooManyGuesses {
        let is_first = window.refusals == self.limit.saturating_add(1);
        TooManyGuesses { retry_after: window.seconds_left(self.clock.elapsed()), window, is_first }
    }

    /// Refuses a client that has no guess left at all replicas together.
    fn refuse_shared(&self, shared: &SharedGuesses, client: Option<ClientNetwork>, guesses: u32) -> TooManyGuesses {
        let window = self.charge_here(client, false).counted_as(Some(guesses));
        TooManyGuesses { retry_after: to_seconds(shared.time_to_next_window()), window, is_first: false }
    }

    /// The client as which `client` is counted, here and by all replicas: so the counts of a window are bounded there, too.
    fn choose_counted(&self, client: Option<ClientNetwork>) -> Option<ClientNetwork> {
        choose_counted(&self.lock(), client)
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
        to_seconds(WINDOW.saturating_sub(now.saturating_sub(self.begun)))
    }

    /// The same window with the guesses that all replicas have counted, if they have.
    fn counted_as(self, guesses: Option<u32>) -> Self {
        Self { guesses: guesses.unwrap_or(self.guesses), ..self }
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
