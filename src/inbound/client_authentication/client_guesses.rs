use crate::inbound::client::ClientNetwork;
use crate::inbound::guess_limit::{GuessCounts, REFUSALS_PER_LINE};
use crate::inbound::limits::SharedLimits;

/// Wrong credentials that an address may present within a minute. Several servers may share an address.
const GUESSES: u32 = 30;

/// The limit of wrong client credentials of each address, for all replicas together. Right credentials are accepted whatever
/// others have tried from the same address.
pub struct ClientGuesses {
    wrong: GuessCounts,
    /// Requests without credentials, which are no guesses: their count chooses lines of this process's log.
    absent: GuessCounts,
}

/// The client has presented too many wrong credentials.
#[derive(Clone, Copy, Debug)]
pub struct TooManyCredentials {
    /// Seconds until its wrong credentials are answered as such.
    pub retry_after: u64,
    /// Whether the log has a line for this refusal: every hundredth has one.
    pub is_logged: bool,
}

impl ClientGuesses {
    /// No address has presented wrong credentials at `place`, which has counts of its own. Those that were made of the same
    /// `limits` before go on.
    #[must_use]
    pub fn new(limits: &SharedLimits, place: &'static str) -> Self {
        Self {
            wrong: GuessCounts::continued(limits, place, GUESSES),
            absent: GuessCounts::of_this_process(limits.clock().clone(), GUESSES),
        }
    }

    /// Counts wrong credentials from `network`; `None`: an unknown address.
    ///
    /// # Errors
    /// [`TooManyCredentials`].
    pub async fn charge(&self, network: Option<ClientNetwork>) -> Result<(), TooManyCredentials> {
        let counted = self.wrong.guess(network).await.map(drop);
        counted.map_err(|limited| TooManyCredentials {
            retry_after: limited.retry_after,
            is_logged: limited.is_first || limited.window.refusals.is_multiple_of(REFUSALS_PER_LINE),
        })
    }

    /// Counts a request without credentials from `network`, which is never limited. Returns whether the log has a line for it:
    /// the first ones of a minute have one, and every hundredth.
    #[must_use]
    pub fn note_absence(&self, network: Option<ClientNetwork>) -> bool {
        let refusals = self.absent.charge_here(network, false).refusals;
        refusals <= GUESSES || refusals.is_multiple_of(REFUSALS_PER_LINE)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::time::Duration;

    use super::*;
    use crate::records::testing::{throwaway_records, throwaway_replicas};

    fn network(address: &str) -> ClientNetwork {
        ClientNetwork::from_address(address.parse().unwrap())
    }

    #[tokio::test]
    async fn an_address_with_too_many_wrong_credentials_waits_for_the_rest_of_the_minute() {
        let beneath = throwaway_records();
        let guesses = ClientGuesses::new(&SharedLimits::new(&beneath.records, beneath.shared_clock.clone()), "test");
        for _ in 0..GUESSES {
            assert!(guesses.charge(Some(network("192.0.2.1"))).await.is_ok());
        }
        let limited = guesses.charge(Some(network("192.0.2.1"))).await.unwrap_err();
        assert!((59..=60).contains(&limited.retry_after) && limited.is_logged);
        assert!(!guesses.charge(Some(network("192.0.2.1"))).await.unwrap_err().is_logged);
        assert!(guesses.charge(Some(network("192.0.2.2"))).await.is_ok() && guesses.charge(None).await.is_ok());
        beneath.clock.advance(Duration::from_secs(61));
        assert!(guesses.charge(Some(network("192.0.2.1"))).await.is_ok());
    }

    #[tokio::test]
    async fn requests_without_credentials_are_logged_seldom_and_limit_nothing() {
        let beneath = throwaway_records();
        let guesses = ClientGuesses::new(&SharedLimits::new(&beneath.records, beneath.shared_clock.clone()), "test");
        let logged = (0..200).filter(|_| guesses.note_absence(None)).count();
        assert_eq!(logged, GUESSES as usize + 2);
        assert!(guesses.charge(None).await.is_ok());
        beneath.clock.advance(Duration::from_secs(61));
        assert!(guesses.note_absence(None));
    }

    #[tokio::test]
    async fn wrong_credentials_at_two_replicas_count_together() {
        let beneath = throwaway_replicas(2).await;
        let limits = SharedLimits::of_replicas(&beneath);
        // All guesses of the test lie in one window.
        beneath.advance(limits[0].guesses("test").unwrap().time_to_next_window()).await;
        let replicas: Vec<ClientGuesses> = limits.iter().map(|limits| ClientGuesses::new(limits, "test")).collect();
        for number in 0..GUESSES as usize {
            assert!(replicas[number % 2].charge(Some(network("192.0.2.1"))).await.is_ok());
        }
        let first = replicas[1].charge(Some(network("192.0.2.1"))).await.unwrap_err();
        let second = replicas[0].charge(Some(network("192.0.2.1"))).await.unwrap_err();
        assert!(first.is_logged && !second.is_logged && (1..=60).contains(&second.retry_after));
        assert!(replicas[1].charge(Some(network("192.0.2.2"))).await.is_ok());
    }
}
