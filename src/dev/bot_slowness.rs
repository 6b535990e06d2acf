use std::time::Duration;

use tokio::sync::watch;

/// How long the demo bots wait before they work on an activity. They do not wait at the start.
#[derive(Debug)]
pub(in crate::dev) struct BotSlowness(watch::Sender<Option<Duration>>);

impl Default for BotSlowness {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl BotSlowness {
    /// Changes how long the bots wait. `None` also ends the waits that have begun.
    pub(in crate::dev) fn set(&self, wait: Option<Duration>) {
        self.0.send_replace(wait);
    }

    /// Whether the bots wait.
    pub(in crate::dev) fn is_on(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits as long as the switch says, or until it is turned off.
    pub(in crate::dev) async fn wait(&self) {
        let mut switch = self.0.subscribe();
        let wait = *switch.borrow();
        let Some(wait) = wait else { return };
        // An error would mean that the sender is gone, which `self` holds.
        let _ = tokio::time::timeout(wait, switch.wait_for(Option::is_none)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bot_waits_until_the_time_is_over_or_the_switch_is_off() {
        let slowness = BotSlowness::default();
        slowness.wait().await;
        slowness.set(Some(Duration::ZERO));
        slowness.wait().await;
        slowness.set(Some(Duration::MAX));
        let switched_off = async { slowness.set(None) };
        tokio::join!(slowness.wait(), switched_off);
        assert!(!slowness.is_on());
    }
}
