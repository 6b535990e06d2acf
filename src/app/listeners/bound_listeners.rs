use std::net::{SocketAddr, TcpListener};

use crate::app::BuildError;
use crate::config::Configuration;

/// Sockets that a caller has bound before the application is built, because it has to know their ports first. A port
/// that is bound already cannot be taken by another process between its choice and its use.
///
/// A list that is not empty replaces the configured addresses of that listener. An empty list leaves the binding to
/// [`build`](crate::app::build), which binds last, after it has opened the keys and the store.
#[derive(Debug, Default)]
pub struct BoundListeners {
    /// Replaces `server.listen`.
    pub public: Vec<TcpListener>,
    /// Replaces `token_service.listen`; ignored if that is not configured.
    pub token_service: Vec<TcpListener>,
    /// Replaces `operations.listen`; ignored if that is not configured.
    pub operations: Vec<TcpListener>,
    /// Replaces `operations.health_listen`; ignored if that is not configured.
    pub health: Vec<TcpListener>,
}

impl BoundListeners {
    /// Finds an address, configured or bound, that other machines can reach.
    ///
    /// # Errors
    /// If the operating system does not report the address of a bound socket.
    pub(in crate::app) fn find_non_loopback_address(
        &self,
        config: &Configuration,
    ) -> Result<Option<SocketAddr>, BuildError> {
        let operations =
            config.operations.iter().flat_map(|section| std::iter::once(section.listen).chain(section.health_listen));
        let configured = config.server.listen.iter().chain(&config.token_service.listen).copied().chain(operations);
        let mut addresses: Vec<SocketAddr> = configured.collect();
        for listener in self.public.iter().chain(&self.token_service).chain(&self.operations).chain(&self.health) {
            addresses.push(listener.local_addr().map_err(BuildError::Address)?);
        }
        Ok(addresses.into_iter().find(|address| !address.ip().is_loopback()))
    }
}
