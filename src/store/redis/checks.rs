//! What a server must be like to keep records. It is checked when the store is opened.

use std::collections::HashMap;

use redis::{ErrorKind, RedisResult};

use super::connection::{Connection, Part};
use super::{RedisSettings, unavailable};
use crate::store::StoreError;

/// The oldest version of Redis that has all that the scripts use.
const OLDEST_VERSION: [u32; 2] = [6, 2];

/// What a server says of itself.
#[derive(Default)]
struct ServerState {
    /// The answer to `INFO`.
    info: HashMap<String, String>,
    /// The answer to `CONFIG GET`; `None` if the user may not ask.
    config: Option<HashMap<String, String>>,
}

/// Checks all servers of a store.
pub(super) async fn check_servers(connection: &Connection, settings: &RedisSettings) -> Result<(), StoreError> {
    for part in connection.parts().await.map_err(|error| not_opened(error, settings))? {
        let state = ask(connection, &part).await.map_err(|error| not_opened(error, settings))?;
        if let Err(reason) = state.check(settings, connection.is_cluster()) {
            let place = match &part {
                Part::Whole => settings.url.clone(),
                Part::Of(node) => format!("{} (server {}:{})", settings.url, node.host, node.port),
            };
            return Err(StoreError::Unusable { place, reason });
        }
    }
    Ok(())
}

/// The error of a store that could not be connected. A refused password does not become right by waiting.
pub(super) fn not_opened(error: redis::RedisError, settings: &RedisSettings) -> StoreError {
    let refused = matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig);
    if refused || matches!(error.code(), Some("NOAUTH" | "NOPERM" | "WRONGPASS")) {
        return StoreError::Unusable { place: settings.url.clone(), reason: error.to_string() };
    }
    unavailable(error)
}

async fn ask(connection: &Connection, part: &Part) -> RedisResult<ServerState> {
    let text: String = connection.read_part(part, &redis::cmd("INFO")).await?;
    let info = text.lines().filter_map(|line| line.split_once(':'));
    let info = info.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let mut config = HashMap::new();
    for name in ["save", "appendonly", "maxmemory", "maxmemory-policy"] {
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg(name);
        match connection.read_part::<HashMap<String, String>>(part, &command).await {
            Ok(found) => config.extend(found),
            // A user without the right, or a service that has no such command.
            Err(error) if !error.is_io_error() => return Ok(ServerState { info, config: None }),
            Err(error) => return Err(error),
        }
    }
    Ok(ServerState { info, config: Some(config) })
}

impl ServerState {
    /// Says why the server cannot keep the records, and what to change.
    fn check(&self, settings: &RedisSettings, is_cluster: bool) -> Result<(), String> {
        self.check_version()?;
        if self.info("role") == Some("slave") {
            return Err("the server is a replica, which cannot be written to: name its master".to_owned());
        }
        if !is_cluster && self.info("cluster_enabled") == Some("1") {
            return Err("the server is part of a cluster: write redis+cluster://…".to_owned());
        }
        self.check_eviction()?;
        if settings.allow_volatile { Ok(()) } else { self.check_persistence() }
    }

    fn check_version(&self) -> Result<(), String> {
        let version = self.info("redis_version").ok_or("the server does not tell its version in INFO")?;
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let found = [parts.next().unwrap_or(0), parts.next().unwrap_or(0)];
        if found < OLDEST_VERSION {
            return Err(format!("the server is Redis {version}, and 6.2 is the oldest that can be used"));
        }
        Ok(())
    }

    /// A server that evicts could drop any record, a pin or a mark that something was done already.
    fn check_eviction(&self) -> Result<(), String> {
        let setting = |config: &str, info: &str| self.config(config).or_else(|| self.info(info));
        let policy = setting("maxmemory-policy", "maxmemory_policy").unwrap_or("noeviction");
        let has_limit = setting("maxmemory", "maxmemory").is_some_and(|limit| limit != "0");
        if has_limit && policy != "noeviction" {
            return Err(format!(
                "it may drop records when its memory is full (maxmemory-policy {policy}): set maxmemory-policy to \
                 noeviction"
            ));
        }
        Ok(())
    }

    fn check_persistence(&self) -> Result<(), String> {
        let appends = self.config("appendonly") == Some("yes") || self.info("aof_enabled") == Some("1");
        let saves = self.config("save").is_some_and(|points| !points.trim().is_empty());
        if appends || saves {
            return Ok(());
        }
        let reason = match self.config {
            Some(_) => "it keeps records in memory only",
            None => {
                "it does not append to a file, and the user may not ask whether it saves its memory (allow `CONFIG GET`)"
            }
        };
        Err(format!(
            "{reason}: set `appendonly yes` on the server, or allow_volatile = true if a restart of it may lose everything"
        ))
    }

    fn info(&self, name: &str) -> Option<&str> {
        self.info.get(name).map(String::as_str)
    }

    fn config(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    fn settings(allow_volatile: bool) -> RedisSettings {
        RedisSettings {
            url: "redis://db".to_owned(),
            user: None,
            password: None,
            ca_file: None,
            prefix: String::new(),
            allow_volatile,
            wait_replicas: 0,
            heartbeat: Duration::from_millis(250),
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn state(info: &[(&str, &str)], config: Option<&[(&str, &str)]>) -> ServerState {
        let mut all = pairs(&[("redis_version", "7.0.15"), ("role", "master")]);
        all.extend(pairs(info));
        ServerState { info: all, config: config.map(pairs) }
    }

    #[test]
    fn a_server_that_keeps_records_is_taken() {
        let appends: &[_] =
            &[("appendonly", "yes"), ("save", ""), ("maxmemory", "0"), ("maxmemory-policy", "allkeys-lru")];
        let saves: &[_] =
            &[("appendonly", "no"), ("save", "900 1"), ("maxmemory", "9"), ("maxmemory-policy", "noeviction")];
        for config in [appends, saves] {
            state(&[], Some(config)).check(&settings(false), false).unwrap();
        }
        state(&[("aof_enabled", "1")], None).check(&settings(false), false).unwrap();
        state(&[("redis_version", "6.2.0")], None).check(&settings(true), false).unwrap();
        state(&[("redis_version", "10.0.1")], None).check(&settings(true), false).unwrap();
    }

    #[test]
    fn a_server_that_may_lose_records_is_refused_with_what_to_change() {
        let volatile: &[_] = &[("appendonly", "no"), ("save", "")];
        let evicting: &[_] = &[("appendonly", "yes"), ("maxmemory", "100"), ("maxmemory-policy", "volatile-ttl")];
        for (state, allow_volatile, expected) in [
            (state(&[], Some(volatile)), false, "allow_volatile = true"),
            (state(&[("aof_enabled", "0")], None), false, "allow `CONFIG GET`"),
            (state(&[], Some(evicting)), true, "maxmemory-policy to noeviction"),
            (state(&[("maxmemory", "5"), ("maxmemory_policy", "allkeys-lru")], None), true, "to noeviction"),
            (state(&[("role", "slave")], None), true, "name its master"),
            (state(&[("cluster_enabled", "1")], None), true, "redis+cluster://"),
            (state(&[("redis_version", "6.0.16")], None), true, "6.2 is the oldest"),
        ] {
            let reason = state.check(&settings(allow_volatile), false).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
        state(&[], Some(volatile)).check(&settings(true), false).unwrap();
    }
}
