use std::num::NonZeroU32;

use serde::Deserialize;

use crate::config::review::{Place, Review};

/// The rate limits for callers and users. A request beyond a limit is answered 429 and is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsSection {
    /// Requests of one parent bot to one bot; a burst may be twice as large.
    pub parent_requests_per_second: NonZeroU32,
    /// Requests of the channels to one bot, for all of its users together; `None` for no limit.
    pub channel_requests_per_second: Option<NonZeroU32>,
    /// Requests of one bot to the Token Service; `None` for no limit.
    pub token_service_requests_per_second: Option<NonZeroU32>,
    /// For one user of one bot and channel: exchanges at the identity provider, refused exchanges and attempts to enter
    /// a magic code, together. A burst may use up the whole minute's number.
    pub user_exchanges_per_minute: NonZeroU32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawLimits {
    parent_requests_per_second: Option<u64>,
    channel_requests_per_second: Option<u64>,
    token_service_requests_per_second: Option<u64>,
    user_exchanges_per_minute: Option<u64>,
}

impl RawLimits {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<LimitsSection> {
        let place = Place::section("limits");
        let mut limit = |written: Option<u64>, default: u64, name: &str| {
            let number = review.number(written, default, &(1..=1_000_000), &place.key(name))?;
            NonZeroU32::new(u32::try_from(number).ok()?)
        };
        let parents = limit(self.parent_requests_per_second, 500, "parent_requests_per_second");
        let users = limit(self.user_exchanges_per_minute, 120, "user_exchanges_per_minute");
        let mut optional = |written: Option<u64>, name: &str| written.and_then(|number| limit(Some(number), 1, name));
        let channel_requests_per_second = optional(self.channel_requests_per_second, "channel_requests_per_second");
        let token_service_requests_per_second =
            optional(self.token_service_requests_per_second, "token_service_requests_per_second");
        Some(LimitsSection {
            parent_requests_per_second: parents?,
            channel_requests_per_second,
            token_service_requests_per_second,
            user_exchanges_per_minute: users?,
        })
    }
}
