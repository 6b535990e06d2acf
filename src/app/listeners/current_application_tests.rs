#![allow(clippy::unwrap_used)]
//! A reload while connections are open and a request is under way.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::{ConnectionLimits, ConnectionTable, Generation, ListenerServer, ServerSettings};
use crate::observability::{Counters, OpenConnectionCount};

const MINUTE: Duration = Duration::from_mins(1);

async fn ask(client: &mut TcpStream, path: &str) {
    client.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
}

/// Reads an answer that ends in `end`.
async fn expect(client: &mut TcpStream, end: &str) {
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    while !seen.ends_with(end.as_bytes()) {
        let length = client.read(&mut piece).await.unwrap();
        assert!(length > 0, "closed after {}", String::from_utf8_lossy(&seen));
        seen.extend(piece.iter().take(length));
    }
}

#[actix_web::test]
async fn open_connections_get_the_new_application_and_a_request_under_way_ends_in_the_old_one() {
    let limits = ConnectionLimits {
        total: 10,
        per_client: 10,
        arrival: MINUTE,
        idle: MINUTE,
        write: MINUTE,
        trusted_proxies: Vec::new(),
    };
    let table = ConnectionTable::new(limits, Arc::<Counters>::default(), OpenConnectionCount::default());
    let (number, generation) = (Arc::new(AtomicUsize::new(1)), Arc::<Generation>::default());
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (current, signals) = (number.clone(), [begun.clone(), gate.clone()]);
    let application = move || {
        let (number, [begun, gate]) = (current.load(Ordering::Relaxed), signals.clone());
        let gated = move || {
            let (begun, gate) = (begun.clone(), gate.clone());
            async move {
                begun.add_permits(1);
                gate.acquire().await.unwrap().forget();
                HttpResponse::Ok().body(format!("gated {number}"))
            }
        };
        let application = App::new()
            .route("/number", web::to(move || async move { HttpResponse::Ok().body(format!("number {number}")) }))
            .route("/gated", web::to(gated));
        // A path that only the second application has.
        if number == 2 {
            application.route("/new", web::to(|| async { HttpResponse::Ok().body("new") }))
        } else {
            application
        }
    };
    let settings = ServerSettings { workers: Some(1), drain_seconds: 1, arrival: MINUTE };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = ListenerServer::new(settings, table).listen(listener, None, application, &generation).unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);

    let (mut kept, mut waiting) =
        (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    ask(&mut kept, "/number").await;
    expect(&mut kept, "number 1").await;
    ask(&mut waiting, "/gated").await;
    begun.acquire().await.unwrap().forget();

    number.store(2, Ordering::Relaxed);
    ask(&mut kept, "/number").await;
    expect(&mut kept, "number 1").await;
    generation.advance();
    ask(&mut kept, "/number").await;
    expect(&mut kept, "number 2").await;
    ask(&mut kept, "/new").await;
    expect(&mut kept, "new").await;
    gate.add_permits(1);
    expect(&mut waiting, "gated 1").await;
    ask(&mut waiting, "/number").await;
    expect(&mut waiting, "number 2").await;
    handle.stop(false).await;
}
