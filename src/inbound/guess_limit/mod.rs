//! Limits on what one client may guess: wrong bearers of the operator, wrong credentials of other servers.
//!
//! Owns the counts, and the log lines about the operator's. It deliberately judges no bearer and no credentials.

mod counts;
mod form_guess;
mod sampled_lines;

use std::net::IpAddr;

use super::client::ClientNetwork;
use super::limits::SharedLimits;
use super::problem::Problem;
use crate::observability::{AuditEntry, AuditEvent};
pub(in crate::inbound) use counts::{GuessCounts, REFUSALS_PER_LINE};
use counts::{GuessWindow, TooManyGuesses};
pub use form_guess::{CountedGuess, FormGuesses};
pub use sampled_lines::SampledLines;

/// Wrong bearers that a client may present within a minute.
const GUESSES: u32 = 10;

/// One call of the operator's listener, as the limit counts it and as log and audit stream name it.
#[derive(Clone, Copy, Debug)]
pub struct OperatorCall<'a> {
    /// The address of the client; `None` if it is unknown.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub correlation_id: &'a str,
}

/// The limit of wrong bearers of each client (docs/security.md §The operator's listener), for all replicas together. A client's
/// refusals have a log line for the first, for the one that exhausts the limit, and for every hundredth.
pub struct GuessLimit {
    counts: GuessCounts,
}

impl GuessLimit {
    /// A limit of guesses at the bearer `name` that no client has used.
    #[must_use]
    pub fn new(limits: &SharedLimits, name: &'static str) -> Self {
        Self { counts: GuessCounts::new(limits, name, GUESSES) }
    }

    /// Whether the client of `call`, which presents a wrong bearer, gets the answer to it.
    ///
    /// # Errors
    /// 429 with the time until it does.
    pub async fn admit(&self, call: &OperatorCall<'_>) -> Result<(), Problem> {
        self.counts.admit(call.network()).await.map_err(|limited| refuse_limited(call, limited))
    }

    /// Counts the wrong bearer of `call` at once, unless its client has presented too many: for a bearer that is compared later
    /// than the request comes in, when other requests of the client may have been counted.
    ///
    /// # Errors
    /// As [`GuessLimit::admit`].
    pub async fn guess(&self, call: &OperatorCall<'_>) -> Result<(), Problem> {
        let window = self.counts.guess(call.network()).await.map_err(|limited| refuse_limited(call, limited))?;
        log_charge(call, true, window);
        Ok(())
    }

    /// Counts the refusal of `call`; `is_guess`: it presented a wrong bearer, and not none.
    pub async fn charge(&self, call: &OperatorCall<'_>, is_guess: bool) {
        log_charge(call, is_guess, self.counts.charge(call.network(), is_guess).await);
    }
}

/// The answer to a client over the limit, every hundredth of which is logged.
fn refuse_limited(call: &OperatorCall<'_>, limited: TooManyGuesses) -> Problem {
    let problem = Problem::TooManyRequests { retry_after: limited.retry_after };
    if limited.window.refusals.is_multiple_of(REFUSALS_PER_LINE) {
        log_refusal(call, problem, limited.window);
    }
    problem
}

/// Logs a refusal that was counted, if its line is due.
fn log_charge(call: &OperatorCall<'_>, is_guess: bool, window: GuessWindow) {
    let is_exhausted = is_guess && window.guesses == GUESSES;
    if window.refusals == 1 || is_exhausted || window.refusals.is_multiple_of(REFUSALS_PER_LINE) {
        let problem = if is_guess { Problem::InvalidToken } else { Problem::MissingAuthorization };
        log_refusal(call, problem, window);
    }
}

impl OperatorCall<'_> {
    fn network(&self) -> Option<ClientNetwork> {
        self.client.map(ClientNetwork::from_address)
    }
}

