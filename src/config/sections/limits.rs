use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

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
    /// The bounds of clients' connections.
    pub connections: ConnectionBounds,
}

/// The bounds of the connections that clients open (docs/running.md §Connections).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionBounds {
    /// Open connections of one listener; `None` for as many as the limit on open files permits, at most 10,000.
    pub total: Option<usize>,
    /// Open connections of one client to one listener: of an IPv4 address or a network of 64 bits of IPv6.
    pub per_client: usize,
    /// The time for the arrival of a request's head, and for a TLS handshake.
    pub arrival: Duration,
    /// The time for which a connection stays open without a request.
    pub idle: Duration,
    /// The time in which a client must take at least 16 KiB of an answer.
    pub write: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawLimits {
    parent_requests_per_second: Option<u64>,
    channel_requests_per_second: Option<u64>,
    token_service_requests_per_second: Option<u64>,
    user_exchanges_per_minute: Option<u64>,
    connections: Option<u64>,
    connections_per_client: Option<u64>,
    request_arrival_ms: Option<u64>,
    idle_ms: Option<u64>,
    write_ms: Option<u64>,
}

impl RawLimits {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<LimitsSection> {
        let place = Place::section("limits");
        let connections = self.connection_bounds(review, &place);
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
            connections: connections?,
        })
    }

    fn connection_bounds(&self, review: &mut Review<'_>, place: &Place) -> Option<ConnectionBounds> {
        let mut number = |written: Option<u64>, default: u64, range: RangeInclusive<u64>, name: &str| {
            review.number(written, default, &range, &place.key(name))
        };
        let total = self.connections.map(|total| number(Some(total), 1, 16..=1_000_000, "connections"));
        let per_client = number(self.connections_per_client, 512, 1..=1_000_000, "connections_per_client");
        let arrival = number(self.request_arrival_ms, 5_000, 100..=60_000, "request_arrival_ms");
        let idle = number(self.idle_ms, 30_000, 100..=3_600_000, "idle_ms");
        let write = number(self.write_ms, 30_000, 100..=600_000, "write_ms");
        Some(ConnectionBounds {
            total: total.map_or(Some(None), |total| usize::try_from(total?).ok().map(Some))?,
            per_client: usize::try_from(per_client?).ok()?,
            arrival: Duration::from_millis(arrival?),
            idle: Duration::from_millis(idle?),
            write: Duration::from_millis(write?),
        })
    }
}
