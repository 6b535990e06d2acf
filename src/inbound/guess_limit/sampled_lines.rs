use std::net::IpAddr;

use super::counts::{GuessCounts, REFUSALS_PER_LINE};
use crate::domain::SharedClock;
use crate::inbound::client::ClientNetwork;

/// Chooses the refusals that have a line in the log, where strangers can cause as many as they like: of each client address the
/// first one within a minute, and every hundredth. Each process counts for its own log.
pub struct SampledLines {
    refusals: GuessCounts,
}

impl SampledLines {
    /// No client has been refused.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        // These refusals are no guesses, so they reach no limit.
        Self { refusals: GuessCounts::of_this_process(clock, u32::MAX) }
    }

    /// Counts a refusal of `client`; `None`: an unknown address. Returns the refusals of the client within the minute if this one has
    /// a line.
    pub fn note(&self, client: Option<IpAddr>) -> Option<u32> {
        let refusals = self.refusals.charge_here(client.map(ClientNetwork::from_address), false).refusals;
        (refusals == 1 || refusals.is_multiple_of(REFUSALS_PER_LINE)).then_some(refusals)
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
    fn the_first_refusal_of_an_address_within_a_minute_has_a_line_and_every_hundredth() {
        let clock = Arc::new(OffsetClock::default());
        let lines = SampledLines::new(clock.clone());
        let client = "192.0.2.1".parse().ok();
        let noted: Vec<u32> = (0..250).filter_map(|_| lines.note(client)).collect();
        assert_eq!(noted, [1, 100, 200]);
        assert_eq!(lines.note("192.0.2.2".parse().ok()), Some(1), "another address");
        clock.advance(Duration::from_mins(1));
        assert_eq!(lines.note(client), Some(1));
    }
}
