use super::{SharedClock, SharedEntropy, Timestamp};

/// The two inputs that come from the operating system: time and randomness.
#[derive(Clone)]
pub struct ClockAndEntropy {
    /// The source of time.
    pub clock: SharedClock,
    /// The source of randomness.
    pub entropy: SharedEntropy,
}

impl ClockAndEntropy {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
