use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;

use super::connection::{Connection, Deadlines, Ticks};
use crate::inbound::ClientNetwork;
use crate::observability::{Count, Counters, OpenConnectionCount};

/// How often the deadlines of all connections are looked at.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
/// How long a client may go on sending a body that is not wanted.
const LINGER_TIMEOUT: Duration = Duration::from_millis(750);
/// The interval at which refusals and ended connections are logged.
const REPORT_INTERVAL: Ticks = 60_000;

/// The bounds of the connections of one listener.
#[derive(Clone, Debug)]
pub(in crate::app) struct ConnectionLimits {
    /// Open connections of all clients together.
    pub(in crate::app) total: usize,
    /// Open connections of one client: an IPv4 address or an IPv6 network of 64 bits.
    pub(in crate::app) per_client: usize,
    /// The time for the arrival of a request's head, and of a TLS handshake.
    pub(in crate::app) arrival: Duration,
    /// The time for which a connection without a request stays open.
    pub(in crate::app) idle: Duration,
    /// The time in which a client takes at least 16 KiB of what waits for it.
    pub(in crate::app) write: Duration,
    /// Clients for which `per_client` does not hold, since each stands for many.
    pub(in crate::app) trusted_proxies: Vec<IpNet>,
}

/// The open connections of one listener.
#[derive(Debug)]
pub(in crate::app) struct ConnectionTable {
    limits: ConnectionLimits,
    deadlines: Deadlines,
    counters: Arc<Counters>,
    /// The time in milliseconds since the table was made, as of the last sweep; starts at 1.
    now: AtomicU64,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    total: usize,
    /// Shows `total` to the operator.
    number: OpenConnectionCount,
    by_client: HashMap<ClientNetwork, Vec<Arc<Connection>>>,
    /// Connections refused or ended since the last report.
    unreported: usize,
    last_report: Option<Ticks>,
}

impl ConnectionTable {
    /// An empty table, whose connections `number` shows.
    pub(in crate::app) fn new(
        limits: ConnectionLimits,
        counters: Arc<Counters>,
        number: OpenConnectionCount,
    ) -> Arc<Self> {
        let ticks = |duration: Duration| Ticks::try_from(duration.as_millis()).unwrap_or(Ticks::MAX);
        let deadlines = Deadlines {
            arrival: ticks(limits.arrival),
            idle: ticks(limits.idle),
            write: ticks(limits.write),
            linger: ticks(LINGER_TIMEOUT),
        };
        let open = Mutex::new(OpenConnections { number, ..OpenConnections::default() });
        Arc::new(Self { limits, deadlines, counters, now: AtomicU64::new(1), open })
    }

    /// The bound of open connections of all clients together.
    pub(super) fn total(&self) -> usize {
        self.limits.total
    }

    pub(super) fn now(&self) -> Ticks {
        self.now.load(Ordering::Relaxed)
    }

    /// Takes a new connection in. At a limit, the connection that has been idle longest is ended in its favour: one of
    /// the same client at the client's limit, one of any client at the listener's. If none is idle, it is the connection
    /// whose client has left an answer unread longest: slow readers could otherwise hold all connections. `None` if
    /// there is none of either kind.
    pub(super) fn open(self: &Arc<Self>, address: IpAddr) -> Option<OpenConnection> {
        let client = ClientNetwork::from_address(address);
        let connection = Arc::new(Connection::new(client, self.now()));
        let is_proxy = self.limits.trusted_proxies.iter().any(|network| network.contains(&address.to_canonical()));
        let mut open = self.lock();
        let has_room = match open.choose_evicted(client, is_proxy, &self.limits) {
            Eviction::NotNeeded => true,
            Eviction::Of(evicted) => {
                evicted.end();
                open.remove(&evicted);
                self.count_ended(&mut open, Count::ConnectionEvicted);
                true
            }
            Eviction::NoneFound => {
                self.count_ended(&mut open, Count::ConnectionRefused);
                false
            }
        };
        has_room.then(|| {
            open.insert(connection.clone());
            OpenConnection { connection, table: self.clone() }
        })
    }

