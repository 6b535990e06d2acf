use std::net::{SocketAddr, TcpListener};

use actix_web::web;

use super::BuildError;
use crate::endpoints::api_document::{self, ApiDocument};
use crate::inbound::{Door, RequestCounts};
use crate::observability::Metrics;

/// The open connections of each of the operator's listeners.
pub(super) const OPERATIONS_CONNECTIONS: usize = 64;

/// The document of a listener and the counts of its requests, made once for all workers.
#[derive(Clone)]
pub(super) struct SharedRoutes {
    document: web::Data<ApiDocument>,
    counts: web::Data<RequestCounts>,
}

impl SharedRoutes {
    /// Describes `doors`, and counts their requests in `metrics`.
    pub(super) fn new(description: &str, doors: &[&Door], metrics: &Metrics) -> Self {
        let counted: Vec<&Door> = doors.iter().copied().chain([&api_document::DOOR]).collect();
        Self {
            document: web::Data::new(ApiDocument::new("bot-sso", description, doors)),
            counts: web::Data::new(RequestCounts::new(metrics, &counted)),
        }
    }

    pub(super) fn configure(&self, routes: &mut web::ServiceConfig) {
        routes.app_data(self.counts.clone());
        api_document::configure(routes, self.document.clone());
    }
}

/// A listener by its configuration key and its label in the metrics.
pub(super) struct ListenerName {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
}

pub(super) const PUBLIC: ListenerName = ListenerName { key: "server.listen", label: "public" };
pub(super) const TOKEN_SERVICE: ListenerName = ListenerName { key: "token_service.listen", label: "token_service" };
pub(super) const OPERATIONS: ListenerName = ListenerName { key: "operations.listen", label: "operations" };
pub(super) const HEALTH: ListenerName = ListenerName { key: "operations.health_listen", label: "health" };

/// The settings of one listener.
pub(super) struct ListenerSettings<'c> {
    pub(super) name: &'static ListenerName,
    /// Open connections of all clients.
    pub(super) connections: usize,
    pub(super) addresses: &'c [SocketAddr],
    /// Whether loopback addresses are served without TLS.
    pub(super) plain_on_loopback: bool,
    /// `None`: one worker for each processor.
    pub(super) workers: Option<usize>,
    /// Whether the listener is the operator's: wrong bearers are counted, and the log has no line for each request, because
    /// a health check calls every few seconds.
    pub(super) is_operators: bool,
    /// The names under which the listener answers beside those of this machine; `None` for any name. In development mode
    /// there are no others.
    pub(super) hosts: Option<&'c [String]>,
    /// Whether clients reach the listener under `server.public_url`.
    pub(super) is_behind_public_url: bool,
    /// How long the listener waits for open requests when it stops.
    pub(super) drain_seconds: u64,
}

impl<'c> ListenerSettings<'c> {
    /// The settings of a listener of the operator's, which answers under `hosts`.
    pub(super) fn of_operator(name: &'static ListenerName, addresses: &'c [SocketAddr], hosts: &'c [String]) -> Self {
        Self {
            name,
            connections: OPERATIONS_CONNECTIONS,
            addresses,
            plain_on_loopback: true,
            workers: Some(1),
            is_operators: true,
            hosts: Some(hosts),
            is_behind_public_url: false,
            drain_seconds: 0,
        }
    }

    /// Binds all addresses.
    pub(super) fn bind(&self) -> Result<Vec<TcpListener>, BuildError> {
        let failed = |address, source| BuildError::Listen { key: self.name.key, address, source };
        self.addresses.iter().map(|&at| TcpListener::bind(at).map_err(|source| failed(at, source))).collect()
    }
}
