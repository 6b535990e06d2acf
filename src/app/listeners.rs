use std::net::{SocketAddr, TcpListener};

use super::BuildError;
use crate::config::Configuration;

/// Sockets that are bound before the application is built, for a caller that has to know their ports first: another
/// process cannot take a port between its choice and its use.
///
/// A list that is not empty takes the place of the addresses that the configuration has for that listener. An empty one
/// leaves the binding to [`build`](super::build), which does it last, when the keys and the store have been opened.
#[derive(Debug, Default)]
pub struct BoundListeners {
    /// In the place of `server.listen`.
    pub public: Vec<TcpListener>,
    /// In the place of `token_service.listen`; without meaning if that is not configured.
    pub token_service: Vec<TcpListener>,
    /// In the place of `operations.listen`; without meaning if that is not configured.
    pub operations: Vec<TcpListener>,
}

impl BoundListeners {
    /// The first address, configured or bound, that other machines can reach.
    ///
    /// # Errors
    /// If the system does not say where a socket is bound.
    pub(super) fn first_beyond_loopback(&self, config: &Configuration) -> Result<Option<SocketAddr>, BuildError> {
        let operations = config.operations.iter().map(|section| section.listen);
        let configured = config.server.listen.iter().chain(&config.token_service.listen).copied().chain(operations);
        let mut addresses: Vec<SocketAddr> = configured.collect();
        for listener in self.public.iter().chain(&self.token_service).chain(&self.operations) {
            addresses.push(listener.local_addr().map_err(BuildError::Address)?);
        }
        Ok(addresses.into_iter().find(|address| !address.ip().is_loopback()))
    }
}
