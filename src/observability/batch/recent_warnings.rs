use std::time::Duration;

use super::MAX_LINE_DELAY;

/// Warnings that are written at once within the delay of a line. Strangers cause warnings, since each refused caller has
/// one, and a worker that waited for the output each time would spend more on a refused request than on a served one.
const MAX_HURRIED_WARNINGS: u32 = 16;

/// How many warnings came lately.
#[derive(Default)]
pub(super) struct RecentWarnings {
    /// When the first one came, by the clock's elapsed time.
    since: Duration,
    count: u32,
}

impl RecentWarnings {
    /// Counts a warning that comes at `now`, and returns whether it is written at once.
    pub(super) fn hurries(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) > MAX_LINE_DELAY {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= MAX_HURRIED_WARNINGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_warnings_in_a_moment_are_not_all_written_at_once() {
        let mut warnings = RecentWarnings::default();
        let at = |millis| Duration::from_millis(millis);
        for millis in [1_000, 2_000, 2_101] {
            let hurried = (0..100).filter(|number| warnings.hurries(at(millis + number / 10))).count();
            assert_eq!(hurried, 16, "{millis}");
        }
    }
}
