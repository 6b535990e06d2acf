#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
//! How many connections the framework's thread accepts while the workers are busy.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpResponse, web};

use super::server::connections_per_worker;
use super::{ConnectionLimits, ConnectionTable, ListenerServer, ServerSettings};
use crate::observability::{Counters, OpenConnectionCount};

const LONG: Duration = Duration::from_mins(1);

/// Holds a worker thread: its requests say that they have begun, and wait.
#[derive(Clone)]
struct Gate {
    begun: Sender<()>,
    opened: Arc<Mutex<Receiver<()>>>,
}

async fn hold(gate: web::Data<Gate>) -> HttpResponse {
    gate.begun.send(()).unwrap();
    gate.opened.lock().unwrap().recv().unwrap();
    HttpResponse::Ok().finish()
}

fn table(total: usize) -> Arc<ConnectionTable> {
    let limits = ConnectionLimits {
        total,
        per_client: total,
        arrival: LONG,
        idle: LONG,
        write: LONG,
        trusted_proxies: Vec::new(),
    };
    ConnectionTable::new(limits, Arc::<Counters>::default(), OpenConnectionCount::default())
}

/// The connections to `port` that the process has accepted: those that wait in the system's queue have no inode yet. A
/// connection may be listed twice while the table changes.
fn count_accepted(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let inode_of_accepted = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, ..] = fields[..] else { return None };
        let inode = fields.get(9).filter(|inode| **inode != "0")?;
        (local.ends_with(&format!(":{port:04X}")) && state == "01").then(|| (*inode).to_owned())
    };
    table.lines().filter_map(inode_of_accepted).collect::<HashSet<_>>().len()
}

#[test]
fn all_workers_together_are_given_what_the_table_holds_and_a_few_more_to_refuse() {
    for total in [1, 16, 64, 512, 10_000] {
        for workers in [1, 2, 3, 7, 64] {
            let together = connections_per_worker(total, workers) * workers;
            assert!((total + 1..=total + 32 + workers).contains(&together), "{total} {workers}: {together}");
        }
    }
}

#[actix_web::test]
async fn a_worker_that_is_busy_is_given_no_more_connections_than_its_share() {
    let (begun, has_begun) = channel();
    let (open, opened) = channel();
    let gate = Gate { begun, opened: Arc::new(Mutex::new(opened)) };
    let application = move || App::new().app_data(web::Data::new(gate.clone())).default_service(web::to(hold));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let settings = ServerSettings { workers: Some(1), drain_seconds: 0, arrival: LONG };
    let server =
        ListenerServer::new(settings, table(4)).listen(listener, None, application, &Arc::default()).unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);
    let connect = || TcpStream::connect_timeout(&address, LONG).unwrap();
    let mut holding = connect();
    std::io::Write::write_all(&mut holding, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    while has_begun.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    let share = connections_per_worker(4, 1);
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.extend((0..100).map(|_| connect()));
        while count_accepted(address.port()) < share {
            tokio::task::yield_now().await;
        }
    }
    // The thread that accepts has been woken by each of the second hundred.
    for _ in 0..200 {
        let accepted = count_accepted(address.port());
        assert!(accepted <= share + 1, "{accepted} of {} connections are accepted", clients.len());
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    handle.stop(false).await;
}
