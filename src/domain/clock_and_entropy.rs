use super::{SharedClock, SharedEntropy, Timestamp};

/// The two inputs that come from nowhere else: time and randomness.
#[derive(Clone)]
pub struct ClockAndEntropy {
    /// The time.
    pub clock: SharedClock,
    /// Randomness.
    pub entropy: SharedEntropy,
}

impl ClockAndEntropy {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
