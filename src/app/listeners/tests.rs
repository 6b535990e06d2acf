#![allow(clippy::unwrap_used)]
//! A server of this room, clients that misbehave, and time that the test moves.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, web};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::{ConnectionLimits, ConnectionTable, ListenerServer, ServerSettings};
use crate::inbound::{BodyLimits, read_body};
use crate::observability::{Count, Counters, OpenConnectionCount};

/// Larger than what the system and the server buffer for one connection.
const LARGE: usize = 8 * 1024 * 1024;
/// After every deadline of the tests.
const LATER: u64 = 1_000_000;

pub(super) struct Fixture {
    address: SocketAddr,
    pub(super) table: Arc<ConnectionTable>,
    counters: Arc<Counters>,
    begun: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    pub(super) server: ServerHandle,
}

impl Fixture {
    pub(super) fn start(total: usize, per_client: usize) -> Self {
        Self::start_through(total, per_client, |socket| std::future::ready(Some(socket)))
    }

    /// A server that reads the requests of a connection from the stream that `handshake` makes of it.
    pub(super) fn start_through<S, H>(
        total: usize,
        per_client: usize,
        handshake: impl Fn(TcpStream) -> H + Clone + Send + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
        H: Future<Output = Option<S>> + 'static,
    {
        let limits = ConnectionLimits {
            total,
            per_client,
            arrival: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            write: Duration::from_mins(1),
            trusted_proxies: vec!["127.0.0.9/32".parse().unwrap()],
        };
        let counters = Arc::new(Counters::default());
        let table = ConnectionTable::new(limits, counters.clone(), OpenConnectionCount::default());
        let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let answers = Answers { begun: begun.clone(), gate: gate.clone(), large: web::Bytes::from(vec![b'x'; LARGE]) };
        let application = move || App::new().app_data(web::Data::new(answers.clone())).default_service(web::to(answer));
        let settings = ServerSettings { workers: Some(1), drain_seconds: 1, arrival: Duration::from_mins(1) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = ListenerServer::new(settings, table.clone())
            .listen_through(listener, handshake, application, &Arc::default())
            .unwrap()
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, table, counters, begun, gate, server: handle }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        self.connect_from([127, 0, 0, 1]).await
    }

    async fn connect_from(&self, client: [u8; 4]) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::from(client), 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }
}

/// What the application answers with.
#[derive(Clone)]
struct Answers {
    begun: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    large: web::Bytes,
}

async fn answer(http: HttpRequest, payload: web::Payload, answers: web::Data<Answers>) -> HttpResponse {
    let count = || answers.begun.fetch_add(1, Ordering::Relaxed);
    match http.path() {
        "/small" => HttpResponse::Ok().body("small"),
        "/large" => {
            count();
            HttpResponse::Ok().body(answers.large.clone())
        }
        "/gated" => {
            count();
            answers.gate.acquire().await.unwrap().forget();
            HttpResponse::Ok().body("gated")
        }
        "/echo" => {
            let limits = BodyLimits { bytes: 1024 * 1024, time: Duration::from_mins(1) };
            HttpResponse::Ok().body(read_body(&http, payload, limits).await.unwrap())
        }
        _ => HttpResponse::NotFound().finish(),
    }
}

