//! Traces as the services around see them: the collector, the identity provider and the bot (docs/operating.md §Traces).

mod collector;
mod journeys;
mod without_collector;
