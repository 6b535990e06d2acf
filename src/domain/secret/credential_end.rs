use crate::domain::Timestamp;

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// When a credential ends: a secret as the operator states it (`expires`), a certificate as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialEnd {
    /// The credential's place in the configuration, such as `connections.graph.client_secret`.
    pub place: String,
    /// From then on it is no longer accepted.
    pub ends: Timestamp,
}

impl CredentialEnd {
    /// So many days ahead the operator is warned (docs/operating.md §Credentials that end).
    pub const WARNING_DAYS: i64 = 30;

    /// The day on which it ends, as `2027-01-31`.
    #[must_use]
    pub fn day(&self) -> String {
        self.ends.to_rfc3339().chars().take_while(|letter| *letter != 'T').collect()
    }

    /// Whole days from `now` until the end; negative after it.
    #[must_use]
    pub const fn days_left(&self, now: Timestamp) -> i64 {
        (self.ends.unix_seconds() - now.unix_seconds()).div_euclid(SECONDS_OF_A_DAY)
    }

    /// What the operator is told of a credential that has ended, or ends soon.
    #[must_use]
    pub fn find_warning(&self, now: Timestamp) -> Option<String> {
        let (day, left) = (self.day(), self.days_left(now));
        match left {
            ..0 => Some(format!("has ended on {day}: replace the credential, write its end, and send SIGHUP")),
            0 | 1 => {
                Some(format!("ends within two days, on {day}: replace the credential, write its end, and send SIGHUP"))
            }
            2..=Self::WARNING_DAYS => Some(format!(
                "ends in {left} days, on {day}: replace the credential before then, write its end, and send SIGHUP"
            )),
            _ => None,
        }
    }
}
