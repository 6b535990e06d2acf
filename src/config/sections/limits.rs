use std::num::NonZeroU32;

use serde::Deserialize;

use crate::config::review::{Place, Review};

/// How often callers and users may ask. What goes beyond is answered 429 and goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsSection {
    /// Requests a second of one parent bot to one bot; twice as many at once.
    pub parent_requests_per_second: NonZeroU32,
    /// Requests a second of a bot's channels, all of its users together; none: any number.
    pub channel_requests_per_second: Option<NonZeroU32>,
    /// Requests a second of one bot to the Token Service; none: any number.
    pub token_service_requests_per_second: Option<NonZeroU32>,
    /// What one user of one bot and channel may cause a minute, all of it at once if need be: exchanges at the identity
    /// provider, refused exchanges, tries of magic codes.
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