fn log_refusal(call: &OperatorCall<'_>, problem: Problem, window: GuessWindow) {
    let client = call.network().map_or_else(|| "unknown".to_owned(), |client| client.first_address().to_string());
    let (code, refusals, correlation_id) = (problem.code(), window.refusals, call.correlation_id);
    let is_limited = window.guesses >= GUESSES;
    let hint = if is_limited {
        "the client has presented too many wrong bearers: for up to a minute, its further wrong ones are answered 429"
    } else {
        "the bearer of admin calls is operations.admin_token or operations.read_token, that of /metrics operations.metrics_token"
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::time::Duration;

    use super::counts::MAX_CLIENTS;
    use super::*;
    use crate::records::testing::{ThrowawayRecords, throwaway_records, throwaway_replicas};

    fn client(address: &str) -> OperatorCall<'static> {
        OperatorCall { client: Some(address.parse().unwrap()), correlation_id: "1" }
    }

    const UNKNOWN: OperatorCall<'static> = OperatorCall { client: None, correlation_id: "1" };

    struct Fixture {
        limit: GuessLimit,
        beneath: ThrowawayRecords,
    }

    impl Fixture {
        fn start() -> Self {
            let beneath = throwaway_records();
            Self {
                limit: GuessLimit::new(&SharedLimits::new(&beneath.records, beneath.shared_clock.clone()), "test"),
                beneath,
            }
        }
    }

    #[tokio::test]
    async fn a_client_with_too_many_wrong_bearers_waits_and_others_do_not() {
        let Fixture { limit, beneath } = Fixture::start();
        let (guesser, operator) = (client("192.0.2.1"), client("192.0.2.2"));
        for _ in 0..GUESSES {
            assert!(limit.admit(&guesser).await.is_ok());
            limit.charge(&guesser, true).await;
        }
        assert!(matches!(limit.admit(&guesser).await, Err(Problem::TooManyRequests { retry_after: 59..=60 })));
        assert!(limit.admit(&operator).await.is_ok() && limit.admit(&UNKNOWN).await.is_ok());
        beneath.clock.advance(Duration::from_secs(61));
        assert!(limit.admit(&guesser).await.is_ok());
    }

    #[tokio::test]
    async fn guesses_that_were_admitted_together_are_answered_up_to_the_limit() {
        let Fixture { limit, beneath: _beneath } = Fixture::start();
        let guesser = client("192.0.2.1");
        assert!(limit.admit(&guesser).await.is_ok(), "none was compared yet");
        let mut answered = 0;
        for _ in 0..64 {
            answered += u32::from(limit.guess(&guesser).await.is_ok());
        }
        assert_eq!(answered, GUESSES);
        assert!(limit.admit(&guesser).await.is_err() && limit.guess(&client("192.0.2.2")).await.is_ok());
    }

    #[tokio::test]
    async fn addresses_of_one_network_count_together_and_requests_without_a_bearer_do_not_count() {
        let Fixture { limit, beneath: _beneath } = Fixture::start();
        for number in 0..GUESSES {
            limit.charge(&client(&format!("2001:db8::{number}")), true).await;
            limit.charge(&client("192.0.2.1"), false).await;
        }
        assert!(limit.admit(&client("2001:db8::ffff")).await.is_err());
        assert!(limit.admit(&client("192.0.2.1")).await.is_ok());
    }

    #[tokio::test]
    async fn the_number_of_counted_clients_is_bounded() {
        let Fixture { limit, beneath } = Fixture::start();
        let address = |number: usize| client(&format!("10.0.{}.{}", number / 256, number % 256));
        for number in 0..2 * MAX_CLIENTS {
            limit.charge(&address(number), true).await;
        }
        assert!(limit.counts.lock().len() <= MAX_CLIENTS + 1);
        assert!(
            limit.admit(&address(2 * MAX_CLIENTS + 1)).await.is_err(),
            "the clients without an entry count together"
        );
        assert!(limit.admit(&address(0)).await.is_ok());
        beneath.clock.advance(Duration::from_mins(1));
        assert!(limit.admit(&address(2 * MAX_CLIENTS + 1)).await.is_ok());
    }

    #[tokio::test]
    async fn wrong_bearers_at_two_replicas_count_together() {
        let beneath = throwaway_replicas(2).await;
        let limits = SharedLimits::of_replicas(&beneath);
        // All guesses of the test lie in one window.
        beneath.advance(limits[0].guesses("test").unwrap().time_to_next_window()).await;
        let replicas: Vec<GuessLimit> = limits.iter().map(|limits| GuessLimit::new(limits, "test")).collect();
        let (guesser, operator) = (client("192.0.2.1"), client("192.0.2.2"));
        for number in 0..GUESSES as usize {
            assert!(replicas[number % 2].admit(&guesser).await.is_ok());
            replicas[number % 2].charge(&guesser, true).await;
        }
        for replica in &replicas {
            assert!(matches!(replica.admit(&guesser).await, Err(Problem::TooManyRequests { retry_after: 1..=60 })));
            assert!(replica.guess(&guesser).await.is_err() && replica.admit(&operator).await.is_ok());
        }
        assert!(GuessLimit::new(&limits[1], "another bearer").admit(&guesser).await.is_ok());
        beneath.advance(Duration::from_secs(61)).await;
        assert!(replicas[1].admit(&guesser).await.is_ok());
    }
}
