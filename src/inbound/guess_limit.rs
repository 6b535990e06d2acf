use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::client::ClientNetwork;
use super::problem::Problem;
use crate::domain::SharedClock;
use crate::observability::{AuditEntry, AuditEvent};

/// Wrong bearers that a client may present within [`WINDOW`].
const GUESSES: u32 = 10;
/// The time from a client's first wrong bearer on in which its wrong bearers are counted. Afterwards it begins anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Clients that are counted one by one at the same time; all others count as one.
const MAX_CLIENTS: usize = 4096;
/// A client's refusals have a log line for the first, for the one that exhausts the limit, and for every hundredth.
const REFUSALS_PER_LINE: u32 = 100;

/// One call of the operator's listener, as the limit counts it and as log and audit stream name it.
#[derive(Clone, Copy, Debug)]
pub struct OperatorCall<'a> {
    /// The address of the client; `None` if it is unknown.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub correlation_id: &'a str,
}

/// The limit of wrong bearers of each client (docs/security.md §The operator's listener). It is kept in memory.
pub struct GuessLimit {
    clock: SharedClock,
    clients: Mutex<HashMap<Option<ClientNetwork>, Window>>,
}

/// The refusals of one client since the first of them.
#[derive(Clone, Copy)]
struct Window {
    /// By [`Clock::elapsed`](crate::domain::Clock::elapsed).
    begun: Duration,
    guesses: u32,
    refusals: u32,
}

impl GuessLimit {
    /// A limit that no client has used.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, clients: Mutex::new(HashMap::new()) }
    }

    /// Whether the client of `call`, which presents a wrong bearer, gets the answer to it.
    ///
    /// # Errors
    /// 429 with the time until it does.
    pub fn admit(&self, call: &OperatorCall<'_>) -> Result<(), Problem> {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        let client = choose_counted(&clients, call.network());
        let Some(window) = clients.get_mut(&client).filter(|window| window.is_open(now)) else { return Ok(()) };
        if window.guesses < GUESSES {
            return Ok(());
        }
        window.refusals = window.refusals.saturating_add(1);
        let problem = Problem::TooManyRequests { retry_after: window.seconds_left(now) };
        if window.refusals.is_multiple_of(REFUSALS_PER_LINE) {
            log_refusal(call, problem, *window);
        }
        Err(problem)
    }

    /// Counts the refusal of `call`; `is_guess`: it presented a wrong bearer, and not none.
    pub fn charge(&self, call: &OperatorCall<'_>, is_guess: bool) {
        let now = self.clock.elapsed();
        let mut clients = self.lock();
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, window| window.is_open(now));
        }
        let client = choose_counted(&clients, call.network());
        let window = clients.entry(client).or_insert_with(|| Window::begin(now));
        if !window.is_open(now) {
            *window = Window::begin(now);
        }
        window.refusals = window.refusals.saturating_add(1);
        window.guesses = window.guesses.saturating_add(u32::from(is_guess));
        let is_exhausted = is_guess && window.guesses == GUESSES;
        if window.refusals == 1 || is_exhausted || window.refusals.is_multiple_of(REFUSALS_PER_LINE) {
            let problem = if is_guess { Problem::InvalidToken } else { Problem::MissingAuthorization };
            log_refusal(call, problem, *window);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<ClientNetwork>, Window>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OperatorCall<'_> {
    fn network(&self) -> Option<ClientNetwork> {
        self.client.map(ClientNetwork::from_address)
    }
}

impl Window {
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

/// The entry in which `client` is counted: its own, or that of all others if there is no room for another one.
fn choose_counted(
    clients: &HashMap<Option<ClientNetwork>, Window>,
    client: Option<ClientNetwork>,
) -> Option<ClientNetwork> {
    client.filter(|_| clients.contains_key(&client) || clients.len() < MAX_CLIENTS)
}

fn log_refusal(call: &OperatorCall<'_>, problem: Problem, window: Window) {
    let client = call.network().map_or_else(|| "unknown".to_owned(), |client| client.first_address().to_string());
    let (code, refusals, correlation_id) = (problem.code(), window.refusals, call.correlation_id);
    let is_limited = window.guesses >= GUESSES;
    let hint = if is_limited {
        "the client has presented too many wrong bearers: for up to a minute, its further wrong ones are answered 429"
    } else {
        "the bearer of admin calls is operations.admin_token, that of /metrics operations.metrics_token"
    };
    let event = if is_limited { AuditEvent::OperatorGuessesLimited } else { AuditEvent::OperatorCallRefused };
    let security = event.is_security();
    tracing::warn!(
        correlation_id,
        code,
        client,
        refusals,
        hint,
        security,
        "a call of the operator's listener was refused"
    );
    AuditEntry::new(event).correlation_id(correlation_id).client(call.client).detail(code).write();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::domain::OffsetClock;

    fn client(address: &str) -> OperatorCall<'static> {
        OperatorCall { client: Some(address.parse().unwrap()), correlation_id: "1" }
    }

    const UNKNOWN: OperatorCall<'static> = OperatorCall { client: None, correlation_id: "1" };

    fn limit() -> GuessLimitAndClock {
        let clock = Arc::new(OffsetClock::default());
        GuessLimitAndClock { limit: GuessLimit::new(clock.clone()), clock }
    }

    struct GuessLimitAndClock {
        limit: GuessLimit,
        clock: Arc<OffsetClock>,
    }

    #[test]
    fn a_client_with_too_many_wrong_bearers_waits_and_others_do_not() {
        let GuessLimitAndClock { limit, clock } = limit();
        let (guesser, operator) = (client("192.0.2.1"), client("192.0.2.2"));
        for _ in 0..GUESSES {
            assert!(limit.admit(&guesser).is_ok());
            limit.charge(&guesser, true);
        }
        assert!(matches!(limit.admit(&guesser), Err(Problem::TooManyRequests { retry_after: 59..=60 })));
        assert!(limit.admit(&operator).is_ok() && limit.admit(&UNKNOWN).is_ok());
        clock.advance(Duration::from_secs(61));
        assert!(limit.admit(&guesser).is_ok());
    }

    #[test]
    fn addresses_of_one_network_count_together_and_requests_without_a_bearer_do_not_count() {
        let GuessLimitAndClock { limit, .. } = limit();
        for number in 0..GUESSES {
            limit.charge(&client(&format!("2001:db8::{number}")), true);
            limit.charge(&client("192.0.2.1"), false);
        }
        assert!(limit.admit(&client("2001:db8::ffff")).is_err());
        assert!(limit.admit(&client("192.0.2.1")).is_ok());
    }

    #[test]
    fn the_number_of_counted_clients_is_bounded() {
        let GuessLimitAndClock { limit, clock } = limit();
        let address = |number: usize| client(&format!("10.0.{}.{}", number / 256, number % 256));
        for number in 0..2 * MAX_CLIENTS {
            limit.charge(&address(number), true);
        }
        assert!(limit.lock().len() <= MAX_CLIENTS + 1);
        assert!(limit.admit(&address(2 * MAX_CLIENTS + 1)).is_err(), "the clients without an entry count together");
        assert!(limit.admit(&address(0)).is_ok());
        clock.advance(WINDOW);
        assert!(limit.admit(&address(2 * MAX_CLIENTS + 1)).is_ok());
    }
}