    /// Ends the connections that have passed a deadline, until the table is dropped.
    pub(in crate::app) async fn sweep(table: std::sync::Weak<Self>) {
        let begun = tokio::time::Instant::now();
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            ticks.tick().await;
            let Some(table) = table.upgrade() else { return };
            let elapsed = Ticks::try_from(begun.elapsed().as_millis()).unwrap_or(Ticks::MAX);
            table.sweep_at(elapsed.saturating_add(1));
        }
    }

    pub(super) fn sweep_at(&self, now: Ticks) {
        self.now.store(now, Ordering::Relaxed);
        let mut open = self.lock();
        let passed: Vec<Arc<Connection>> = open
            .by_client
            .values()
            .flatten()
            .filter(|connection| connection.find_passed_deadline(now, &self.deadlines).is_some())
            .cloned()
            .collect();
        for connection in passed {
            let is_abuse = connection.find_passed_deadline(now, &self.deadlines) != Some("idle");
            connection.end();
            open.remove(&connection);
            if is_abuse {
                self.count_ended(&mut open, Count::ConnectionTimedOut);
            }
        }
        open.report(now);
    }

    fn count_ended(&self, open: &mut OpenConnections, count: Count) {
        self.counters.add(count);
        open.unreported += 1;
    }

    /// A panic inside leaves whole entries only, so the table is used on.
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().total
    }
}

/// The connection that makes room for a new one.
enum Eviction {
    NotNeeded,
    Of(Arc<Connection>),
    NoneFound,
}

impl OpenConnections {
    fn choose_evicted(&self, client: ClientNetwork, is_proxy: bool, limits: &ConnectionLimits) -> Eviction {
        let of_client = self.by_client.get(&client).map_or(&[][..], Vec::as_slice);
        let dispensable = if !is_proxy && of_client.len() >= limits.per_client {
            find_dispensable(of_client.iter())
        } else if self.total >= limits.total {
            find_dispensable(self.by_client.values().flatten())
        } else {
            return Eviction::NotNeeded;
        };
        dispensable.map_or(Eviction::NoneFound, Eviction::Of)
    }

    fn insert(&mut self, connection: Arc<Connection>) {
        self.by_client.entry(connection.client).or_default().push(connection);
        self.total += 1;
        self.number.set(self.total);
    }

    /// Logs at most once a minute how many connections were refused or ended.
    fn report(&mut self, now: Ticks) {
        let is_due = self.last_report.is_none_or(|last| now.saturating_sub(last) >= REPORT_INTERVAL);
        if self.unreported == 0 || !is_due {
            return;
        }
        let number = std::mem::take(&mut self.unreported);
        self.last_report = Some(now);
        tracing::warn!(
            number,
            open = self.total,
            hint = "clients opened too many connections, or sent or read too slowly: see [limits] connections, \
                    connections_per_client and server.trusted_proxies",
            "connections were refused or ended"
        );
    }

    /// Removes a connection; nothing happens if it has been removed before.
    fn remove(&mut self, connection: &Arc<Connection>) {
        let Some(of_client) = self.by_client.get_mut(&connection.client) else { return };
        let Some(at) = of_client.iter().position(|entry| Arc::ptr_eq(entry, connection)) else { return };
        of_client.swap_remove(at);
        self.total -= 1;
        self.number.set(self.total);
        if of_client.is_empty() {
            self.by_client.remove(&connection.client);
        }
    }
}

/// The connection that has been idle longest, else the one whose client has left an answer unread longest.
fn find_dispensable<'c>(connections: impl Iterator<Item = &'c Arc<Connection>> + Clone) -> Option<Arc<Connection>> {
    let idle = connections.clone().filter(|connection| connection.is_idle());
    let longest_idle = idle.min_by_key(|connection| connection.last_activity());
    let unread = connections.filter_map(|connection| Some((connection.unsent_since()?, connection)));
    longest_idle.or_else(|| unread.min_by_key(|(since, _)| *since).map(|(_, connection)| connection)).cloned()
}

/// One connection in the table, until it is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection {
    pub(super) connection: Arc<Connection>,
    pub(super) table: Arc<ConnectionTable>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.table.lock().remove(&self.connection);
    }
}
