use crate::domain::SharedClock;
use crate::inbound::client::ClientNetwork;
use crate::inbound::guess_limit::{GuessCounts, REFUSALS_PER_LINE};

/// Wrong credentials that an address may present within a minute. Several servers may share an address.
const GUESSES: u32 = 30;

/// The limit of wrong client credentials of each address. It is kept in memory. Right credentials are accepted whatever
/// others have tried from the same address.
pub struct ClientGuesses {
    wrong: GuessCounts,
    /// Requests without credentials, which are no guesses.
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
    /// No address has presented wrong credentials.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { wrong: GuessCounts::new(clock.clone(), GUESSES), absent: GuessCounts::new(clock, GUESSES) }
    }

    /// Counts wrong credentials from `network`; `None`: an unknown address.
    ///
    /// # Errors
    /// [`TooManyCredentials`].
    pub fn charge(&self, network: Option<ClientNetwork>) -> Result<(), TooManyCredentials> {
        self.wrong.admit(network).map_err(|limited| TooManyCredentials {
            retry_after: limited.retry_after,
            is_logged: limited.window.refusals == GUESSES + 1
                || limited.window.refusals.is_multiple_of(REFUSALS_PER_LINE),
        })?;
        self.wrong.charge(network, true);
        Ok(())
    }

    /// Counts a request without credentials from `network`, which is never limited. Returns whether the log has a line for it:
    /// the first ones of a minute have one, and every hundredth.
    pub fn note_absence(&self, network: Option<ClientNetwork>) -> bool {
        let refusals = self.absent.charge(network, false).refusals;
        refusals <= GUESSES || refusals.is_multiple_of(REFUSALS_PER_LINE)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::OffsetClock;

    #[test]
    fn an_address_with_too_many_wrong_credentials_waits_for_the_rest_of_the_minute() {
        let clock = Arc::new(OffsetClock::default());
        let guesses = ClientGuesses::new(clock.clone());
        let network = |address: &str| Some(ClientNetwork::from_address(address.parse().unwrap()));
        for _ in 0..GUESSES {
            assert!(guesses.charge(network("192.0.2.1")).is_ok());
        }
        let limited = guesses.charge(network("192.0.2.1")).unwrap_err();
        assert!((59..=60).contains(&limited.retry_after) && limited.is_logged);
        assert!(!guesses.charge(network("192.0.2.1")).unwrap_err().is_logged);
        assert!(guesses.charge(network("192.0.2.2")).is_ok() && guesses.charge(None).is_ok());
        clock.advance(Duration::from_secs(61));
        assert!(guesses.charge(network("192.0.2.1")).is_ok());
    }

    #[test]
    fn requests_without_credentials_are_logged_seldom_and_limit_nothing() {
        let clock = Arc::new(OffsetClock::default());
        let guesses = ClientGuesses::new(clock.clone());
        let logged = (0..200).filter(|_| guesses.note_absence(None)).count();
        assert_eq!(logged, GUESSES as usize + 2);
        assert!(guesses.charge(None).is_ok());
        clock.advance(Duration::from_secs(61));
        assert!(guesses.note_absence(None));
    }
}
