//! Test support for the back ends and for the rooms above them.

pub(crate) mod conformance;
mod redis_groups;
mod redis_server;
pub(crate) mod shared_conformance;
mod throwaway;

pub(crate) use redis_groups::{SentinelTrio, cluster_settings, sentinel_settings, shared_cluster};
pub(crate) use redis_server::{RedisServer, redis_settings, redis_store};
pub(crate) use throwaway::{ThrowawayStore, embedded_store_at, throwaway_store};