pub(super) async fn send(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

pub(super) async fn read_until(client: &mut TcpStream, end: &str) -> String {
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    while !seen.ends_with(end.as_bytes()) {
        let length = client.read(&mut piece).await.unwrap();
        assert!(length > 0, "the connection was closed after {}", String::from_utf8_lossy(&seen));
        seen.extend(piece.iter().take(length));
    }
    String::from_utf8(seen).unwrap()
}

/// Whether the server has closed the connection, by an end or a reset.
pub(super) async fn read_to_close(client: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    let _ = client.read_to_end(&mut seen).await;
    seen
}

/// Waits until the server has `open` connections.
async fn until_open(fixture: &Fixture, open: usize) {
    while fixture.table.len() != open {
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn pipelined_requests_are_answered_in_order() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    let requests = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\none\r\n\r\ntwo\r\n\
                    GET /small HTTP/1.1\r\nhost: a\r\n\r\n\
                    POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    send(&mut client, &requests.repeat(50)).await;
    send(&mut client, "GET /small HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let answers = String::from_utf8(read_to_close(&mut client).await).unwrap();
    let bodies: Vec<&str> =
        answers.split("HTTP/1.1 200 OK").filter_map(|answer| answer.split("GMT\r\n\r\n").nth(1)).collect();
    let mut expected = ["one\r\n\r\ntwo\r\n", "small", "abc"].repeat(50);
    expected.push("small");
    assert_eq!(bodies, expected);
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn a_body_arrives_whole_in_whatever_pieces_it_is_sent() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    let body = "{\r\n\r\n}\n\n".repeat(20_000);
    for piece in [1, 7, 4096, 100_000] {
        let head = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len() + 3);
        let request = format!("{head}{body}END");
        let (mut reading, mut writing) = client.split();
        let write = async {
            // The first bytes decide where pieces meet; the rest is sent at once.
            let (first, rest) = request.as_bytes().split_at(200);
            for part in first.chunks(piece) {
                writing.write_all(part).await.unwrap();
            }
            writing.write_all(rest).await.unwrap();
        };
        let read = async {
            let (mut seen, mut buffer) = (Vec::new(), [0; 8192]);
            while !seen.ends_with(b"END") {
                let length = reading.read(&mut buffer).await.unwrap();
                assert!(length > 0, "the connection was closed");
                seen.extend(buffer.iter().take(length));
            }
            seen
        };
        let ((), seen) = tokio::join!(write, read);
        assert!(String::from_utf8(seen).unwrap().contains(&body), "in pieces of {piece}");
    }
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn no_request_is_taken_while_an_answer_is_unread() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    send(&mut client, &"GET /large HTTP/1.1\r\nhost: a\r\n\r\n".repeat(200)).await;
    // An answer to another client shows that the server has dealt with the first.
    let mut other = fixture.connect().await;
    for _ in 0..3 {
        send(&mut other, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
        read_until(&mut other, "small").await;
    }
    let begun = fixture.begun.load(Ordering::Relaxed);
    assert!((1..=2).contains(&begun), "{begun} requests were taken");
    fixture.table.sweep_at(LATER);
    read_to_close(&mut client).await;
    assert_eq!(fixture.counters.value(Count::ConnectionTimedOut), 1);
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn no_request_is_taken_while_another_waits_for_its_answer() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    send(&mut client, &"GET /gated HTTP/1.1\r\nhost: a\r\n\r\n".repeat(200)).await;
    while fixture.begun.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    // A request that waits for a bot is not ended, however long the bot takes.
    fixture.table.sweep_at(LATER);
    for answered in 1..=200 {
        fixture.gate.add_permits(1);
        read_until(&mut client, "gated").await;
        assert!(fixture.begun.load(Ordering::Relaxed) <= answered + 1);
    }
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn an_idle_connection_is_ended_by_the_table() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    send(&mut client, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut client, "small").await;
    fixture.table.sweep_at(60_000);
    send(&mut client, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut client, "small").await;
    fixture.table.sweep_at(120_001);
    assert!(read_to_close(&mut client).await.is_empty());
    // An idle client does nothing wrong.
    assert_eq!(fixture.counters.value(Count::ConnectionTimedOut), 0);
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn a_client_that_dribbles_an_unwanted_body_is_closed_after_a_moment() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    send(&mut client, "POST /small HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    read_until(&mut client, "small").await;
    fixture.table.sweep_at(1_000);
    read_to_close(&mut client).await;
    until_open(&fixture, 0).await;
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn a_head_that_does_not_arrive_ends_the_connection_also_after_an_answered_request() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    send(&mut client, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut client, "small").await;
    send(&mut client, "GET /small HT").await;
    let mut other = fixture.connect().await;
    send(&mut other, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut other, "small").await;
    // The second connection has just begun to be idle; the first has been sending since 1.
    fixture.table.sweep_at(50_000);
    send(&mut other, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut other, "small").await;
    fixture.table.sweep_at(60_002);
    assert!(read_to_close(&mut client).await.is_empty());
    send(&mut other, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut other, "small").await;
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn one_client_does_not_use_up_the_connections_of_another() {
    let fixture = Fixture::start(100, 3);
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut client = fixture.connect().await;
        send(&mut client, "GET /gated HTTP/1.1\r\nhost: a\r\n\r\n").await;
        busy.push(client);
    }
    while fixture.begun.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    // No connection of this client is idle, so the next is refused.
    assert!(read_to_close(&mut fixture.connect().await).await.is_empty());
    assert_eq!(fixture.counters.value(Count::ConnectionRefused), 1);
    let mut other = fixture.connect_from([127, 0, 0, 2]).await;
    send(&mut other, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut other, "small").await;
    // A trusted proxy stands for many clients.
    let mut proxied = Vec::new();
    for _ in 0..10 {
        let mut client = fixture.connect_from([127, 0, 0, 9]).await;
        send(&mut client, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
        read_until(&mut client, "small").await;
        proxied.push(client);
    }
    fixture.gate.add_permits(3);
    for client in &mut busy {
        read_until(client, "gated").await;
    }
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn at_the_limit_the_connection_that_has_been_idle_longest_makes_room() {
    let fixture = Fixture::start(3, 3);
    let mut clients = Vec::new();
    for (at, path) in [(10, "/gated"), (20, "/small"), (30, "/small")] {
        fixture.table.sweep_at(at);
        let mut client = fixture.connect_from([127, 0, 0, u8::try_from(at).unwrap()]).await;
        send(&mut client, &format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        if path == "/small" {
            read_until(&mut client, "small").await;
        } else {
            while fixture.begun.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
        }
        clients.push(client);
    }
    let mut new = fixture.connect_from([127, 0, 0, 40]).await;
    send(&mut new, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(&mut new, "small").await;
    let [gated, idle_longest, idle] = &mut clients[..] else { unreachable!() };
    assert!(read_to_close(idle_longest).await.is_empty());
    fixture.gate.add_permits(1);
    read_until(gated, "gated").await;
    send(idle, "GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_until(idle, "small").await;
    assert_eq!(fixture.counters.value(Count::ConnectionEvicted), 1);
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn a_client_that_hangs_up_leaves_no_entry() {
    let fixture = Fixture::start(10, 10);
    for request in ["", "GET /small", "GET /gated HTTP/1.1\r\nhost: a\r\n\r\n", "POST /echo HTTP/1.1\r\n\r\n"] {
        let mut client = fixture.connect().await;
        send(&mut client, request).await;
        drop(client);
    }
    fixture.gate.add_permits(1);
    until_open(&fixture, 0).await;
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn at_the_limit_a_client_that_leaves_its_answer_unread_makes_room_if_no_connection_is_idle() {
    let fixture = Fixture::start(2, 2);
    let mut unread = Vec::new();
    for at in [10, 20] {
        fixture.table.sweep_at(at);
        let mut client = fixture.connect_from([127, 0, 0, u8::try_from(at).unwrap()]).await;
        send(&mut client, "GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
        unread.push(client);
        while fixture.begun.load(Ordering::Relaxed) < unread.len() {
            tokio::task::yield_now().await;
        }
    }
    // Each new client is refused until the server has noticed that the large answers are not read.
    let mut new = loop {
        let mut client = fixture.connect_from([127, 0, 0, 40]).await;
        let _ = client.write_all(b"GET /small HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut first = [0; 1];
        if client.read(&mut first).await.is_ok_and(|length| length == 1) {
            break client;
        }
    };
    read_until(&mut new, "small").await;
    assert_eq!(fixture.counters.value(Count::ConnectionEvicted), 1);
    drop(unread);
    fixture.server.stop(false).await;
}

#[test]
fn a_thousand_connections_wait_until_the_process_accepts_them() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    super::server::bound_buffers(&listener).unwrap();
    // The system answers without the process, and drops the first packet of a connection that does not fit.
    let limit = Duration::from_secs(20);
    let waiting: Vec<_> = (0..1_000).map(|_| std::net::TcpStream::connect_timeout(&address, limit).unwrap()).collect();
    assert_eq!(waiting.len(), 1_000);
}
